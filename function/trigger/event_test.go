package trigger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
	"github.com/google/go-cmp/cmp"
)

// genuineEvent has every field of the documented event, values invented.
const genuineEvent = `{
  "version": "v1",
  "rawPath": "/cb/a%20b",
  "body": "bucket=photos&object=a%2Fb.jpg",
  "isBase64Encoded": false,
  "headers": {"Authorization": "c2ln", "Content-Type": "application/x-www-form-urlencoded", "x-oss-pub-key-url": "dXJs", "X-OSS-REQUEST-ID": "R1"},
  "queryParameters": {"a": "1,2"},
  "requestContext": {
    "accountId": "0000000000000000",
    "domainName": "f-abc.cn-hangzhou.fcapp.run",
    "domainPrefix": "f-abc",
    "http": {"method": "POST", "path": "/cb/a b", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "aliyun-oss-callback"},
    "requestId": "1-abc",
    "time": "2026-01-02T03:04:05Z",
    "timeEpoch": "1767323045678"
  }
}`

func TestParseEvent(t *testing.T) {
	got := parseEvent([]byte(genuineEvent))
	want := Request{
		ID:     "1-abc",
		Method: "POST",
		Path:   "/cb/a%20b",
		Params: map[string]string{"a": "1,2"},
		Header: http.Header{
			"Authorization": {"c2ln"}, "Content-Type": {"application/x-www-form-urlencoded"},
			"X-Oss-Pub-Key-Url": {"dXJs"}, "X-Oss-Request-Id": {"R1"},
		},
		Body:     []byte("bucket=photos&object=a%2Fb.jpg"),
		Received: time.UnixMilli(1767323045678),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseEventShapes(t *testing.T) {
	const post = `"requestContext":{"http":{"method":"POST","path":"/d e"}`
	for name, tc := range map[string]struct {
		event string
		bad   bool
		check func(Request) bool
	}{
		"null":                {`null`, true, nil},
		"empty object":        {`{}`, true, nil},
		"empty payload":       {``, true, nil},
		"array":               {`[{}]`, true, nil},
		"string":              {`"POST"`, true, nil},
		"number":              {`1e999`, true, nil},
		"another trigger":     {`{"triggerTime":"2026-01-02T03:04:05Z","triggerName":"t","payload":""}`, true, nil},
		"headers an array":    {`{"headers":[],` + post + `}}`, true, nil},
		"header a number":     {`{"headers":{"a":1},` + post + `}}`, true, nil},
		"body an object":      {`{"body":{},` + post + `}}`, true, nil},
		"flag a string":       {`{"isBase64Encoded":"true",` + post + `}}`, true, nil},
		"bad base64":          {`{"isBase64Encoded":true,"body":"a?b",` + post + `}}`, true, nil},
		"context an array":    {`{"requestContext":[]}`, true, nil},
		"method null":         {`{"requestContext":{"http":{"method":null}}}`, true, nil},
		"cut off":             {`{"body":"x",` + post, true, nil},
		"all null":            {`{"rawPath":null,"body":null,"headers":null,"queryParameters":null,"isBase64Encoded":null,` + post + `,"timeEpoch":null}}`, false, func(r Request) bool { return r.Received.IsZero() && len(r.Body) == 0 && r.Path == "/d%20e" }},
		"header null":         {`{"headers":{"authorization":null},` + post + `}}`, false, func(r Request) bool { return r.Header.Get("Authorization") == "" }},
		"base64":              {`{"isBase64Encoded":true,"body":"AP+A",` + post + `}}`, false, func(r Request) bool { return bytes.Equal(r.Body, []byte{0, 255, 128}) }},
		"text that is base64": {`{"isBase64Encoded":false,"body":"AP+A",` + post + `}}`, false, func(r Request) bool { return string(r.Body) == "AP+A" }},
		"epoch a number":      {`{` + post + `,"timeEpoch":1767323045678}}`, false, func(r Request) bool { return r.Received.UnixMilli() == 1767323045678 }},
		"epoch nonsense":      {`{` + post + `,"timeEpoch":"soon"}}`, false, func(r Request) bool { return r.Received.IsZero() }},
		"rawPath empty":       {`{"rawPath":"",` + post + `}}`, false, func(r Request) bool { return r.Path == "" }},
		"unknown fields":      {`{"rawQueryString":"a=1","cookies":[],` + post + `}}`, false, func(r Request) bool { return r.Method == "POST" }},
	} {
		r := parseEvent([]byte(tc.event))
		if (r.Err != nil) != tc.bad {
			t.Errorf("%s: %v", name, r.Err)
		}
		if tc.check != nil && !tc.check(r) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestLargeEventIsNotParsed(t *testing.T) {
	event := []byte(`{"body":"` + strings.Repeat("a", maxEvent) + `","requestContext":{"http":{"method":"POST"}}}`)
	if r := parseEvent(event); !errors.Is(r.Err, ErrTooLarge) || r.Body != nil {
		t.Errorf("%v", r.Err)
	}
}

func TestEventAnswer(t *testing.T) {
	handler := Event(func(_ context.Context, r Request) Response {
		if r.ID != "1-from-context" || r.Credentials != (Credentials{"id", "secret", "token"}) {
			t.Errorf("request %+v", r)
		}
		return Response{Status: 403, Body: []byte(`{"a":"<&>"}`)}
	})
	ctx := fccontext.NewContext(t.Context(), &fccontext.FcContext{RequestID: "1-from-context",
		Credentials: fccontext.Credentials{AccessKeyId: "id", AccessKeySecret: "secret", SecurityToken: "token"}})
	got, err := handler(ctx, []byte(genuineEvent))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got) // as the SDK does
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"statusCode":403,"headers":{"Content-Length":"11","Content-Type":"application/json"},"isBase64Encoded":false,` +
		`"body":"{\"a\":\"\u003c\u0026\u003e\"}"}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// go test ./function/trigger -fuzz FuzzEvent -fuzztime 30s
func FuzzEvent(f *testing.F) {
	f.Add([]byte(genuineEvent))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"isBase64Encoded":true,"body":"AP+A","requestContext":{"http":{"method":"POST"},"timeEpoch":"-1"}}`))
	f.Add([]byte(`{"headers":{"":"","ä":"\u0000"},"rawPath":"%","queryParameters":{"":null}}`))
	handler := Event(func(_ context.Context, r Request) Response {
		if r.Err == nil && r.Method == "" {
			panic("a request without method or error")
		}
		return Response{Status: 400, Body: []byte("{}")}
	})
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := handler(t.Context(), payload)
		if err != nil || got.StatusCode != 400 || got.Headers["Content-Length"] != "2" {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
