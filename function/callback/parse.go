package callback

import (
	"fmt"
	"mime"
	"strconv"
	"strings"
)

// parse reads a verified body. OSS does not check that a template makes sense: a genuine callback may hold anything.
func parse(contentType string, body []byte) (Upload, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if contentType == "" {
		kind, err = "application/x-www-form-urlencoded", nil // OSS's default callbackBodyType
	}
	var pairs []pair
	switch {
	case err != nil:
		return Upload{}, fmt.Errorf("%w: content-type: %v", ErrMalformed, err)
	case kind == "application/x-www-form-urlencoded":
		pairs, err = formPairs(string(body))
	case kind == "application/json":
		pairs, err = jsonPairs(body)
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
	known := map[string]*string{
		"bucket": &up.Bucket, "object": &up.Object, "etag": &up.ETag, "size": &size, "mimeType": &up.MimeType,
		"imageInfo.height": &height, "imageInfo.width": &width, "imageInfo.format": &up.Image.Format,
		"crc64": &up.CRC64, "contentMd5": &up.ContentMD5, "vpcId": &up.VPCID, "clientIp": &up.ClientIP,
		"reqId": &up.RequestID, "operation": &up.Operation,
	}
	for _, p := range pairs {
		if field := known[p.name]; field != nil {
			*field = p.value
			delete(known, p.name) // a repeat is a variable: what was checked first stays
			continue
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
