//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/badserver"
	"oss-callback/scripts/internal/diagnose"
	"oss-callback/scripts/internal/fcsim"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/params"
	"oss-callback/scripts/internal/stack"
	"oss-callback/scripts/internal/uploader"
)

// walkHost is the name in the certificate of the https endpoints; the walk's DNS leads it to loopback.
const walkHost = "example.com"

// facts is in the answer about an image.
const facts = `"format":"jpg"`

// walk is what the rows of the 203 table need.
type walk struct {
	*rig
	bad        *badserver.Server
	event, web string // our function behind both doors
	https      string // the same behind TLS that needs a server name
}

// row is one cause of a 203: how it is brought about, what OSS says then, and what our endpoint makes of the same situation.
type row struct {
	title   string
	provoke func(*walk, *testing.T) error
	message string
	ec      string
	id      string // of the diagnosis
	cure    diagnose.Cure
	// ours puts our endpoint into the same situation and says what came of it; "" is a failure, which it has reported.
	ours func(*walk, *testing.T) string
}

// TestEvery203 walks OSS's table of causes of 203 CallbackFailed: each is provoked, has OSS's message and EC, is named by diagnose, and is
// not caused by our endpoint in the same situation. Run it with -v for the table.
func TestEvery203(t *testing.T) {
	w := newWalk(t)
	var table bytes.Buffer
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "\tcause\tEC\tOSS says\tdiagnose\tour endpoint, in the same situation")
	for _, r := range rows() {
		mark, ours := "FAIL", ""
		if t.Run(r.title, func(t *testing.T) {
			wantDiagnosed(t, r.provoke(w, t), r)
			if ours = r.ours(w, t); ours == "" {
				t.Fail()
			}
		}) {
			mark = "ok"
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%s\n", mark, r.title, r.ec, r.message, r.id, ours)
	}
	columns.Flush()
	t.Logf("\n%s", &table)
}

// wantDiagnosed asserts OSS's answer, and that diagnose names the cause from each thing that a person may have in hand.
func wantDiagnosed(t *testing.T, err error, r row) {
	t.Helper()
	var fault oss.ServiceError
	if !errors.As(err, &fault) || fault.StatusCode != 203 || fault.Code != "CallbackFailed" || fault.Ec != "0007-0000"+r.ec ||
		!strings.Contains(fault.Message, r.message) {
		t.Fatalf("OSS says %v, want %s %q", err, r.ec, r.message)
	}
	for what, input := range map[string]string{"body": fault.RawMessage, "message": fault.Message, "exception": err.Error()} {
		if d, ok := diagnose.Find(diagnose.Read(input)); !ok || d.ID != r.id || d.Stored != diagnose.Yes || d.Cure != r.cure {
			t.Errorf("diagnose says %q, %s, of the %s, want %q, %s", d.ID, d.Cure, what, r.id, r.cure)
		}
	}
	if _, ok := diagnose.Find(diagnose.Read(fault.Ec)); !ok {
		t.Errorf("diagnose does not know %s", fault.Ec)
	}
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	// The proxy before our function is a common kind of https host: without a server name it does not know whose certificate to show.
	proxy := httptest.NewUnstartedServer(nil)
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
	proxy.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if hello.ServerName != walkHost {
			return nil, fmt.Errorf("no certificate for %q", hello.ServerName)
		}
		return nil, nil
	}}
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	roots := x509.NewCertPool()
	roots.AddCert(proxy.Certificate())

	w := &walk{rig: newRigWith(t, 1, osssim.Config{RootCAs: roots, MaxCallbacks: 2,
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}})}
	var err error
	if w.bad, err = badserver.Start(w.ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.bad.Close() })
	w.oss.AllowPublic(w.bad.Addr())
	env := map[string]string{"OUTBOX": "on-failure"}
	w.event, w.web = w.rig.event(fcsim.Config{Freeze: true}, env), w.rig.web(env)
	function, err := url.Parse(w.event)
	if err != nil {
		t.Fatal(err)
	}
	proxy.Config.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", function.Host
	}}
	_, port, _ := net.SplitHostPort(proxy.Listener.Addr().String())
	w.https = "https://" + walkHost + ":" + port + function.Path
	w.oss.AllowPublic(walkHost + ":" + port)
	for _, s := range osssim.Scenarios() {
		w.oss.Provoke(s, stack.ScenarioPrefix+s.Name+"/")
	}
	return w
}

