//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/badserver"
	"oss-callback/scripts/internal/diagnose"
)

// TestEveryStatus has an endpoint answer every status worth telling apart.
func TestEveryStatus(t *testing.T) {
	r := newRig(t, 0)
	bad, err := badserver.Start(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bad.Close() })
	r.oss.AllowPublic(bad.Addr())
	const stop, again, wait = diagnose.Stop, diagnose.Again, diagnose.Wait
	for status, want := range map[int]struct {
		id   string
		cure diagnose.Cure
	}{
		201: {"status-2xx", stop}, 204: {"status-2xx", stop}, 301: {"status-redirect", stop}, 302: {"status-redirect", stop},
		307: {"status-redirect", stop}, 308: {"status-redirect", stop}, 400: {"status-400", stop}, 401: {"status-401", stop},
		403: {"status-403", stop}, 404: {"status-404", again}, 405: {"status-405", stop}, 409: {"status-409", stop}, 413: {"status-413", stop},
		418: {"status-other", stop}, 422: {"status-422", stop}, 429: {"status-429", wait}, 500: {"status-500", wait}, 502: {"status-502", wait},
		503: {"status-503", wait}, 504: {"status-504", wait},
	} {
		callback := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"callbackUrl":"%s/status/%d","callbackBody":"a"}`, bad.URL(), status))
		err := r.bucket.PutObject("a.txt", strings.NewReader("x"), oss.WithContext(r.ctx), oss.Callback(callback))
		var fault oss.ServiceError
		if !errors.As(err, &fault) || fault.StatusCode != 203 || fault.Message != fmt.Sprintf("Error status : %d.", status) {
			t.Errorf("%d: %v", status, err)
		}
		if d, ok := diagnose.Find(diagnose.Read(err.Error())); !ok || d.ID != want.id || d.Cure != want.cure {
			t.Errorf("diagnose says %q, %s, of %d, want %q, %s", d.ID, d.Cure, status, want.id, want.cure)
		}
	}
}

// TestReadmeOf203 finds every message of the walks in the README's table, for those who search there at night.
func TestReadmeOf203(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := bytes.Cut(readme, []byte("## Uploads fail with 203"))
	table, _, ended := bytes.Cut(table, []byte("\n## "))
	if !found || !ended {
		t.Fatal("there is no such section")
	}
	var want []string
	for _, d := range diagnose.All() {
		if strings.HasPrefix(d.ID, "status-") && d.ID != "status-other" || strings.HasPrefix(d.Message, "Error status : -1.") {
			_, status, _ := strings.Cut(d.Message, " : ")
			status, _, _ = strings.Cut(status, ".")
			want = append(want, status+".")
		}
	}
	want = append(want, "Get image info failed.", "Too many callback requests.", "Cost too long time.", "Response body is not valid json format.",
		"Error Status : 400.", "content-length", "InvalidArgument")
	for _, text := range want {
		if !bytes.Contains(table, []byte(text)) {
			t.Errorf("the table does not have %q", text)
		}
	}
}
