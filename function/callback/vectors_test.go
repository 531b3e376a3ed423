package callback

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Both vectors are genuine: signed by OSS with the key that is embedded.
const (
	v1URL  = "aHR0cHM6Ly9nb3NzcHVibGljLmFsaWNkbi5jb20vY2FsbGJhY2tfcHViX2tleV92MS5wZW0=" // https
	v1HTTP = "aHR0cDovL2dvc3NwdWJsaWMuYWxpY2RuLmNvbS9jYWxsYmFja19wdWJfa2V5X3YxLnBlbQ=="
)

func formVector() Request {
	return Request{
		Path:  "/index.php",
		Query: Query{Raw: "id=1&index=2"},
		Header: http.Header{
			"Content-Type":      {"application/x-www-form-urlencoded"},
			"X-Oss-Pub-Key-Url": {v1HTTP},
			"Authorization":     {"kKQeGTRccDKyHB3H9vF+xYMSrmhMZjzzl2/kdD1ktNVgbWEfYTQG0G2SU/RaHBovRCE8OkQDjC3uG33esH2txA=="},
		},
		Body: []byte("bucket=yonghu-test"),
	}
}

func jsonVector() Request {
	return Request{
		Path: "/3ecb4401-bd1f-4421-a385-46b57f0d6daa",
		Header: http.Header{
			"Content-Type":            {"application/json"},
			"X-Oss-Pub-Key-Url":       {v1URL},
			"X-Oss-Signature-Version": {"1.0"},
			"Authorization":           {"eugZUpzNaW3Ba40tGc3IUczSmdwfOKS1fXl6xd+QmOITTUPLwhBw1DBBUwaGuLsKYdCauOcHhGCEVMEObQgThA=="},
		},
		Body: []byte(`{"bucket":"post-test","object":"42cf77bf-2d25-485a-947c-b9216ee079ee","etag":"97E1A27874032FC4B29F007C90DFA372",` +
			`"size":31,"mimeType":"image/jpeg","imageInfo":null}`),
	}
}

