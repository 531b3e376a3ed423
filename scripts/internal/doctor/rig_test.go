package doctor

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// host is the name of every endpoint in these tests; publicAddr is what it resolves to, and leads to the test's own server.
const host = "callback.example"

var publicAddr = netip.MustParseAddr("8.8.8.8")

// ossKey is the public key of OSS itself.
const ossKey = `-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKs/JBGzwUB2aVht4crBx3oIPBLNsjGs
C0fTXv+nvlmklvkcolvpvXLTjaxUHR3W9LXxQ2EHXAJfCB+6H2YF1k8CAwEAAQ==
-----END PUBLIC KEY-----
`

// TestMain runs more tests at once than there are processors, for most of them wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// request is a callback as an endpoint of these tests sees it.
type request struct {
	*http.Request
	body     []byte
	verified bool
	first    bool // of all
	gone     <-chan struct{}
}

// behaviour makes the bytes of an answer. Empty ones close the connection without any.
type behaviour func(r request) string

// endpoint is a callback endpoint that writes exactly what its behaviour says.
type endpoint struct {
	t        *testing.T
	listener net.Listener
	behave   behaviour
	trusts   *rsa.PublicKey
	keepOpen bool

	mu    sync.Mutex
	seen  []*http.Request
	conns map[net.Conn]bool
}

func start(t *testing.T, behave behaviour, options ...func(*endpoint)) *endpoint {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &endpoint{t: t, listener: listener, behave: behave, trusts: &testKey(t).PublicKey, conns: map[net.Conn]bool{}}
	for _, option := range options {
		option(s)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			serving.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		s.mu.Lock()
		for conn := range s.conns {
			conn.Close()
		}
		s.mu.Unlock()
		serving.Wait()
	})
	return s
}

func (s *endpoint) serve(conn net.Conn) {
	defer conn.Close()
	buffered := bufio.NewReader(conn)
	r, err := http.ReadRequest(buffered)
	if err != nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	first := len(s.seen) == 0
	s.seen = append(s.seen, r)
	s.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, buffered)
	}()
	_, _ = io.WriteString(conn, s.behave(request{r, body, s.verify(r, body), first, gone}))
	if s.keepOpen {
		<-gone
	}
	conn.Close()
	<-gone
}

func (s *endpoint) verify(r *http.Request, body []byte) bool {
	signature, err := base64.StdEncoding.DecodeString(r.Header.Get("Authorization"))
	text := r.URL.Path
	if r.URL.RawQuery != "" {
		text += "?" + r.URL.RawQuery
	}
	sum := md5.Sum(append([]byte(text+"\n"), body...))
	return err == nil && rsa.VerifyPKCS1v15(s.trusts, crypto.MD5, sum[:], signature) == nil
}

func (s *endpoint) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// options examine the endpoint as a public one over plain HTTP.
func (s *endpoint) options() Options {
	return Options{
		URL: "http://" + host + "/oss-callback", Timeout: 20 * time.Second,
		Resolve: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{publicAddr}, nil },
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.listener.Addr().String())
		},
	}
}

// withKey signs with the key that endpoints of these tests trust.
func withKey(t *testing.T, o Options) Options {
	o.Key, o.Bucket, o.Object = testKeyPEM(t), "photos", "cat.jpg"
	return o
}

var newKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 512) })

func testKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func testKeyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(testKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// trustOSS has the endpoint verify with OSS's own key.
func trustOSS(s *endpoint) {
	block, _ := pem.Decode([]byte(ossKey))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	s.trusts = key.(*rsa.PublicKey)
}

func keepOpen(s *endpoint) { s.keepOpen = true }

// correct is an endpoint as it should be.
func correct(r request) string { return answerTo(r, 200, "") }

// answerTo is the correct answer but for the status of a good one and more header lines.
func answerTo(r request, good int, more string) string {
	status, body := http.StatusForbidden, `{"status":"rejected","error":"bad_signature"}`
	switch {
	case r.Method != http.MethodPost:
		status, body = http.StatusMethodNotAllowed, `{"status":"rejected","error":"method_not_allowed"}`
	case len(r.body) > 64<<10:
		status, body = http.StatusRequestEntityTooLarge, `{"status":"rejected","error":"body_too_large"}`
	case r.verified && strings.Contains(string(r.body), "post-test"):
		body = `{"status":"rejected","error":"bucket_not_allowed"}`
	case r.verified:
		status, body = good, `{"status":"queued"}`
	}
	return sized(status, body, more)
}

func sized(status int, body, more string) string {
	return raw(status, fmt.Sprintf("Content-Length: %d\r\n%s", len(body), more), body)
}

func raw(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%s\r\n%s", status, http.StatusText(status), header, body)
}

// cert makes a certificate for host by an authority of the test's own.
func cert(t *testing.T, name string, ends time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: ends.Add(-365 * 24 * time.Hour), NotAfter: ends,
		DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// secured puts the endpoint behind TLS.
func secured(config *tls.Config) func(*endpoint) {
	return func(s *endpoint) { s.listener = tls.NewListener(s.listener, config) }
}

// readReply reads one reply as exchange does.
func readReply(r io.Reader, linger bool) (reply, error) {
	from := newWire(r)
	got, err := from.reply()
	if err == nil && linger {
		from.watch(&got)
	}
	return got, err
}

func examine(t *testing.T, o Options) Report {
	t.Helper()
	report, err := Examine(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, f := range report.Findings {
		ids = append(ids, f.Rule)
		if f.Detail == "" || f.Verdict == Fail && f.Cure == "" || f.Verdict == Pass && f.Cure != "" {
			t.Errorf("incomplete finding %+v", f)
		}
		if strings.ContainsFunc(f.Detail, func(r rune) bool { return r < ' ' }) {
			t.Errorf("detail %q", f.Detail)
		}
	}
	var want []string
	for _, rule := range Rules() {
		want = append(want, rule.ID)
	}
	if !slices.Equal(ids, want) {
		t.Errorf("findings for %v, want %v", ids, want)
	}
	return report
}

// only checks that exactly these rules have the verdict.
func only(t *testing.T, report Report, verdict Verdict, rules ...string) {
	t.Helper()
	var got []string
	for _, f := range report.Findings {
		if f.Verdict == verdict {
			got = append(got, f.Rule)
		}
	}
	if !slices.Equal(got, rules) {
		t.Errorf("%s: %v, want %v%s", verdict, got, rules, text(report))
	}
}

func text(report Report) string {
	var b strings.Builder
	for _, f := range report.Findings {
		fmt.Fprintf(&b, "\n%-5s %-16s %s", f.Verdict, f.Rule, f.Detail)
		if f.Cure != "" {
			fmt.Fprintf(&b, "\n      cure: %s", f.Cure)
		}
	}
	return b.String()
}

func finding(report Report, rule string) Finding {
	for _, f := range report.Findings {
		if f.Rule == rule {
			return f
		}
	}
	return Finding{}
}
