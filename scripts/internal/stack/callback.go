package stack

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
)

// callbackBody is the template that the function understands. It holds no imageInfo.*: OSS fails the whole callback when it cannot
// read the image, so the function asks for the image's facts itself.
const callbackBody = "bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&reqId=${reqId}" +
	"&x:user=${x:user}"

// Callback is the value of x-oss-callback (or the query parameter or form field callback) for uploads that shall call url.
func Callback(url string) string {
	return encode(map[string]any{
		"callbackUrl":      url,
		"callbackBody":     callbackBody,
		"callbackBodyType": "application/x-www-form-urlencoded",
		"callbackSNI":      true,
	})
}

// CallbackVar is the value of x-oss-callback-var. Names start with "x:" and are lower-case.
func CallbackVar(vars map[string]string) string { return encode(vars) }

// encode leaves & as it is: the escapes of encoding/json would count against OSS's limit of 5 KB.
func encode(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings and booleans always marshal
	}
	return base64.StdEncoding.EncodeToString(bytes.TrimSpace(b.Bytes()))
}
