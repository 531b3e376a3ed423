package osssim

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func TestSwitches(t *testing.T) {
	seen := map[Behaviour]string{{}: "none"}
	for _, s := range Switches() {
		b, err := ParseBehaviour([]string{s.Name})
		if other, twice := seen[b]; err != nil || twice {
			t.Errorf("%s: %v, does the same as %q", s.Name, err, other)
		}
		seen[b] = s.Name
	}
	if _, err := ParseBehaviour([]string{"http10", "http11"}); err == nil || !strings.Contains(err.Error(), `no switch "http11"; there are http10, form-`) {
		t.Errorf("error %v", err)
	}
}

// TestOpenPoints looks at what each switch changes in the body of a callback.
func TestOpenPoints(t *testing.T) {
	vars := map[string]variable{"object": {text: "é ~*\"😀"}, "size": {text: "1", number: true}}
	for _, c := range []struct {
		b              Behaviour
		bodyType, want string
	}{
		{Behaviour{}, formType, "%C3%A9%20~%2A%22%F0%9F%98%80,1,"},
		{Behaviour{FormSpaceAsPlus: true}, formType, "%C3%A9+~%2A%22%F0%9F%98%80,1,"},
		{Behaviour{FormEscapesTilde: true}, formType, "%C3%A9%20%7E%2A%22%F0%9F%98%80,1,"},
		{Behaviour{FormKeepsStar: true}, formType, "%C3%A9%20~*%22%F0%9F%98%80,1,"},
		{Behaviour{UnknownKept: true}, formType, "%C3%A9%20~%2A%22%F0%9F%98%80,1,${x:none}"},
		{Behaviour{UnknownNull: true}, formType, "%C3%A9%20~%2A%22%F0%9F%98%80,1,"},
		{Behaviour{}, jsonType, `"é ~*\"😀",1,""`},
		{Behaviour{JSONEscapesNonASCII: true}, jsonType, `"\u00e9 ~*\"\ud83d\ude00",1,""`},
		{Behaviour{JSONEscapesNothing: true}, jsonType, `"é ~*"😀",1,""`},
		{Behaviour{UnknownKept: true}, jsonType, `"é ~*\"😀",1,${x:none}`},
		{Behaviour{UnknownNull: true}, jsonType, `"é ~*\"😀",1,null`},
	} {
		template, err := parseTemplate("${object},${size},${x:none}")
		if err != nil {
			t.Fatal(err)
		}
		if got := string(substitute(template, vars, c.bodyType, c.b)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.b, got, c.want)
		}
	}
	if v := (Behaviour{LengthAsStatus: true}).Judge(200, http.Header{}, nil); v.EC != "0007-00000203" {
		t.Errorf("length as status: %+v", v)
	}
}

func TestScenarios(t *testing.T) {
	for _, scenario := range Scenarios() {
		t.Run(scenario.Name, func(t *testing.T) {
			h := start(t, nil)
			stop := h.Provoke(scenario, "203/")
			e := replyRaw(t, h, goodReply(`{}`))
			put := func(key string) error {
				return h.bucket(t).PutObject(key, bytes.NewReader(pngImage(t, 2, 2)), oss.Callback(callbackTo(t, e.url, "h=${imageInfo.height}")))
			}
			if err := put("other"); err != nil {
				t.Errorf("another key: %v", err)
			}
			want := map[string][2]string{
				"too-many-callbacks": {"203", "0201"}, "image-info-failed": {"203", "0301"}, "object-gone": {"203", "0301"}, "ec-0006": {"400", "0006"},
				"ec-0206": {"203", "0206"}, "ec-0207": {"203", "0207"}, "ec-0208": {"203", "0208"},
			}[scenario.Name]
			var service oss.ServiceError
			if err := put("203/a"); !asService(err, &service) || fmt.Sprint(service.StatusCode) != want[0] || service.Ec != "0007-0000"+want[1] {
				t.Errorf("%v, want %s", err, want)
			}
			_, stored := h.Get(testBucket, "203/a")
			if want := scenario.Name != "object-gone" && scenario.Name != "ec-0006"; stored != want {
				t.Errorf("stored: %v", stored)
			}
			stop()
			if err := put("203/a"); err != nil {
				t.Errorf("after stop: %v", err)
			}
		})
	}
}

func asService(err error, service *oss.ServiceError) bool {
	found, ok := errors.AsType[oss.ServiceError](err)
	*service = found
	return ok
}

// TestMaxCallbacks keeps callbacks open until all uploads have been let in or refused.
func TestMaxCallbacks(t *testing.T) {
	h := start(t, func(c *Config) { c.MaxCallbacks = 2 })
	entered, release := make(chan struct{}), make(chan struct{})
	e := serveRaw(t, h, func(conn net.Conn) {
		entered <- struct{}{}
		<-release
		_, _ = conn.Write([]byte(goodReply(`{}`)))
	})
	put := func() error { return h.bucket(t).PutObject("k", reader("x"), oss.Callback(callbackTo(t, e.url, "a"))) }
	results := make(chan error, 2)
	for range 2 {
		go func() { results <- put() }()
		<-entered
	}
	if service := wantServiceError(t, put(), 203, "CallbackFailed"); service.Ec != "0007-00000201" {
		t.Errorf("third: %s %q", service.Ec, service.Message)
	}
	close(release)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	go func() { <-entered }()
	if err := put(); err != nil {
		t.Errorf("when the others are done: %v", err)
	}
}

func TestPostKeepsStatus(t *testing.T) {
	for keeps, want := range map[bool]int{false: http.StatusOK, true: http.StatusCreated} {
		h := start(t, func(c *Config) { c.Behaviour.PostKeepsStatus = keeps })
		e := replyRaw(t, h, goodReply(`{"n":1}`))
		fields := append(fieldsV4(policyText(`{"bucket":"photos"}`), time.Now()), [2]string{"key", "k"}, [2]string{"callback", callbackTo(t, e.url, "a")},
			[2]string{"success_action_status", "201"})
		if response, body := postForm(t, h, fields, []byte("x")); response.StatusCode != want || keeps == strings.Contains(body, `"n":1`) {
			t.Errorf("keeps %v: %d %s", keeps, response.StatusCode, body)
		}
	}
}
