package bench

import (
	"bytes"
	"fmt"
	"net/http"

	"oss-callback/function/callback"
	"oss-callback/scripts/internal/osssim"
)

// size is of the object, as the callback and image info tell it, in bytes.
const size = 1842034

// form is the body of the measured callback: the fields that OSS's own examples have, and a variable.
var form = fmt.Sprintf("bucket=%s&object=photos%%2Fbench.jpg&etag=%%22D41D8CD98F00B204E9800998ECF8427E%%22&size=%d&mimeType=image%%2Fjpeg"+
	"&imageInfo.height=3024&imageInfo.width=4032&imageInfo.format=jpg&x%%3Auser=bench", bucket, size)

// path is where callbacks go.
const path = "/oss-callback"

// callback is a signed callback to addr as it stands on the wire: a request that the connection survives, as Function Compute's gateway
// sends it.
func (r *rig) callback(addr string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\n", path, addr)
	_ = r.headers().Write(&b) // a buffer takes everything
	fmt.Fprintf(&b, "\r\n%s", form)
	return b.Bytes()
}

func (r *rig) headers() http.Header {
	h := r.signer.Headers(path, "", false, []byte(form), osssim.CallbackMeta{Bucket: bucket})
	h.Del("Connection")
	return h
}

// request is the same callback as the verifier gets it.
func (r *rig) request() callback.Request {
	return callback.Request{Path: path, Header: r.headers(), Body: []byte(form)}
}
