package explain

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"oss-callback/function/callback"
	"oss-callback/scripts/internal/osssim"
)

// signed is a callback that was signed with a key of our own, for what the golden vectors cannot show.
func signed(t testing.TB, s *osssim.Signer, target, contentType, body string) sent {
	t.Helper()
	path, query, has := strings.Cut(target, "?")
	return sent{target: target, body: body, header: s.Headers(path, query, has, []byte(body), osssim.CallbackMeta{ContentType: contentType})}
}

func newSigner(t testing.TB) *osssim.Signer {
	t.Helper()
	s, err := osssim.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func to(target string) func(*sent) { return func(s *sent) { s.target = target } }
func body(text string) func(*sent) {
	return func(s *sent) { s.body = text; s.header.Del("Content-Length") }
}
func header(name, value string) func(*sent) { return func(s *sent) { s.header.Set(name, value) } }
func without(names ...string) func(s *sent) {
	return func(s *sent) {
		for _, name := range names {
			s.header.Del(name)
		}
	}
}

func TestGenuineInEveryFormat(t *testing.T) {
	for name, f := range formats {
		for _, golden := range []sent{goldenForm(), goldenJSON()} {
			t.Run(name, func(t *testing.T) {
				c := read1(t, f.write(t, golden))
				r := explain1(t, c, Options{})
				if r.Verdict != Genuine || len(r.Alterations) > 0 {
					t.Fatalf("%+v of %+v", r, c)
				}
				if golden.query() == "" && (r.Upload == nil || r.Upload.Bucket != "post-test" || r.Upload.Size != 31) {
					t.Errorf("upload %+v", r.Upload)
				}
				if !strings.Contains(strings.Join(r.Notes, " "), "rsa1024min=0") {
					t.Errorf("no hint at the verifier in %q", r.Notes)
				}
			})
		}
	}
}

func TestVerdicts(t *testing.T) {
	signer, stranger := newSigner(t), newSigner(t)
	own := func(target string) sent {
		return signed(t, signer, target, "application/x-www-form-urlencoded", "bucket=photos&object=in%2Fa.jpg&size=7")
	}
	keyed := []byte(signer.PublicKeyPEM())
	secret, otherSecret := []byte("0123456789abcdef0123"), []byte("another secret, long enough")
	now := time.Unix(1_700_000_000, 0)
	token := func(secret []byte, expires time.Time) string {
		text, err := callback.Token{Bucket: "photos", Prefix: "in/", Expires: expires}.Mint(secret)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	flipped := func(s *sent) { s.body = strings.Replace(s.body, "size\":31", "size\":32", 1) }
	for name, tc := range map[string]struct {
		sent  sent
		o     Options
		want  Verdict
		says  string // in the summary
		notes string
	}{
		"one byte of the body":        {goldenJSON().with(flipped), Options{}, AlteredContent, "Altered content", "--url"},
		"one byte, the MD5 tells":     {goldenJSON().with(flipped).with(header("Content-Md5", "bm90IHRoZSBib2R5ISEhIQ==")), Options{URL: "/x"}, AlteredContent, "Altered content", "does not fit the body"},
		"path, the MD5 tells":         {own("/cb").with(to("/callback/of/something")), Options{Key: keyed}, AlteredContent, "Altered content", "look at path and query"},
		"another callback's":          {goldenForm().with(header("Authorization", goldenJSON().header.Get("Authorization"))), Options{}, AlteredContent, "taken from another callback", ""},
		"another key at OSS's URL":    {signed(t, stranger, "/cb", "", "bucket=b&object=o"), Options{}, Unexplained, "No path or body can fit this signature", "--key"},
		"not under the given key":     {signed(t, stranger, "/cb", "", "bucket=b&object=o"), Options{Key: keyed}, Unexplained, "No path or body can fit this signature", "--key"},
		"a key of OSS's unknown here": {signed(t, stranger, "/cb", "", "bucket=b&object=o").with(header(keyURLHeader, base64.StdEncoding.EncodeToString([]byte("https://gosspublic.alicdn.com/callback_pub_key_v9.pem")))), Options{}, Unexplained, "callback_pub_key_v9.pem", ""},
		"signed with its own key":     {signed(t, stranger, "/cb", "", "bucket=b&object=o").with(header(keyURLHeader, base64.StdEncoding.EncodeToString([]byte("https://gosspublic.alicdn.com.evil.example/k.pem")))), Options{}, ForeignKey, "a simulator or a forgery: give its key with --key", "gosspublic"},
		"damaged, with a foreign key": {goldenJSON().with(header("Authorization", "AAAA"+goldenJSON().header.Get("Authorization")[4:])).with(header(keyURLHeader, base64.StdEncoding.EncodeToString([]byte("http://keys.cloud.example/callback_pub_key_v1.pem")))), Options{}, ForeignKey, "not OSS's", ""},
		"garbage for a key URL":       {goldenJSON().with(header(keyURLHeader, "?")).with(header("Authorization", "AAAA")), Options{}, Unexplained, "No path or body", "3 bytes"},
		"another's credentials":       {goldenJSON().with(header("Authorization", "Basic dXNlcjpodW50ZXIy")), Options{}, Unexplained, "No path or body", "begins with Basic"},
		"signature cut":               {goldenJSON().with(func(s *sent) { s.header.Set("Authorization", s.header.Get("Authorization")[:40]) }), Options{}, Unexplained, "No path or body", "30 bytes"},
		"signature in lower case":     {goldenJSON().with(func(s *sent) { s.header.Set("Authorization", strings.ToLower(s.header.Get("Authorization"))) }), Options{}, Unexplained, "No path or body", "lower case"},
		"no base64":                   {goldenJSON().with(header("Authorization", "!!")), Options{}, Unexplained, "No path or body", "no base64"},
		"version 2":                   {signed(t, stranger, "/cb", "", "bucket=b&object=o").with(header(versionHeader, "2.0")), Options{}, Unexplained, "", "signatureVersion"},
		"unsigned, by a scanner":      {sent{target: "/", header: http.Header{}, body: "x"}, Options{}, Unsigned, "scanner", ""},
		"authorization stripped":      {goldenJSON().with(without("Authorization")), Options{}, Unsigned, "look like OSS's", ""},
		"too large":                   {goldenJSON().with(body(strings.Repeat("x", callback.MaxBody+1))), Options{}, Unexplained, "no callback of OSS's", ""},
		"a GET":                       {goldenJSON().with(func(s *sent) { s.method = "GET" }), Options{}, Altered, "method-changed", ""},
		"a GET with a prefix":         {goldenJSON().with(func(s *sent) { s.method = "GET"; s.target = "/fc" + s.target }), Options{}, Altered, "method-changed, path-prefix-added", ""},
		"a GET that cannot be mended": {goldenJSON().with(flipped).with(func(s *sent) { s.method = "GET" }), Options{}, AlteredContent, "", "POST"},
		"a long path":                 {goldenJSON().with(to("/" + strings.Repeat("x", maxTarget))), Options{}, Unexplained, "Path and query have", ""},
		"a long query":                {goldenJSON().with(to("/?" + strings.Repeat("%E4&", maxTarget/4))), Options{}, Unexplained, "no callback of OSS's", ""},
		"rewritten, length kept":      {goldenJSON().with(flipped).with(header("Content-Length", "190")), Options{}, AlteredContent, "", "Content-Length is 190"},

		"no bucket given":         {goldenJSON(), Options{}, Genuine, "genuine", `some customer of OSS caused this. The body says bucket "post-test"`},
		"our bucket":              {goldenJSON(), Options{Buckets: []string{"post-test"}}, Genuine, "genuine", "body's word"},
		"another bucket":          {goldenJSON(), Options{Buckets: []string{"post-tes", "b"}}, GenuineNotOurs, `"post-test"`, ""},
		"names no object":         {goldenForm(), Options{Buckets: []string{"b"}}, Genuine, "genuine", "must tell bucket and object"},
		"token":                   {own("/cb/" + token(secret, now)), Options{Key: keyed, Buckets: []string{"photos"}, TokenSecrets: [][]byte{secret}}, Genuine, "genuine", ""},
		"old token":               {own("/cb/" + token(secret, now.Add(-time.Hour))), Options{Key: keyed, TokenSecrets: [][]byte{secret}}, GenuineNotOurs, "too old", ""},
		"another secret":          {own("/cb/" + token(otherSecret, now)), Options{Key: keyed, TokenSecrets: [][]byte{secret}}, GenuineNotOurs, "not one of yours", ""},
		"no token":                {own("/cb"), Options{Key: keyed, TokenSecrets: [][]byte{secret}}, GenuineNotOurs, "not one of yours", ""},
		"token, prefix":           {own("/cb/" + token(secret, now)).with(func(s *sent) { s.target = "/fc" + s.target }), Options{Key: keyed, TokenSecrets: [][]byte{secret}}, Altered, "path-prefix-added", ""},
		"altered, another bucket": {own("/cb").with(to("/fc/cb")), Options{Key: keyed, Buckets: []string{"b"}}, Altered, "path-prefix-added", "not ours either"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.o.Now = func() time.Time { return now }
			r := explain1(t, read1(t, tc.sent.raw("\r\n", "")), tc.o)
			notes := strings.Join(r.Notes, "\n")
			if r.Verdict != tc.want || !strings.Contains(r.Summary, tc.says) || !strings.Contains(notes, tc.notes) {
				t.Fatalf("%s, %q\n%s\nwant %s, %q, %q", r.Verdict, r.Summary, notes, tc.want, tc.says, tc.notes)
			}
			if tc.want != Altered && tc.want != Unsigned && len(r.Alterations) > 0 {
				t.Errorf("alterations %v", r.Alterations)
			}
		})
	}
}

func TestKeysInOtherForms(t *testing.T) {
	signer := newSigner(t)
	c := read1(t, signed(t, signer, "/cb", "", "bucket=b&object=o").raw("\n", ""))
	pkcs8 := signer.PrivateKeyPEM()
	block, _ := pem.Decode([]byte(pkcs8))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	private := parsed.(*rsa.PrivateKey)
	for _, text := range [][]byte{
		[]byte(signer.PublicKeyPEM()), []byte(pkcs8),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&private.PublicKey)}),
	} {
		if r := explain1(t, c, Options{Key: text}); r.Verdict != Genuine {
			t.Errorf("%s: %s", text[:30], r.Verdict)
		}
	}
}

func TestExplainEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Explain(ctx, read1(t, goldenJSON().with(to("/x")).raw("\n", "")), Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestOptionsThatCannotBeUsed(t *testing.T) {
	c := read1(t, goldenJSON().raw("\n", ""))
	for says, o := range map[string]Options{
		"no PEM":       {Key: []byte("key")},
		"PUBLIC KEY":   {Key: []byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")},
		"read the key": {Key: []byte("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n")},
		"token secret": {TokenSecrets: [][]byte{[]byte("short")}},
	} {
		if _, err := Explain(t.Context(), c, o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}
