package explain

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"oss-callback/function/callback"
)

// ossKeyV1 is https://gosspublic.alicdn.com/callback_pub_key_v1.pem.
const ossKeyV1 = `-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKs/JBGzwUB2aVht4crBx3oIPBLNsjGs
C0fTXv+nvlmklvkcolvpvXLTjaxUHR3W9LXxQ2EHXAJfCB+6H2YF1k8CAwEAAQ==
-----END PUBLIC KEY-----
`

// publicKey is a key that we can check signatures with.
type publicKey struct {
	pem    []byte
	public *rsa.PublicKey
	given  bool // by the options
}

// judge holds the options, checked. Its verifier is the function's own.
type judge struct {
	verifier *callback.Verifier // of signatures only: no bucket is called "-"
	oss      *callback.Verifier // the same, with OSS's keys whatever the options say
	keys     []publicKey        // the first is the one that the function would use
	buckets  []string
	secrets  [][]byte
	now      func() time.Time
}

func newJudge(o Options) (*judge, error) {
	key, err := publicPEM(o.Key)
	if err != nil {
		return nil, err
	}
	o.Key = key
	config := callback.Config{Buckets: []string{"-"}, TokenSecrets: o.TokenSecrets, PublicKey: o.Key, Transport: offline{}}
	verifier, err := callback.NewVerifier(config) // checks the secrets, too
	if err != nil {
		return nil, err
	}
	config.PublicKey = nil
	oss, err := callback.NewVerifier(config)
	if err != nil {
		return nil, err
	}
	j := &judge{verifier: verifier, oss: oss, buckets: o.Buckets, secrets: o.TokenSecrets, now: o.Now}
	for _, text := range [][]byte{o.Key, []byte(ossKeyV1)} {
		if len(text) == 0 {
			continue
		}
		key, err := parseKey(text)
		if err != nil {
			return nil, err
		}
		key.given = len(o.Key) > 0 && len(j.keys) == 0
		j.keys = append(j.keys, key)
	}
	return j, nil
}

// publicPEM is the key in the form that OSS serves and the verifier reads. Private keys are what `dev` hands out.
func publicPEM(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, nil
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the key is no PEM")
	}
	var (
		parsed any
		err    error
	)
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "RSA PUBLIC KEY":
		parsed, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return text, nil // the verifier judges it
	}
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if private, ok := parsed.(*rsa.PrivateKey); ok {
		parsed = &private.PublicKey
	}
	if _, ok := parsed.(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("the key is %T, not RSA", parsed)
	}
	der, err := x509.MarshalPKIXPublicKey(parsed)
	if err != nil {
		return nil, fmt.Errorf("write the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func parseKey(text []byte) (publicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return publicKey{}, errors.New("the key is no PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return publicKey{}, fmt.Errorf("read the key: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return publicKey{}, fmt.Errorf("the key is %T, not RSA", parsed)
	}
	return publicKey{pem: text, public: public}, nil
}

// offline is the network of explain: none.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("explain works offline")
}

func requestOf(c Capture) callback.Request {
	return callback.Request{Path: c.Path, Query: c.Query, Header: c.Header, Body: c.Body}
}

// verify returns nil if the capture's signature is good as it stands, whatever it says and whosever it is.
func (j *judge) verify(ctx context.Context, c Capture) error {
	_, err := j.verifier.Verify(ctx, requestOf(c))
	if errors.Is(err, callback.ErrMalformed) || errors.Is(err, callback.ErrBucketNotAllowed) {
		return nil
	}
	return err
}

