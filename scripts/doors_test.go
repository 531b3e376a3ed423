//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"oss-callback/queue/nsqtest"
	"oss-callback/scripts/internal/fcsim"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/process"
	"oss-callback/scripts/internal/stack"
)

// vector is a callback that OSS itself signed, with the key that the function embeds.
type vector struct {
	path, query, contentType, body, authorization string
}

var (
	formVector = vector{"/index.php", "id=1&index=2", "application/x-www-form-urlencoded", "bucket=yonghu-test",
		"kKQeGTRccDKyHB3H9vF+xYMSrmhMZjzzl2/kdD1ktNVgbWEfYTQG0G2SU/RaHBovRCE8OkQDjC3uG33esH2txA=="}
	jsonVector = vector{"/3ecb4401-bd1f-4421-a385-46b57f0d6daa", "", "application/json",
		`{"bucket":"post-test","object":"42cf77bf-2d25-485a-947c-b9216ee079ee","etag":"97E1A27874032FC4B29F007C90DFA372","size":31,` +
			`"mimeType":"image/jpeg","imageInfo":null}`,
		"eugZUpzNaW3Ba40tGc3IUczSmdwfOKS1fXl6xd+QmOITTUPLwhBw1DBBUwaGuLsKYdCauOcHhGCEVMEObQgThA=="}
)

const keyURLv1 = "aHR0cHM6Ly9nb3NzcHVibGljLmFsaWNkbi5jb20vY2FsbGJhY2tfcHViX2tleV92MS5wZW0="

// door is the compiled function behind one of its two doors.
type door struct {
	url string
	log *logs
}

// logs keeps all that a function printed.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *logs) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// openEvent starts the binary behind the FC runtime API.
func openEvent(t *testing.T, binary string, settings map[string]string) (door, *fcsim.Server) {
	t.Helper()
	d := door{log: new(logs)}
	fc, err := fcsim.Start(t.Context(), fcsim.Config{Binary: binary, Env: settings, Stdout: d.log, Stderr: d.log,
		Methods:     []string{"POST", "GET", "PUT"},
		Credentials: fcsim.Credentials{AccessKeyID: stack.AccessKeyID, AccessKeySecret: stack.AccessKeySecret}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fc.Close() })
	d.url = fc.URL()
	return d, fc
}

// openWeb starts the binary behind plain HTTP.
func openWeb(t *testing.T, binary string, settings map[string]string) door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	d := door{url: fmt.Sprintf("http://127.0.0.1:%d", port), log: new(logs)}
	env := []string{"LISTEN_HOST=127.0.0.1", "FC_CUSTOM_LISTEN_PORT=" + strconv.Itoa(port),
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + stack.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + stack.AccessKeySecret}
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	p, err := process.Start(process.Options{Path: binary, Dir: t.TempDir(), Env: env, Stdout: d.log, Stderr: d.log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		resp, err := http.Get(d.url + "/healthz")
		if err == nil {
			resp.Body.Close()
			return d
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the web door did not open: %v\n%s", err, d.log)
		}
	}
}

