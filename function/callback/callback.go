// Package callback speaks the server's side of the OSS upload-callback protocol: it verifies the raw bytes of a callback, and
// only then parses them.
//
// OSS signs, with RSA PKCS#1 v1.5 over MD5, the percent-decoded path, "?" and the raw query if there is one, a line feed, and
// the raw body (https://help.aliyun.com/zh/oss/developer-reference/callback). A good signature proves that some customer of OSS
// caused the call, nothing more: path, query and body are chosen by the uploader, headers are not signed, there is no time in
// it, and a 512-bit key can be factored. Hence the bucket list, the Token, and the caller's duty to ask OSS for the object.
package callback

import (
	"context"
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// canonical is base64 of which every text has one spelling only, but for line feeds, which the decoder skips.
var canonical = base64.StdEncoding.Strict()

// MaxBody is the largest callback body that Verify accepts, in bytes. A callbackBody template holds at most 3.75 KB (5 KB of
// base64) and each variable's value at most a few KB after percent-encoding, so genuine callbacks stay far below it.
const MaxBody = 64 << 10

// Request is a callback as it arrived, whichever way it came.
type Request struct {
	Path   string // as on the wire, still percent-encoded
	Query  Query
	Header http.Header // canonical names
	Body   []byte      // as on the wire
}

// Upload is what a verified callback says. Only Verifier.Verify makes one.
type Upload struct {
	Bucket, Object string
	ETag           string // without quotes; empty if the callback did not tell
	Size           int64  // bytes; -1 if the callback did not tell
	MimeType       string
	CRC64          string
	ContentMD5     string
	VPCID          string
	ClientIP       string
	Operation      string // PutObject, PostObject or CompleteMultipartUpload
	RequestID      string // OSS's id of the upload: reqId of the body, else the header x-oss-request-id

	// Image is what OSS filled in for imageInfo.*; zero where it was not asked or found no image.
	Image ImageInfo

	// Vars holds everything else under its full name: "x:" variables, unknown names, and repeats of known ones.
	Vars map[string][]string
}

// ImageInfo is the callback's own idea of the image. It is the uploader's word: trust what imageinfo asks OSS instead.
type ImageInfo struct {
	Format        string
	Width, Height int
}

// Config configures NewVerifier.
type Config struct {
	Buckets      []string          // buckets whose uploads are accepted; required
	TokenSecrets [][]byte          // if any, callbacks must carry a Token made with one of them; at most two
	PublicKey    []byte            // PEM that replaces OSS's keys, for private clouds and simulators; nil for OSS itself
	Transport    http.RoundTripper // fetches keys that are not embedded; nil for a plain one
	Now          func() time.Time  // nil for time.Now
}

// Verifier verifies callbacks. It is safe for concurrent use, and touches the network only for a key that is not embedded.
type Verifier struct {
	buckets []string
	secrets [][]byte
	keys    *keyring
	now     func() time.Time
}

// NewVerifier checks the settings and verifies a genuine callback of OSS's with the embedded key; ErrSelfTest says that this
// build cannot verify anything.
func NewVerifier(c Config) (*Verifier, error) {
	if len(c.Buckets) == 0 {
		return nil, fmt.Errorf("callback: no bucket is allowed")
	}
	if len(c.TokenSecrets) > 2 {
		return nil, fmt.Errorf("callback: %d token secrets, at most two are accepted during rotation", len(c.TokenSecrets))
	}
	for _, secret := range c.TokenSecrets {
		if len(secret) < MinSecret {
			return nil, fmt.Errorf("callback: a token secret has %d bytes, at least %d are needed", len(secret), MinSecret)
		}
	}
	if err := selfTest(); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	keys, err := newKeyring(c.PublicKey, c.Transport, c.Now)
	if err != nil {
		return nil, err
	}
	return &Verifier{buckets: c.Buckets, secrets: c.TokenSecrets, keys: keys, now: c.Now}, nil
}

// Verify returns the upload only if the signature, the bucket and, where secrets are set, the token are good. It returns one of
// the package's errors, wrapped with the cause. The context bounds the fetch of a key that is not embedded.
func (v *Verifier) Verify(ctx context.Context, r Request) (Upload, error) {
	if err := v.VerifySignature(ctx, r); err != nil {
		return Upload{}, err
	}
	up, err := parse(r.Header.Get("Content-Type"), r.Body)
	if err != nil {
		return Upload{}, err
	}
	if up.RequestID == "" {
		up.RequestID = r.Header.Get("X-Oss-Request-Id")
	}
	if !slices.Contains(v.buckets, up.Bucket) {
		return Upload{}, fmt.Errorf("%w: %.63q", ErrBucketNotAllowed, up.Bucket)
	}
	if len(v.secrets) > 0 {
		path := signedPath(r.Path)
		token := path[strings.LastIndexByte(path, '/')+1:]
		if err := checkToken(token, v.secrets, up.Bucket, up.Object, v.now()); err != nil {
			return Upload{}, err
		}
	}
	return up, nil
}

// VerifySignature is the first step of Verify: it says that OSS sent the callback, whatever its body means. It does not say that it is
// about a bucket of ours, nor who caused it. Errors and context are those of Verify.
func (v *Verifier) VerifySignature(ctx context.Context, r Request) error {
	if len(r.Body) > MaxBody {
		return fmt.Errorf("%w: more than %d bytes", ErrBodyTooLarge, MaxBody)
	}
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		return fmt.Errorf("%w: no authorization header; it must reach the function untouched", ErrUnsigned)
	}
	if version := r.Header.Get("X-Oss-Signature-Version"); version != "" && version != "1.0" {
		return fmt.Errorf("%w: %.16q", ErrUnsupportedSignatureVersion, version)
	}
	signature, err := canonical.DecodeString(authorization)
	if err != nil || len(authorization) != canonical.EncodedLen(len(signature)) {
		return fmt.Errorf("%w: authorization is not canonical base64", ErrBadSignature)
	}
	if err := r.Query.recoverable(); err != nil {
		return err
	}
	key, err := v.keys.find(ctx, r.Header.Get("X-Oss-Pub-Key-Url"))
	if err != nil {
		return err
	}
	matches := func(public *rsa.PublicKey) bool {
		if len(signature) != public.Size() { // saves the hashing
			return false
		}
		path := signedPath(r.Path)
		for query := range r.Query.candidates {
			digest := signedDigest(path, query, r.Body)
			if rsa.VerifyPKCS1v15(public, crypto.MD5, digest[:], signature) == nil {
				return true
			}
		}
		return false
	}
	if matches(key.public) {
		return nil
	}
	if fresh, ok := v.keys.refresh(ctx, key); ok && matches(fresh) {
		v.keys.replace(key.name, fresh)
		return nil
	}
	if !key.trusted {
		return fmt.Errorf("%w: and the configured public key does not fit", ErrUntrustedKeyURL)
	}
	if len(r.Query.Params) > 0 {
		return fmt.Errorf("%w: the query had to be rebuilt from decoded parameters: put what it says in the path, or deploy the "+
			"web variant", ErrBadSignature)
	}
	return ErrBadSignature
}

// signedPath is a path as OSS signs it: decoded once, "+" stays what it is.
func signedPath(raw string) string {
	path, err := url.PathUnescape(raw)
	if err != nil {
		return raw // OSS cannot have sent this; the signature will say so
	}
	return path
}

// signedDigest hashes what OSS signs.
func signedDigest(path, query string, body []byte) [md5.Size]byte {
	text := append(make([]byte, 0, 1<<10), path...) // most callbacks fit, and cost no allocation
	if query != "" {
		text = append(text, '?')
		text = append(text, query...)
	}
	text = append(text, '\n')
	text = append(text, body...)
	return md5.Sum(text)
}
