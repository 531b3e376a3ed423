package osssim

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// TestParameterFaults drives every request-time fault through a real upload: 400, nothing stored, no callback sent.
func TestParameterFaults(t *testing.T) {
	h := start(t, nil)
	e := replyRaw(t, h, goodReply(`{}`))
	bucket := h.bucket(t)

	field := func(fields string) string {
		return b64(fmt.Sprintf(`{"callbackUrl":%q,"callbackBody":"a=${object}"%s}`, e.url, fields))
	}
	withURL := func(url string) string { return b64(fmt.Sprintf(`{"callbackUrl":%q,"callbackBody":"a"}`, url)) }
	withBody := func(body string) string { return b64(fmt.Sprintf(`{"callbackUrl":%q%s}`, e.url, body)) }
	manyHeaders := `,"additionalHeaders":{` + strings.Repeat(`"h%":"v",`, 10) + `"last":"v"}`
	for i := range 10 {
		manyHeaders = strings.Replace(manyHeaders, "h%", fmt.Sprintf("h%d", i), 1)
	}
	template := "a=$x:my_var}"

	tests := []struct {
		name, callback, vars string
		ec, message          string // message "" where OSS's words are unknown
		argument, value      string
	}{
		{name: "too long", callback: b64(strings.Repeat(" ", 3841)), ec: "01", message: "The length of callback exceed max value."},
		{name: "not base64", callback: "{not base64}", ec: "02", message: "The callback configuration is not base64 encoded.", argument: "callback", value: "{not base64}"},
		{name: "url-safe base64", callback: "eyJhIjoi-_8ifQ==", ec: "02", message: "The callback configuration is not base64 encoded."},
		{name: "not json", callback: b64(`{"a":"b"c"}`), ec: "03", message: "The callback configuration is not json format.", argument: "callback", value: `{"a":"b"c"}`},
		{name: "json but no object", callback: b64(`null`), ec: "03", message: "The callback configuration is not json format."},
		{name: "no url", callback: b64(`{"callbackBody":"a"}`), ec: "04", message: "The callback url configuration is invalid."},
		{name: "empty url", callback: withURL(""), ec: "04"},
		{name: "url is a number", callback: b64(`{"callbackUrl":1,"callbackBody":"a"}`), ec: "04"},
		{name: "port is a word", callback: withURL("http://example.com:http/"), ec: "04"},
		{name: "port zero", callback: withURL("http://example.com:0/"), ec: "04"},
		{name: "scheme", callback: withURL("ftp://example.com/"), ec: "04"},
		{name: "space in url", callback: withURL("http://example.com/a b"), ec: "04"},
		{name: "userinfo", callback: withURL("http://a:b@example.com/"), ec: "04"},
		{name: "empty url in list", callback: withURL(e.url + ";;" + e.url), ec: "04"},
		{name: "six urls", callback: withURL(strings.Repeat(e.url+";", 6)), ec: "05", message: "The number of callback url exceed max value."},
		{name: "unknown host", callback: withURL("http://123.456/"), ec: "07"},
		{name: "ipv6 only host", callback: withURL("http://v6only.example/"), ec: "07"},
		{name: "ipv6 literal", callback: withURL("http://[2001:db8::1]/"), ec: "07"},
		{name: "loopback", callback: withURL("http://127.0.0.1:1/x"), ec: "08", message: "Private address is forbidden to callback.", argument: "callbackUrl", value: "http://127.0.0.1:1/x"},
		{name: "mapped loopback", callback: withURL("http://[::ffff:127.0.0.1]:1/x"), ec: "08"},
		{name: "localhost", callback: withURL("localhost:8080/x"), ec: "08", argument: "callbackUrl", value: "localhost:8080/x"},
		{name: "ten net", callback: withURL("10.1.2.3/x"), ec: "08"},
		{name: "link local", callback: withURL("169.254.169.254/x"), ec: "08"},
		{name: "carrier net", callback: withURL("100.64.0.1/x"), ec: "08"},
		{name: "unspecified", callback: withURL("0.0.0.0/x"), ec: "08"},
		{name: "second url private", callback: withURL(e.url + ";http://192.168.1.1/"), ec: "08", value: "http://192.168.1.1/"},
		{name: "host is a number", callback: field(`,"callbackHost":1`), ec: "09", message: "The callback host configuration is invalid."},
		{name: "host injects", callback: field(`,"callbackHost":"a\r\nb: c"`), ec: "09"},
		{name: "body is a number", callback: withBody(`,"callbackBody":1`), ec: "10", message: "The callback body is invalid."},
		{name: "body is null", callback: withBody(`,"callbackBody":null`), ec: "10"},
		{name: "no body", callback: withBody(""), ec: "11", message: "The callback body is empty."},
		{name: "empty body", callback: withBody(`,"callbackBody":""`), ec: "11"},
		{name: "body type is a number", callback: field(`,"callbackBodyType":1`), ec: "12", message: "The callback body type configuration is invalid."},
		{name: "body type unknown", callback: field(`,"callbackBodyType":"text/plain"`), ec: "13", message: "The body type of callback is not supported."},
		{name: "sni as a string", callback: field(`,"callbackSNI":"true"`), ec: "14", message: "The callback sni is invalid.", argument: "callback"},
		{name: "stage is a number", callback: field(`,"callbackStage":1`), ec: "15"},
		{name: "stage unknown", callback: field(`,"callbackStage":"x"`), ec: "16"},
		{name: "failure action", callback: field(`,"callbackFailureAction":"x"`), ec: "17"},
		{name: "signature version", callback: field(`,"signatureVersion":1`), ec: "18"},
		{name: "headers no map", callback: field(`,"additionalHeaders":["a"]`), ec: "21"},
		{name: "eleven headers", callback: field(manyHeaders), ec: "22"},
		{name: "empty header name", callback: field(`,"additionalHeaders":{"":"v"}`), ec: "23"},
		{name: "header charset", callback: field(`,"additionalHeaders":{"a b":"v"}`), ec: "24"},
		{name: "header injects", callback: field(`,"additionalHeaders":{"a":"v\r\nb: c"}`), ec: "25"},
		{name: "header of oss", callback: field(`,"additionalHeaders":{"X-Oss-A":"v"}`), ec: "26"},
		{name: "vars too long", callback: field(""), vars: b64(strings.Repeat(" ", 3841)), ec: "101", message: "The length of callback var exceed max value."},
		{name: "vars not base64", callback: field(""), vars: "{}", ec: "102"},
		{name: "vars not json", callback: field(""), vars: b64(`{"x:a":"1"`), ec: "103", message: "The callback var is not expecten json."},
		{name: "vars nested", callback: field(""), vars: b64(`{"x:a":{}}`), ec: "104"},
		{name: "vars with a number", callback: field(""), vars: b64(`{"x:a":1}`), ec: "104"},
		{name: "vars with null", callback: field(""), vars: b64(`{"x:a":null}`), ec: "104"},
		{name: "brace missing", callback: withBody(`,"callbackBody":"` + template + `"`), ec: "105", message: "Left brace must be adjacent to dollar sign.", argument: "ReplaceKeyPrefix", value: template},
		{name: "parentheses", callback: withBody(`,"callbackBody":"a=$(object)"`), ec: "105"},
		{name: "brace not closed", callback: withBody(`,"callbackBody":"a=${object"`), ec: "105"},
		{name: "dollar at the end", callback: withBody(`,"callbackBody":"a=$"`), ec: "105"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options := []oss.Option{oss.Callback(tt.callback)}
			if tt.vars != "" {
				options = append(options, oss.CallbackVar(tt.vars))
			}
			service := wantServiceError(t, bucket.PutObject("never.txt", reader("x"), options...), 400, "InvalidArgument")
			if want := "0007-" + strings.Repeat("0", 8-len(tt.ec)) + tt.ec; service.Ec != want {
				t.Errorf("EC = %s, want %s", service.Ec, want)
			}
			if tt.message != "" && service.Message != tt.message {
				t.Errorf("message = %q, want %q", service.Message, tt.message)
			}
			if tt.argument != "" && !strings.Contains(service.RawMessage, "<ArgumentName>"+tt.argument+"</ArgumentName>") {
				t.Errorf("no ArgumentName %s in %s", tt.argument, service.RawMessage)
			}
			if tt.value != "" && !strings.Contains(strings.ReplaceAll(service.RawMessage, "&#34;", `"`), "<ArgumentValue>"+tt.value+"</ArgumentValue>") {
				t.Errorf("no ArgumentValue %s in %s", tt.value, service.RawMessage)
			}
			if _, ok := h.Get(testBucket, "never.txt"); ok {
				t.Error("the object was stored")
			}
		})
	}
	if sent := h.recorded(); len(sent) > 0 {
		t.Errorf("%d callbacks were sent, the first: %s", len(sent), sent[0].Request)
	}
}