// call sends a callback and has OSS's judge look at the answer, whatever its status.
func (d door) call(t *testing.T, v vector) (status int, code string) {
	t.Helper()
	url := d.url + v.path
	if v.query != "" {
		url += "?" + v.query
	}
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(v.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", v.contentType)
	req.Header.Set("Authorization", v.authorization)
	req.Header.Set("X-Oss-Pub-Key-Url", keyURLv1)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	checkAnswer(t, resp.StatusCode, resp.Header, resp.TransferEncoding, body)
	var answer struct{ Status, Error, Reason string }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return resp.StatusCode, answer.Error + answer.Reason
}

// checkAnswer: even a refusal must have nothing else that OSS dislikes.
func checkAnswer(t *testing.T, status int, header http.Header, coding []string, body []byte) {
	t.Helper()
	if len(coding) > 0 {
		header.Set("Transfer-Encoding", coding[0])
	}
	if v := osssim.Judge(http.StatusOK, header, body); !v.OK {
		t.Errorf("but for its status, OSS would dislike the answer: %s %v %s", v.Message, header, body)
	}
	if v := osssim.Judge(status, header, body); v.OK != (status == http.StatusOK) {
		t.Errorf("status %d: %+v", status, v)
	}
	if len(body) > 1024 {
		t.Errorf("%d bytes", len(body))
	}
}

// surroundings start an nsqd and an OSS that holds the JSON vector's object.
func surroundings(t *testing.T) map[string]string {
	t.Helper()
	nsqd := nsqtest.New(t)
	oss, err := osssim.Start(osssim.Config{Region: stack.Region, Buckets: []string{"post-test"},
		AccessKeyID: stack.AccessKeyID, AccessKeySecret: stack.AccessKeySecret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { oss.Close() })
	oss.Put("post-test", "42cf77bf-2d25-485a-947c-b9216ee079ee", "image/jpeg", []byte("31 bytes which are not an image"))
	return map[string]string{
		"OSS_ENDPOINT": oss.Endpoint(), "OSS_REGION": stack.Region, "ALLOWED_BUCKETS": "post-test,yonghu-test", "NSQD_ADDRS": nsqd.TCPAddr(),
	}
}

// TestGoldenVectorsThroughTheCompiledBinary: both genuine callbacks, both doors, a hundred times, and with every byte changed.
func TestGoldenVectorsThroughTheCompiledBinary(t *testing.T) {
	settings := surroundings(t)
	event, _ := openEvent(t, binaries.Function, settings)
	for name, d := range map[string]door{"event": event, "web": openWeb(t, binaries.Function, settings)} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				if status, code := d.call(t, jsonVector); status != 200 || code != "not_an_image" {
					t.Fatalf("JSON vector: %d %s\n%s", status, code, d.log)
				}
				// It verifies; but OSS's documented body names no object.
				if status, code := d.call(t, formVector); status != 400 || code != "malformed_callback" {
					t.Fatalf("form vector: %d %s\n%s", status, code, d.log)
				}
			}
			for _, v := range []vector{formVector, jsonVector} {
				altered := func(what string, i int, v vector) {
					if status, code := d.call(t, v); status != 403 || code != "bad_signature" {
						t.Errorf("%s byte %d: %d %s", what, i, status, code)
					}
				}
				for name, part := range map[string]func(*vector) *string{
					"path":          func(v *vector) *string { return &v.path },
					"query":         func(v *vector) *string { return &v.query },
					"body":          func(v *vector) *string { return &v.body },
					"authorization": func(v *vector) *string { return &v.authorization },
				} {
					for i := range *part(&v) {
						if name == "path" && i == 0 { // no client sends a path without it
							continue
						}
						w := v
						*part(&w) = flip(*part(&v), i)
						altered(name, i, w)
					}
				}
			}
		})
	}
}

// flip changes one byte to another that is fine in a URL, in a header and in JSON text.
func flip(s string, i int) string {
	c := byte('x')
	if s[i] == c {
		c = 'y'
	}
	return s[:i] + string(c) + s[i+1:]
}

// TestWithoutTheGodebugLine builds the function from a go.mod that lacks it.
func TestWithoutTheGodebugLine(t *testing.T) {
	gomod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	const line = "godebug rsa1024min=0\n"
	if !bytes.Contains(gomod, []byte(line)) {
		t.Fatalf("go.mod lacks %q", line)
	}
	gosum, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"go.mod": bytes.Replace(gomod, []byte(line), nil, 1), "go.sum": gosum} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(dir, "function")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-modfile", filepath.Join(dir, "go.mod"), "-o", binary, "../function").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	settings := surroundings(t)
	event, _ := openEvent(t, binary, settings)
	for name, d := range map[string]door{"event": event, "web": openWeb(t, binary, settings)} {
		if status, code := d.call(t, jsonVector); status != 503 || code != "misconfigured" {
			t.Errorf("%s: %d %s", name, status, code)
		}
		if !strings.Contains(d.log.String(), "godebug rsa1024min=0") || !strings.Contains(d.log.String(), "self-test") {
			t.Errorf("%s: the log does not say why:\n%s", name, d.log)
		}
	}
}

