package callback

import (
	"fmt"
	"mime"
	"strconv"
	"strings"
)

// The types that callbackBodyType may name.
const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// parse reads a verified body. OSS does not check that a template makes sense: a genuine callback may hold anything.
func parse(contentType string, body []byte) (Upload, error) {
	kind, err := contentType, error(nil)
	switch contentType {
	case formType, jsonType: // as OSS writes them: nothing to take apart
	case "":
		kind = formType // OSS's default callbackBodyType
	default:
		if kind, _, err = mime.ParseMediaType(contentType); err != nil {
			return Upload{}, fmt.Errorf("%w: content-type: %v", ErrMalformed, err)
		}
	}
	pairs := make([]pair, 0, 16) // enough for most
	switch kind {
	case formType:
		pairs, err = formPairs(pairs, string(body))
	case jsonType:
		pairs, err = jsonPairs(pairs, body)
	default:
		return Upload{}, fmt.Errorf("%w: content-type: callbackBodyType is application/x-www-form-urlencoded or application/json",
			ErrMalformed)
	}
	if err != nil {
		return Upload{}, err
	}
	return uploadFrom(pairs)
}

// pair is one name and value of a body, in the body's order.
type pair struct{ name, value string }

func uploadFrom(pairs []pair) (Upload, error) {
	up := Upload{Size: -1}
	var size, height, width string
	known := [...]struct {
		name  string
		field *string
	}{
		{"bucket", &up.Bucket}, {"object", &up.Object}, {"etag", &up.ETag}, {"size", &size}, {"mimeType", &up.MimeType},
		{"imageInfo.height", &height}, {"imageInfo.width", &width}, {"imageInfo.format", &up.Image.Format},
		{"crc64", &up.CRC64}, {"contentMd5", &up.ContentMD5}, {"vpcId", &up.VPCID}, {"clientIp", &up.ClientIP},
		{"reqId", &up.RequestID}, {"operation", &up.Operation},
	}
next:
	for _, p := range pairs {
		for i := range known { // faster than a map by far, for so few
			if k := &known[i]; k.name == p.name && k.field != nil {
				*k.field = p.value
				k.field = nil // a repeat is a variable: what was checked first stays
				continue next
			}
		}
		if up.Vars == nil {
			up.Vars = map[string][]string{}
		}
		up.Vars[p.name] = append(up.Vars[p.name], p.value)
	}
	up.ETag = strings.Trim(up.ETag, `"`)
	if up.Bucket == "" || up.Object == "" {
		return Upload{}, fmt.Errorf("%w: callbackBody must tell bucket and object, as in "+
			"bucket=${bucket}&object=${object}&etag=${etag}&size=${size}", ErrMalformed)
	}
	if len(up.Object) > maxKeyBytes {
		return Upload{}, fmt.Errorf("%w: object has %d bytes, OSS allows %d", ErrMalformed, len(up.Object), maxKeyBytes)
	}
	var err error
	if size != "" {
		if up.Size, err = strconv.ParseInt(size, 10, 64); err != nil || up.Size < 0 {
			return Upload{}, fmt.Errorf("%w: size %.32q is no number of bytes", ErrMalformed, size)
		}
	}
	if up.Image.Height, err = pixels("imageInfo.height", height); err != nil {
		return Upload{}, err
	}
	up.Image.Width, err = pixels("imageInfo.width", width)
	return up, err
}

func pixels(name, value string) (int, error) {
	if value == "" {
		return 0, nil // not an image
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: %s %.32q is no number of pixels", ErrMalformed, name, value)
	}
	return n, nil
}
