package osssim

import (
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// publicKeyURL is what OSS names as the place of its key, whatever key a private signer really uses.
const publicKeyURL = "https://gosspublic.alicdn.com/callback_pub_key_v1.pem"

// Signer signs callbacks as OSS does, with a key of its own of the same size: RSA-512. It is safe for concurrent use.
type Signer struct {
	key       *rsa.PrivateKey
	publicPEM string
}

// NewSigner generates a fresh key. It fails where Go refuses keys of this size: the main module's go.mod, or the test's, must hold
// "godebug rsa1024min=0".
func NewSigner() (*Signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 512)
	if err != nil {
		return nil, fmt.Errorf("generate an RSA-512 key (needs godebug rsa1024min=0): %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("marshal the public key: %w", err)
	}
	return &Signer{key: key, publicPEM: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}, nil
}

// PublicKeyPEM is the PKIX PEM ("BEGIN PUBLIC KEY") of the signer's key.
func (s *Signer) PublicKeyPEM() string { return s.publicPEM }

// PrivateKeyPEM is the PKCS #8 PEM ("BEGIN PRIVATE KEY") of the signer's key.
func (s *Signer) PrivateKeyPEM() string {
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil { // RSA keys always marshal
		panic(fmt.Sprintf("osssim: marshal the private key: %v", err))
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// Sign returns the authorization header of a callback. rawPath and rawQuery are as they stand in the request line; hasQuery is whether there
// is a query at all, since OSS signs no "?" without one.
func (s *Signer) Sign(rawPath, rawQuery string, hasQuery bool, body []byte) (authorization string) {
	digest := callbackDigest(rawPath, rawQuery, hasQuery, body)
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.MD5, digest[:])
	if err != nil { // the key is our own and of a size that takes this digest
		panic(fmt.Sprintf("osssim: sign: %v", err))
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// callbackDigest is the MD5 of the text OSS signs: decoded path, "?" and raw query if there is one, a line feed, the raw body.
func callbackDigest(rawPath, rawQuery string, hasQuery bool, body []byte) [md5.Size]byte {
	path, err := url.PathUnescape(rawPath)
	if err != nil {
		path = rawPath // no request line can hold it; there is nothing to decode
	}
	text := path
	if hasQuery {
		text += "?" + rawQuery
	}
	return md5.Sum(append([]byte(text+"\n"), body...))
}

// CallbackMeta is what the headers of a callback say beside its signature. Empty fields get what a genuine callback might hold.
type CallbackMeta struct {
	Bucket      string
	RequestID   string    // id of the upload; "" is a fresh one
	Requester   string    // account or user id of the uploader
	ContentType string    // "" is application/x-www-form-urlencoded
	Date        time.Time // zero is now
}

// Headers returns the whole header of a callback but Host, the signature included. The arguments up to body are those of Sign.
func (s *Signer) Headers(rawPath, rawQuery string, hasQuery bool, body []byte, meta CallbackMeta) http.Header {
	if meta.Date.IsZero() {
		meta.Date = time.Now()
	}
	if meta.RequestID == "" {
		meta.RequestID = newRequestID(meta.Date)
	}
	if meta.Requester == "" {
		meta.Requester = "1000000000000001"
	}
	if meta.ContentType == "" {
		meta.ContentType = formType
	}
	sum := md5.Sum(body)
	h := http.Header{}
	h.Set("Authorization", s.Sign(rawPath, rawQuery, hasQuery, body))
	h.Set("Connection", "close")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	h.Set("Content-Type", meta.ContentType)
	h.Set("Date", meta.Date.UTC().Format(http.TimeFormat))
	h.Set("User-Agent", "aliyun-oss-callback")
	h.Set("X-Oss-Bucket", meta.Bucket)
	h.Set("X-Oss-Owner", "1000000000000001")
	h.Set("X-Oss-Pub-Key-Url", base64.StdEncoding.EncodeToString([]byte(publicKeyURL)))
	h.Set("X-Oss-Request-Id", meta.RequestID)
	h.Set("X-Oss-Requester", meta.Requester)
	h.Set("X-Oss-Signature-Version", "1.0")
	h.Set("X-Oss-Tag", "CALLBACK")
	return h
}