// genuine reports a capture that verifies.
func (j *judge) genuine(ctx context.Context, c Capture, report *Report) {
	report.conclude(Genuine, "The request is genuine and unaltered.")
	if len(c.Query.Params) > 0 {
		report.note("The raw query was lost, as on Function Compute's go1 runtime, and was rebuilt from its parameters, as the function does.")
	}
	defer report.note("If your server says no to it, look at your verifier. Go 1.24 and later refuse OSS's 512-bit key unless go.mod holds " +
		"`godebug rsa1024min=0`. Decode the path once, with a path decoder. Take the raw query, and no \"?\" without one. One line feed, then the body's " +
		"raw bytes. Hash with MD5 once, by the RSA function and not before it.")
	up, err := j.upload(ctx, requestOf(c), j.keys[0])
	if err != nil {
		report.note("It verifies, but the function would refuse what it says: %v.", err)
		return
	}
	report.Upload = &up
	if why := j.notOurs(ctx, requestOf(c), j.keys[0], up); why != "" {
		report.conclude(GenuineNotOurs, "The request is genuine and unaltered, but not ours: %s", why)
		return
	}
	j.noteOwner(up, report)
}

// noteOwner says how little a good signature proves.
func (j *judge) noteOwner(up callback.Upload, report *Report) {
	switch {
	case len(j.buckets) == 0:
		report.note("The signature proves only that some customer of OSS caused this. The body says bucket %.63q: give yours with --bucket or ALLOWED_BUCKETS.",
			up.Bucket)
	case len(j.secrets) == 0:
		report.note("The bucket is the body's word, which any customer of OSS can choose. Ask OSS for the object, or use tokens (CALLBACK_TOKEN_SECRET).")
	}
}

// upload is what a request with a good signature says. Its error is callback.ErrMalformed, wrapped.
func (j *judge) upload(ctx context.Context, r callback.Request, key publicKey) (callback.Upload, error) {
	v, err := callback.NewVerifier(callback.Config{Buckets: []string{claimedBucket(r)}, PublicKey: key.pem, Transport: offline{}})
	if err != nil {
		return callback.Upload{}, err
	}
	return v.Verify(ctx, r)
}

// notOurs says why an upload is not ours, or nothing if it may be.
func (j *judge) notOurs(ctx context.Context, r callback.Request, key publicKey, up callback.Upload) string {
	if len(j.buckets) > 0 && !slices.Contains(j.buckets, up.Bucket) {
		return fmt.Sprintf("the body says bucket %.63q, which is not among yours. Any customer of OSS can have OSS call your address.", up.Bucket)
	}
	if len(j.secrets) == 0 {
		return ""
	}
	v, err := callback.NewVerifier(callback.Config{Buckets: []string{up.Bucket}, TokenSecrets: j.secrets, PublicKey: key.pem, Transport: offline{}, Now: j.now})
	if err == nil {
		_, err = v.Verify(ctx, r)
	}
	switch {
	case err == nil:
		return ""
	case errors.Is(err, callback.ErrTokenExpired):
		return fmt.Sprintf("its token is too old (%v). Your backend must mint a new one for the uploader.", err)
	}
	return fmt.Sprintf("its token is not one of yours (%v). Either CALLBACK_TOKEN_SECRET is another one here than where the token was minted, or somebody "+
		"else made this up.", err)
}

// claimedBucket is the first bucket that the body names, for the verifier to accept; it is "-" if there is none.
func claimedBucket(r callback.Request) string {
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		dec := json.NewDecoder(bytes.NewReader(r.Body))
		if open, err := dec.Token(); err != nil || open != json.Delim('{') {
			return "-"
		}
		for dec.More() {
			name, err := dec.Token()
			var value json.RawMessage
			if err != nil || dec.Decode(&value) != nil {
				return "-"
			}
			var bucket string
			if name == "bucket" && json.Unmarshal(value, &bucket) == nil {
				return bucket
			}
		}
		return "-"
	}
	for part := range strings.SplitSeq(string(r.Body), "&") {
		name, value, _ := strings.Cut(part, "=")
		if name, err := url.QueryUnescape(name); err != nil || name != "bucket" {
			continue
		}
		if bucket, err := url.QueryUnescape(value); err == nil {
			return bucket
		}
	}
	return "-"
}