func TestBothCarriers(t *testing.T) {
	h := start(t, nil)
	e := replyRaw(t, h, goodReply(`{}`))
	callback, vars := callbackTo(t, e.url, "a"), b64(`{"x:a":"1"}`)
	bucket := h.bucket(t)
	tests := []struct {
		name    string
		header  oss.Option
		ec      string
		message string
	}{
		{"callback", oss.Callback(callback), "0007-00000027",
			"Either the callback query string parameter or the x-oss-callback header should be specified, not both."},
		{"callback-var", oss.CallbackVar(vars), "0007-00000028",
			"Either the callback-var query string parameter or the x-oss-callback-var header should be specified, not both."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			signed, err := bucket.SignURL("both", oss.HTTPPut, 60, oss.AddParam("callback", callback), oss.AddParam("callback-var", vars), tt.header)
			if err != nil {
				t.Fatal(err)
			}
			service := wantServiceError(t, bucket.PutObjectWithURL(signed, reader("x"), tt.header), 400, "InvalidArgument")
			if service.Ec != tt.ec || service.Message != tt.message {
				t.Errorf("%s %q", service.Ec, service.Message)
			}
		})
	}
}

func TestParseCallbackSwitches(t *testing.T) {
	empty := b64(`{"callbackUrl":"","callbackBody":"a"}`)
	if p, err := parseCallback(empty, Behaviour{IgnoreEmptyURL: true}); p != nil || err != nil {
		t.Errorf("empty URL: %v, %v; want it ignored", p, err)
	}
	var e *apiError
	if _, err := parseCallback(b64(`{"callbackPolicy":"p"}`), Behaviour{}); !errors.As(err, &e) || e.Code != "BucketCallbackPolicyNotExist" {
		t.Errorf("stored policy: %v", err)
	}
	p, err := parseCallback(b64("{\"callbackUrl\":\"www.example.com/p?u=http://x;1.2.3.4:81/x;\", \"callbackBody\":\"a\", \"callbackSNI\":true}\n"), Behaviour{})
	if err != nil {
		t.Fatal(err)
	}
	if !p.sni || len(p.targets) != 2 || p.targets[0].hostport != "www.example.com:80" || p.targets[1].hostport != "1.2.3.4:81" {
		t.Errorf("parsed %+v", p)
	}
}

func TestAdmitPinsTheCheckedAddress(t *testing.T) {
	h := start(t, nil)
	h.AllowPublic("example.com:8443")
	targets, err := parseTargets("https://example.com:8443/x")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.admit(context.Background(), targets); err != nil || targets[0].dial != "127.0.0.1:8443" {
		t.Errorf("dial %q, %v", targets[0].dial, err)
	}
}