// raw uploads with a callback that nobody checked before.
func (w *walk) raw(t *testing.T, object string, callback map[string]any) error {
	t.Helper()
	text, err := json.Marshal(callback)
	if err != nil {
		t.Fatal(err)
	}
	return w.bucket.PutObject(object, bytes.NewReader(tinyJPEG(t, object)), oss.WithContext(w.ctx), oss.Callback(base64.StdEncoding.EncodeToString(text)))
}

// wrong uploads with the endpoint that answers wrongly so.
func (w *walk) wrong(t *testing.T, path string) error {
	t.Helper()
	return w.raw(t, "wrong.jpg", map[string]any{"callbackUrl": w.bad.URL() + path, "callbackBody": "a=b"})
}

// good uploads as our client does, with parameters as params mints them, and returns the function's answer.
func (w *walk) good(t *testing.T, url, key string, vars map[string]string, content []byte) (uploader.Result, error) {
	t.Helper()
	minted, err := params.Build(params.Spec{CallbackURL: url, Bucket: stack.Bucket, Key: key, Vars: vars, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	result, err := uploader.Upload(w.ctx, uploader.Config{Endpoint: w.oss.Endpoint(), Region: stack.Region, AccessKeyID: stack.AccessKeyID,
		AccessKeySecret: stack.AccessKeySecret, Bucket: stack.Bucket, Key: key, File: file, Callback: minted.Callback, CallbackVar: minted.CallbackVar})
	if err != nil {
		return result, err
	}
	if x := w.exchange(key); len(x.Body) > 1<<10 || x.Header.Get("Content-Length") != fmt.Sprint(len(x.Body)) || len(x.Header.Values("Transfer-Encoding")) > 0 {
		t.Errorf("the answer has %d bytes and the header %v", len(x.Body), x.Header)
	}
	return result, nil
}

// bothQueue uploads through both doors and wants "queued" and what else the answer has to say.
func (w *walk) bothQueue(t *testing.T, key string, vars map[string]string, content []byte, says string) string {
	t.Helper()
	for door, url := range map[string]string{"event": w.event, "web": w.web} {
		result, err := w.good(t, url, key, vars, content)
		if err != nil || result.Tries != 1 || !strings.Contains(string(result.Reply), `"status":"queued"`) || !strings.Contains(string(result.Reply), says) {
			t.Errorf("%s door: %v, %d tries, %s", door, err, result.Tries, result.Reply)
			return ""
		}
	}
	if says == facts {
		return "200, with the image's facts"
	}
	return "200, " + strings.Trim(says, `"`)
}

func rows() []row {
	const connect = "Error status : -1.OSS can not connect to your callbackUrl, please check it."
	wrong := func(path string) func(*walk, *testing.T) error {
		return func(w *walk, t *testing.T) error { return w.wrong(t, path) }
	}
	image := func(t *testing.T) []byte { return tinyJPEG(t, t.Name()) }
	return []row{
		{"Get image info failed: OSS cannot read the image", func(w *walk, t *testing.T) error {
			return w.raw(t, "203/image-info-failed/a.jpg", map[string]any{"callbackUrl": w.web, "callbackBody": "bucket=${bucket}&w=${imageInfo.width}"})
		}, "Get image info failed.", "0301", "image-info-failed", diagnose.Again, func(w *walk, t *testing.T) string {
			return w.bothQueue(t, "203/image-info-failed/b.jpg", nil, image(t), `"image_info_pending"`)
		}},
		{"Get image info failed: the object was deleted", func(w *walk, t *testing.T) error {
			return w.raw(t, "203/object-gone/a.jpg", map[string]any{"callbackUrl": w.web, "callbackBody": "bucket=${bucket}&w=${imageInfo.width}"})
		}, "Get image info failed.", "0301", "image-info-failed", diagnose.Again, func(w *walk, t *testing.T) string {
			w.oss.Inject(osssim.Fault{Operation: "Callback", Key: "deleted-once.jpg", Times: 1, Vanish: true})
			result, err := w.good(t, w.event, "deleted-once.jpg", nil, image(t))
			if err != nil || result.Tries != 2 {
				t.Errorf("%v, %+v", err, result)
				return ""
			}
			return "404 object_gone, the client uploads again: 200"
		}},
		{"Too many callback requests", func(w *walk, t *testing.T) error { return w.crowded(t) },
			"Too many callback requests.", "0201", "too-many-callbacks", diagnose.Wait, func(w *walk, t *testing.T) string {
				var uploads sync.WaitGroup
				for i := range 8 {
					uploads.Go(func() {
						if _, err := w.good(t, w.web, fmt.Sprintf("crowd/%d.jpg", i), nil, tinyJPEG(t, fmt.Sprint("crowd", i))); err != nil {
							t.Errorf("upload %d: %v", i, err)
						}
					})
				}
				uploads.Wait()
				if t.Failed() {
					return ""
				}
				return "8 uploads at once, 2 callbacks allowed: all get through, the client pauses"
			}},
		{"Cost too long time", wrong("/slow"), "Cost too long time.", "0202", "cost-too-long", diagnose.Wait, func(w *walk, t *testing.T) string {
			w.oss.Inject(osssim.Fault{Operation: "ImageInfo", Prefix: "slow/", Hang: true})
			return w.bothQueue(t, "slow/a.jpg", nil, image(t), `"image_info_pending"`)
		}},
		{"reply timeout, with its address", func(_ *walk, t *testing.T) error { return slowWithAddress(t) },
			"reply timeout, cost:", "0202", "cost-too-long", diagnose.Wait, func(w *walk, t *testing.T) string {
				if err := w.nsqds[0].Freeze(); err != nil {
					t.Fatal(err)
				}
				defer w.nsqds[0].Thaw()
				if w.bothQueue(t, "silent-queue.jpg", nil, image(t), facts) == "" {
					return ""
				}
				return "nsqd is silent: 200, the job is in the outbox"
			}},
		{"not JSON: a web page", wrong("/html"), "Response body is not valid json format.", "0205", "invalid-json", diagnose.Stop, func(w *walk, t *testing.T) string {
			return w.misconfigured(t)
		}},
		{"not JSON: byte order mark", wrong("/bom"), "Response body is not valid json format.", "0205", "invalid-json", diagnose.Stop, func(w *walk, t *testing.T) string {
			return w.bothQueue(t, "照片 😀.jpg", nil, image(t), facts)
		}},
		{"Content-Length too long", wrong("/too-long"), "Error Status : 400.User server return too long content-length value.", "0204", "length-too-long", diagnose.Stop,
			func(w *walk, t *testing.T) string {
				longest := map[string]string{"x:long": strings.Repeat("v", 3500)}
				return w.bothQueue(t, strings.Repeat("k", 1000)+".jpg", longest, image(t), facts)
			}},
		{"cannot connect: https without server name", func(w *walk, t *testing.T) error {
			return w.raw(t, "sni.jpg", map[string]any{"callbackUrl": w.https, "callbackBody": "a=b"})
		}, connect, "0203", "cannot-connect", diagnose.Wait, func(w *walk, t *testing.T) string {
			result, err := w.good(t, w.https, "sni.jpg", nil, image(t))
			if err != nil || result.Tries != 1 || !strings.Contains(string(result.Reply), `"status":"queued"`) {
				t.Errorf("%v, %d tries, %s", err, result.Tries, result.Reply)
				return ""
			}
			return "200: params always sets callbackSNI"
		}},
		{"cannot connect: hung up", wrong("/hang-up"), connect, "0203", "cannot-connect", diagnose.Wait, func(w *walk, t *testing.T) string {
			w.relays[0].cut() // what it keeps open to nsqd is gone, as after a freeze
			if w.bothQueue(t, "again.jpg", nil, image(t), facts) == "" {
				return ""
			}
			return "its connections to nsqd are cut: 200"
		}},
		{"Content-Length missing", wrong("/no-length"), "Error Status : 400.User server missing content-length.", "0204", "length-missing", diagnose.Stop,
			func(w *walk, t *testing.T) string { return w.http10(t) }},
		{"Content-Length missing: chunked", wrong("/chunked"), "Error Status : 400.User server missing content-length.", "0204", "length-missing", diagnose.Stop,
			func(*walk, *testing.T) string { return "as above" }},
		{"Content-Length invalid: empty body", wrong("/empty"), "Error Status : 400.User server return invalid conent-length value.", "0204", "length-invalid", diagnose.Stop,
			func(w *walk, t *testing.T) string {
				return w.bothQueue(t, "nothing.txt", nil, nil, `"not_an_image"`)
			}},
		{"Content-Length invalid: no number", wrong("/bad-length"), "Error Status : 400.User server return invalid conent-length value.", "0204", "length-invalid", diagnose.Stop,
			func(*walk, *testing.T) string { return "as above" }},
		{"status: redirect", wrong("/redirect"), "Error status : 301.", "0203", "status-redirect", diagnose.Stop, func(w *walk, t *testing.T) string {
			return w.paths(t)
		}},
		{"status: 201", wrong("/created"), "Error status : 201.", "0203", "status-2xx", diagnose.Stop, func(w *walk, t *testing.T) string {
			return w.bothQueue(t, "created.txt", nil, []byte("no image, so nothing is known of it"), `"not_an_image"`)
		}},
		{"status: 403", wrong("/denied"), "Error status : 403.", "0203", "status-403", diagnose.Stop, func(w *walk, t *testing.T) string {
			minted := w.bothQueue(t, "of another/用户 7/+.jpg", map[string]string{"x:user": "o'n=1&2%"}, image(t), facts)
			if minted == "" {
				return ""
			}
			return "what is signed verifies, odd keys and variables too: 200"
		}},
		{"status: 500", wrong("/error"), "Error status : 500.", "0203", "status-500", diagnose.Wait, func(w *walk, t *testing.T) string {
			return w.bothQueue(t, "broken.jpg", nil, image(t)[:100], `"not_an_image"`)
		}},
	}
}

// crowded keeps two callbacks open, which is all that OSS allows here, and makes a third.
func (w *walk) crowded(t *testing.T) error {
	t.Helper()
	entered, release := make(chan struct{}, 3), make(chan struct{})
	endpoint := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-release
	}))
	defer endpoint.Close()
	w.oss.AllowPublic(strings.TrimPrefix(endpoint.URL, "http://"))
	slow := map[string]any{"callbackUrl": endpoint.URL, "callbackBody": "a=b"}
	var open sync.WaitGroup
	defer open.Wait()
	defer close(release)
	for range 2 {
		open.Go(func() { _ = w.raw(t, "open.jpg", slow) })
		<-entered
	}
	return w.raw(t, "third.jpg", slow)
}

