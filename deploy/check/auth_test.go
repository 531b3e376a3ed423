package check

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const secret = "5f2d8c01"

// authServer answers nsqd as the runbook's nginx would.
func authServer(t *testing.T) (address string) {
	t.Helper()
	runbook := read(t, "../nsq/README.md")
	config := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindString(runbook)
	file := regexp.MustCompile(`\balias (\S+);`).FindStringSubmatch(config)
	for _, want := range []string{
		"listen " + privateAddress + ":4181;", "127.0.0.1:4181", "access_log off;", "location = /auth {", `if ($arg_secret != "`, "return 403;",
		"default_type application/json;",
	} {
		if !strings.Contains(config, want) {
			t.Errorf("nginx: no %s in\n%s", want, config)
		}
	}
	if file == nil {
		t.Fatalf("nginx serves no file:\n%s", config)
	}
	_, text, found := strings.Cut(runbook, "`"+file[1]+"`:\n\n```json\n")
	text, _, ended := strings.Cut(text, "```")
	if !found || !ended {
		t.Fatalf("the runbook does not say what is in %s", file[1])
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/auth":
			http.NotFound(w, r)
		case !strings.Contains("&"+r.URL.RawQuery+"&", "&secret="+secret+"&"): // nginx decodes nothing
			w.WriteHeader(http.StatusForbidden)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text)) // nsqd has gone if that fails
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// certificate runs the runbook's own commands, and returns the folder with what they made, and how a client verifies nsqd at name.
func certificate(t *testing.T, name string) (dir string, config *tls.Config) {
	t.Helper()
	needed(t, "openssl")
	dir = t.TempDir()
	for _, m := range block.FindAllStringSubmatch(read(t, "../nsq/README.md"), -1) {
		if !strings.HasPrefix(m[1], "openssl ") && !strings.HasPrefix(m[1], "printf ") {
			continue
		}
		commands := regexp.MustCompile(`(?m)^kubectl .*$`).ReplaceAllString(m[1], "")
		if strings.Contains(m[1], "DNS:") != strings.HasSuffix(name, ".svc") && strings.HasPrefix(m[1], "printf ") {
			continue
		}
		sh := exec.CommandContext(t.Context(), "sh", "-ec", commands)
		sh.Dir = dir
		if out, err := sh.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s\n%s", err, commands, out)
		}
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if bundle, err := os.ReadFile(filepath.Join(dir, "bundle.crt")); err != nil || !bytes.HasSuffix(bundle, ca) || len(bundle) < 2*len(ca) {
		t.Errorf("bundle.crt is not the public roots and ours: %d bytes, %v", len(bundle), err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatalf("ca.crt: %s", ca)
	}
	return dir, &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}
}

// TestTLSAndAuth: with what the runbook says, nsqd lets in function, worker and redrive, and nobody else.
func TestTLSAndAuth(t *testing.T) {
	program := filepath.Join(nsqPrograms(t), "nsqd")
	pods := ".nsqd." + namespace + ".svc" // workers come by their names, the function by the load balancers' addresses
	for where, names := range map[string][]string{
		"nsq/one/compose.yaml nsqd": {privateAddress}, "nsq/one/nsqd.service with nsq/three/nsqd.env": {privateAddress},
		"kubernetes nsqd": {"nsqd-0" + pods, "nsqd-1" + pods, "nsqd-2" + pods, "10.0.0.11", "10.0.0.12", "10.0.0.13"},
	} {
		t.Run(where, func(t *testing.T) {
			dir, config := certificate(t, names[0])
			line := onLoopback(t, commandLines(t, secured(t))[where], dir, authServer(t))
			n := startNSQD(t, program, append(line[1:], "--data-path="+t.TempDir()))
			defer n.stop(t)
			for _, name := range names {
				config = config.Clone()
				config.ServerName = name
				n.lets(t, login{config, secret}, "PUB oss_upload", "OK")
			}
			n.lets(t, login{config, secret}, "PUB oss_upload.dead", "OK")
			n.lets(t, login{config, secret}, "SUB oss_upload worker", "OK")
			n.lets(t, login{config, secret}, "SUB oss_upload.dead redrive", "OK")
			for _, topic := range []string{"oss_uploads", "my_oss_upload", "oss_upload.deadly", "oss_uploadXdead", "other"} {
				n.lets(t, login{config, secret}, "PUB "+topic, "E_UNAUTHORIZED")
			}
			n.lets(t, login{nil, ""}, "PUB oss_upload", "E_INVALID")
			n.lets(t, login{config, ""}, "PUB oss_upload", "E_AUTH_FIRST")
			if _, said := (login{config, "wrong"}).connect(t, n.tcp); !strings.HasPrefix(said, "E_AUTH_FAILED") {
				t.Errorf("a wrong secret: %s", said)
			}
		})
	}
}

// lets has a client that logs in so send a command.
func (n nsqd) lets(t *testing.T, l login, command, want string) {
	t.Helper()
	c, said := l.connect(t, n.tcp)
	if l.secret != "" && !strings.HasPrefix(said, "{") {
		t.Fatalf("AUTH: %s", said)
	}
	body := ""
	if strings.HasPrefix(command, "PUB ") {
		body = "job"
	}
	if got := c.command(t, command, body); got != want && !strings.HasPrefix(got, want+" ") {
		t.Errorf("%s: %s, want %s", command, got, want)
	}
}

// onLoopback is a command line with the certificate, the auth server and the nsqlookupd of a test; all else is as it is.
func onLoopback(t *testing.T, line []string, certificate, auth string) []string {
	t.Helper()
	if len(line) == 0 {
		t.Fatal("no command line")
	}
	changed := map[string]int{}
	var mine []string
	for _, word := range line {
		name, _, _ := strings.Cut(word, "=")
		switch name {
		case "--tls-cert":
			word = name + "=" + filepath.Join(certificate, "tls.crt")
		case "--tls-key":
			word = name + "=" + filepath.Join(certificate, "tls.key")
		case "--auth-http-address":
			word = name + "=" + auth
		case "--lookupd-tcp-address":
			word = name + "=127.0.0.1:1" // refuses at once
		}
		changed[name]++
		mine = append(mine, word)
	}
	if changed["--tls-cert"] != 1 || changed["--tls-key"] != 1 || changed["--auth-http-address"] != 1 {
		t.Fatalf("TLS or auth is lost: %q", line)
	}
	return mine
}