// TestMissingSettings: the function starts, answers, and names the variable once.
func TestMissingSettings(t *testing.T) {
	for _, variable := range []string{"OSS_ENDPOINT", "ALLOWED_BUCKETS", "NSQD_ADDRS", "OSS_REGION"} {
		t.Run(variable, func(t *testing.T) {
			settings := maps.Clone(surroundings(t))
			delete(settings, variable)
			doors := map[string]door{"web": openWeb(t, binaries.Function, settings)}
			if variable != "OSS_REGION" { // Function Compute tells the region
				doors["event"], _ = openEvent(t, binaries.Function, settings)
			}
			for name, d := range doors {
				for range 2 {
					if status, code := d.call(t, jsonVector); status != 503 || code != "misconfigured" {
						t.Errorf("%s: %d %s", name, status, code)
					}
				}
				if n := strings.Count(d.log.String(), variable+" is missing"); n != 1 {
					t.Errorf("%s: %s is named %d times:\n%s", name, variable, n, d.log)
				}
			}
		})
	}
}

// TestEventsOfAnyShape: whatever invokes the function, it answers JSON with a status of 4xx or 5xx and never fails as a function.
func TestEventsOfAnyShape(t *testing.T) {
	_, fc := openEvent(t, binaries.Function, surroundings(t))
	_, broken := openEvent(t, binaries.Function, nil)
	const post = `"requestContext":{"http":{"method":"POST","path":"/"}}`
	for _, event := range []string{
		``, ` `, `null`, `{}`, `[]`, `[{}]`, `"x"`, `1`, `true`, `{`, "\x00\xff", `{"a":1}`, strings.Repeat("[", 100_000),
		`{"triggerTime":"2026-01-02T03:04:05Z","triggerName":"timer","payload":"p"}`,
		`{"events":[{"eventName":"ObjectCreated:PutObject"}]}`,
		`{"requestContext":null}`, `{"requestContext":[]}`, `{"requestContext":{"http":7}}`, `{"requestContext":{"http":{"method":null}}}`,
		`{"headers":[],` + post + `}`, `{"headers":{"a":["b"]},` + post + `}`, `{"headers":null,"body":null,"rawPath":null,` + post + `}`,
		`{"body":{},` + post + `}`, `{"body":1,` + post + `}`, `{"isBase64Encoded":"yes",` + post + `}`,
		`{"isBase64Encoded":true,"body":"%%%",` + post + `}`, `{"isBase64Encoded":true,"body":"AA==",` + post + `}`,
		`{"queryParameters":"a=b",` + post + `}`, `{"queryParameters":{"a":1},` + post + `}`, `{"rawPath":"%zz",` + post + `}`,
		`{"requestContext":{"http":{"method":"POST"},"timeEpoch":{}}}`, `{"requestContext":{"http":{"method":"BREW"}}}`,
		`{"headers":{"authorization":"eA==","x-oss-pub-key-url":"!"},` + post + `}`,
	} {
		for _, function := range []*fcsim.Server{fc, broken} {
			result, err := function.Invoke(t.Context(), []byte(event))
			if err != nil {
				t.Errorf("%.80q: %v", event, err)
				continue
			}
			var answer struct {
				StatusCode int
				Headers    map[string]string
				Body       string
			}
			if err := json.Unmarshal(result, &answer); err != nil {
				t.Errorf("%.80q: %s: %v", event, result, err)
			}
			var refusal struct{ Status, Error string }
			if err := json.Unmarshal([]byte(answer.Body), &refusal); err != nil || refusal.Status != "rejected" || refusal.Error == "" ||
				answer.StatusCode < 400 || answer.StatusCode > 599 || answer.Headers["Content-Length"] != strconv.Itoa(len(answer.Body)) {
				t.Errorf("%.80q: %s", event, result)
			}
		}
	}
}

// TestOtherMethods: the trigger takes POST only; should it let others through, the function refuses them.
func TestOtherMethods(t *testing.T) {
	settings := surroundings(t)
	event, _ := openEvent(t, binaries.Function, settings)
	for name, d := range map[string]door{"event": event, "web": openWeb(t, binaries.Function, settings)} {
		for _, method := range []string{"GET", "PUT"} {
			req, err := http.NewRequestWithContext(t.Context(), method, d.url+"/initialize", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != 405 || !bytes.Contains(body, []byte("method_not_allowed")) {
				t.Errorf("%s, %s: %d %s %v", name, method, resp.StatusCode, body, err)
			}
		}
	}
}