// slowWithAddress asks an OSS that words a timeout the other way.
func slowWithAddress(t *testing.T) error {
	t.Helper()
	r := newRigWith(t, 0, osssim.Config{Behaviour: osssim.Behaviour{TimeoutWithAddress: true}, CallbackTimeout: 50 * time.Millisecond})
	bad, err := badserver.Start(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	r.oss.AllowPublic(bad.Addr())
	w := &walk{rig: r, bad: bad}
	return w.wrong(t, "/silent")
}

// misconfigured asks a function without its settings, the state in which others show a stack trace.
func (w *walk) misconfigured(t *testing.T) string {
	t.Helper()
	for door, d := range map[string]string{
		"event": w.rig.event(fcsim.Config{}, map[string]string{"ALLOWED_BUCKETS": ""}), "web": w.webWithout(t),
	} {
		u := w.upload(d, "misconfigured.jpg", tinyJPEG(t, "m"))
		x := w.exchange("misconfigured.jpg")
		if u.status != 203 || x.Status != 503 || !osssim.Judge(200, x.Header, x.Body).OK {
			t.Errorf("%s door: %v, %d %s", door, u.err, x.Status, x.Body)
			return ""
		}
	}
	return "misconfigured: 503, still JSON of the right length"
}

// webWithout is the web door of a function whose health check can only fail.
func (w *walk) webWithout(t *testing.T) string {
	t.Helper()
	addr := freeAddr(t)
	host, port, _ := net.SplitHostPort(addr)
	p, err := w.launch(binaries.Function, map[string]string{"LISTEN_HOST": host, "FC_CUSTOM_LISTEN_PORT": port}, w.functionOut)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	w.await("the function without settings", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	w.oss.AllowPublic(addr)
	return "http://" + addr + "/callback"
}

// http10 has the callback made the old way, in which nothing can be chunked.
func (w *walk) http10(t *testing.T) string {
	t.Helper()
	old := newRigWith(t, 0, osssim.Config{Behaviour: osssim.Behaviour{HTTP10: true}})
	o := &walk{rig: old}
	nsqds := map[string]string{"NSQD_ADDRS": w.relays[0].addr(), "OUTBOX": "on-failure"}
	o.event, o.web = old.event(fcsim.Config{}, nsqds), old.web(nsqds)
	if o.bothQueue(t, "old.jpg", nil, tinyJPEG(t, "old"), facts) == "" {
		return ""
	}
	return "200 with the exact Content-Length, over HTTP/1.0 too"
}

// paths asks for paths that others redirect.
func (w *walk) paths(t *testing.T) string {
	t.Helper()
	for _, base := range []string{w.event, w.web} {
		for _, path := range []string{"", "/", "//", "/../x", "/a//b/"} {
			if result, err := w.good(t, strings.TrimSuffix(base, "/callback")+path, "path.jpg", nil, tinyJPEG(t, "path")); err != nil || result.Tries != 1 {
				t.Errorf("%s%s: %v, %d tries, %s", base, path, err, result.Tries, result.Reply)
				return ""
			}
		}
	}
	return "200 at every path: \"\", /, //, /../x, /a//b/"
}