func newVerifier(t testing.TB, c Config) *Verifier {
	t.Helper()
	if c.Buckets == nil {
		c.Buckets = []string{"yonghu-test", "post-test"}
	}
	if c.Transport == nil {
		c.Transport = noNetwork{t}
	}
	v, err := NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// noNetwork fails the test when anything is fetched.
type noNetwork struct{ t testing.TB }

func (n noNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a request left for %s", r.URL)
	return nil, errors.New("no network in this test")
}

// offline lets bad signatures ask for a fresh key, in vain.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("offline") }

func TestGoldenVectors(t *testing.T) {
	v := newVerifier(t, Config{})
	for range 100 {
		up, err := v.Verify(t.Context(), jsonVector())
		if err != nil {
			t.Fatal(err)
		}
		if up.Bucket != "post-test" || up.Object != "42cf77bf-2d25-485a-947c-b9216ee079ee" || up.Size != 31 ||
			up.ETag != "97E1A27874032FC4B29F007C90DFA372" || up.MimeType != "image/jpeg" || up.Vars != nil {
			t.Fatalf("upload %+v", up)
		}
		// OSS's documented body names no object: the signature is good, the callback of no use.
		if _, err := v.Verify(t.Context(), formVector()); !errors.Is(err, ErrMalformed) {
			t.Fatalf("form vector: %v", err)
		}
		if err := v.VerifySignature(t.Context(), formVector()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGoldenVectorWithoutItsRawQuery(t *testing.T) {
	v := newVerifier(t, Config{})
	r := formVector()
	r.Query = Query{Params: map[string]string{"id": "1", "index": "2"}}
	for range 100 { // maps have no order
		if err := v.VerifySignature(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOneByteChanged changes every signed byte, one at a time.
func TestOneByteChanged(t *testing.T) {
	v := newVerifier(t, Config{Transport: offline{}})
	for name, vector := range map[string]func() Request{"form": formVector, "json": jsonVector} {
		parts := map[string]func(*Request) []byte{
			"path":          func(r *Request) []byte { return []byte(r.Path) },
			"query":         func(r *Request) []byte { return []byte(r.Query.Raw) },
			"body":          func(r *Request) []byte { return r.Body },
			"authorization": func(r *Request) []byte { return []byte(r.Header.Get("Authorization")) },
		}
		for _, part := range slices.Sorted(maps.Keys(parts)) {
			genuine := vector()
			for n := range len(parts[part](&genuine)) * 3 {
				r, i := vector(), n/3
				b := slices.Clone(parts[part](&r))
				b[i] = [3]byte{b[i] ^ 1, b[i] ^ 0x80, b[i] ^ 1}[n%3]
				if n%3 == 2 && b[i] != '%' {
					b[i] = '%' // which may leave a path that nobody can decode
				}
				switch part {
				case "path":
					r.Path = string(b)
				case "query":
					r.Query.Raw = string(b)
				case "body":
					r.Body = b
				case "authorization":
					r.Header.Set("Authorization", string(b))
				}
				if _, err := v.Verify(t.Context(), r); !errors.Is(err, ErrBadSignature) {
					t.Errorf("%s vector, %s byte %d changed: %v", name, part, i, err)
				}
			}
		}
	}
}

// TestAlterationsOnTheWay are what proxies and frameworks do to a request.
func TestAlterationsOnTheWay(t *testing.T) {
	v := newVerifier(t, Config{Transport: offline{}})
	form, json := formVector, jsonVector
	for name, tc := range map[string]struct {
		vector func() Request
		alter  func(*Request)
		want   error
	}{
		"query dropped":      {form, func(r *Request) { r.Query.Raw = "" }, ErrBadSignature},
		"query reordered":    {form, func(r *Request) { r.Query.Raw = "index=2&id=1" }, ErrBadSignature},
		"query in the path":  {form, func(r *Request) { r.Path += "%3Fid=1&index=2"; r.Query.Raw = "" }, ErrMalformed}, // the same text is signed: on to the body
		"path prefixed":      {form, func(r *Request) { r.Path = "/fc" + r.Path }, ErrBadSignature},
		"trailing newline":   {form, func(r *Request) { r.Body = append(r.Body, '\n') }, ErrBadSignature},
		"body re-serialised": {json, func(r *Request) { r.Body = []byte(`{"bucket": "post-test"}`) }, ErrBadSignature},
		"no authorization":   {json, func(r *Request) { r.Header.Del("Authorization") }, ErrUnsigned},
		"no key URL":         {json, func(r *Request) { r.Header.Del("X-Oss-Pub-Key-Url") }, ErrUnsigned},
		"not base64":         {json, func(r *Request) { r.Header.Set("Authorization", "?") }, ErrBadSignature},
		"other padding bits": {json, func(r *Request) { // decodes to the same bytes
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "A==", "B==", 1))
		}, ErrBadSignature},
		"a line feed in it":    {json, func(r *Request) { r.Header.Set("Authorization", "\n"+r.Header.Get("Authorization")) }, ErrBadSignature},
		"empty signature":      {json, func(r *Request) { r.Header.Set("Authorization", "====") }, ErrBadSignature},
		"signature version 2":  {json, func(r *Request) { r.Header.Set("X-Oss-Signature-Version", "2.0") }, ErrUnsupportedSignatureVersion},
		"no signature version": {json, func(r *Request) { r.Header.Del("X-Oss-Signature-Version") }, nil},
		"path badly encoded":   {json, func(r *Request) { r.Path = "/%zz" }, ErrBadSignature},
		"bad token-like path":  {json, func(r *Request) { r.Path = "" }, ErrBadSignature},
		"five lost parameters": {form, func(r *Request) {
			r.Query = Query{Params: map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}}
		}, ErrQueryNotRecoverable},
		"lost parameters of no end": {form, func(r *Request) {
			r.Query = Query{Params: map[string]string{"a": strings.Repeat("x", maxLostQuery+1)}}
		}, ErrQueryNotRecoverable},
		"body too large": {json, func(r *Request) { r.Body = make([]byte, MaxBody+1) }, ErrBodyTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			r := tc.vector()
			tc.alter(&r)
			_, err := v.Verify(t.Context(), r)
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestBucketMustBeInTheList(t *testing.T) {
	v := newVerifier(t, Config{Buckets: []string{"post-test2", "post-tes"}})
	if _, err := v.Verify(t.Context(), jsonVector()); !errors.Is(err, ErrBucketNotAllowed) {
		t.Fatal(err)
	}
}

func TestNewVerifierRefusesBadSettings(t *testing.T) {
	for says, c := range map[string]Config{
		"no bucket":          {},
		"5 bytes":            {Buckets: []string{"b"}, TokenSecrets: [][]byte{[]byte("short")}},
		"3 token secrets":    {Buckets: []string{"b"}, TokenSecrets: [][]byte{make([]byte, 16), make([]byte, 16), make([]byte, 16)}},
		"no PEM block":       {Buckets: []string{"b"}, PublicKey: []byte("key")},
		"type PUBLIC KEY":    {Buckets: []string{"b"}, PublicKey: []byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")},
		"ecdsa.PublicKey":    {Buckets: []string{"b"}, PublicKey: ecKey(t)},
		"asn1: syntax error": {Buckets: []string{"b"}, PublicKey: []byte("-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n")},
	} {
		if _, err := NewVerifier(c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, which does not say %q", err, says)
		}
	}
}

func ecKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
