package diagnose

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden catalogue")

// What a machine does with a diagnosis is on one page, so that a change is seen.
func TestCatalogue(t *testing.T) {
	var table strings.Builder
	for _, d := range All() {
		fmt.Fprintf(&table, "%-30s %-5s %-7s %-17s `%s`\n", d.ID, d.Cure, d.Stored, d.Sure, d.LogField)
	}
	golden := filepath.Join("testdata", "catalogue.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(table.String(), "\n")); diff != "" {
		t.Errorf("go test ./scripts/internal/diagnose -run TestCatalogue -update, if this is wanted (-want +got):\n%s", diff)
	}
}

// The words of JSON and XML parsers are in everybody's logs: without the SDK they say nothing of an upload.
func TestParsersOfOthers(t *testing.T) {
	for _, input := range []string{
		`Uncaught SyntaxError: Unexpected token '<', "<!DOCTYPE "... is not valid JSON`, "SyntaxError: Unexpected token < in JSON at position 0",
		"SyntaxError: Unexpected end of JSON input", "invalid character '<' looking for beginning of value",
		"json: cannot unmarshal string into Go struct field Config.port of type int", "deserialization failed, EOF", "Non-whitespace before first tag.",
		"Content is not allowed in prolog.", "operation error GetObject: json: cannot unmarshal array", "operation error PutObject: context canceled",
		"Non-whitespace before first tag.\nraw xml: <html>", `{"code":"INTERNAL"}`, "Internal",
	} {
		if d, ok := Find(Read(input)); ok {
			t.Errorf("%q is %s", input, d.ID)
		}
	}
	for input, want := range map[string]string{
		"callbackBody is no JSON at offset 10: invalid character 'a' looking for beginning of value: write string placeholders without quotes": "malformed-callback",
		"operation error PutObject: invalid character '<' looking for beginning of value":                                                      "go-sdk-expects-object",
		"operation error PutObject: unexpected end of JSON input":                                                                              "go-sdk-expects-object",
		"json: cannot unmarshal array into Go value of type map[string]interface {}":                                                           "go-sdk-expects-object",
		"com.aliyun.oss.ClientException: Content is not allowed in prolog.":                                                                    "sdk-expects-xml",
		"SyntaxError: Unexpected token o in JSON at position 1 (ali-oss/dist/aliyun-oss-sdk.js)":                                               "sdk-expects-json",
	} {
		check(t, input, want)
	}
}

const (
	queuedLine = `{"level":"INFO","msg":"callback","outcome":"queued","status":200,"oss_request_id":"5CF3E782AB0C1D2E3F405162"}`
	queueLine  = `{"level":"ERROR","msg":"callback","outcome":"rejected","status":503,"code":"queue_unavailable","cause":"x","oss_request_id":"6CF3E782AB0C1D2E3F405162"}`
	tokenLine  = `{"level":"WARN","msg":"callback","outcome":"rejected","status":403,"code":"bad_token","cause":"y"}`
	otherID    = "6CF3E782AB0C1D2E3F405162"
)

// Of several errors the last counts, and nothing of another one is mixed into it.
func TestSeveral(t *testing.T) {
	slow, redirect := xmlBody("CallbackFailed", "Cost too long time.", "0007-00000202"), xmlBody("CallbackFailed", "Error status : 301.", "")
	many := strings.Repeat(queuedLine+"\n", 100)
	for _, c := range []struct {
		name, input, id string
		want            Evidence // but for the message
	}{
		{"a good line first", queuedLine + "\n" + queueLine, "queue-unavailable", Evidence{Status: 503, Code: "queue_unavailable", RequestID: otherID}},
		{"a good line last", queueLine + "\n" + queuedLine, "queue-unavailable", Evidence{Status: 503, Code: "queue_unavailable", RequestID: otherID}},
		{"good lines only", queuedLine + "\n" + queuedLine, "queued", Evidence{Status: 200, Code: "queued", RequestID: id}},
		{"two errors", queueLine + "\n" + tokenLine, "bad-token", Evidence{Status: 403, Code: "bad_token", Others: 1}},
		{"one error twice", tokenLine + "\n" + tokenLine, "bad-token", Evidence{Status: 403, Code: "bad_token"}},
		{"a long log", many + queueLine + "\n" + many, "queue-unavailable", Evidence{Status: 503, Code: "queue_unavailable", RequestID: otherID}},
		{"lines with a prefix", "10:00 {x} " + queueLine + "\n10:01 {y} " + tokenLine + "\n", "bad-token", Evidence{Status: 403, Code: "bad_token", Others: 1}},
		{"two bodies", slow + redirect, "status-redirect", Evidence{Code: "CallbackFailed", RequestID: id, Others: 1}},
		{"the second cut off", slow + "<Error><Code>CallbackFailed</Code><Message>Error status : 301.", "status-redirect", Evidence{Code: "CallbackFailed", Others: 1}},
		{"a body and a line", slow + tokenLine, "bad-token", Evidence{Status: 403, Code: "bad_token", Others: 1}},
		{"a container's log", `{"log":"{\"code\":\"queue_unavailable\"}\n","stream":"stderr"}` + "\n" + `{"log":"{\"outcome\":\"queued\"}\n","stream":"stderr"}`,
			"queue-unavailable", Evidence{Code: "queue_unavailable"}},
		{"two tries of the Go SDK", "1: oss: service returned error: StatusCode=203, ErrorCode=CallbackFailed, ErrorMessage=\"Cost too long time.\", " +
			"RequestId=" + id + ", Ec=0007-00000202\n2: oss: service returned error: StatusCode=203, ErrorCode=CallbackFailed, ErrorMessage=\"Error status : 404.\"",
			"status-404", Evidence{Status: 203, Code: "CallbackFailed", Others: 1}},
		{"text around two", "x-oss-ec: 0007-00000205\n" + queueLine + "\n" + tokenLine, "bad-token", Evidence{Status: 403, Code: "bad_token", Others: 1}},
		{"a good line and a plain error", queuedLine + "\nCallbackFailed: Error status : 502.", "status-502", Evidence{Code: "CallbackFailed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, c.input, c.id)
			got := Read(c.input)
			got.Message = ""
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("evidence (-want +got):\n%s", diff)
			}
		})
	}
}

// A message that says nothing does not hide the one that does.
func TestMessageBehindOthers(t *testing.T) {
	for input, want := range map[string]string{
		"INFO:root:starting\nERROR:root:{'Code': 'CallbackFailed', 'Message': 'Error status : 502.'}":                                     "status-502",
		"time=x level=info msg=\"started\"\ntime=y level=error msg=\"Error status : 404.\"":                                               "status-404",
		"level=info msg=\"started\"\nlevel=error msg=\"upload failed\" err=\"Cost too long time.\"":                                       "cost-too-long",
		`{"time":"x","level":"ERROR","msg":"upload failed","err":"oss: service returned error: ErrorMessage=\"Cost too long time.\", x"}`: "cost-too-long",
		"2024 INFO: start\nERROR: Error status : 502.":                                                                                    "status-502",
		`{"message":"Error status : 404.","cause":"context canceled"}`:                                                                    "status-404",
		`{"code":"internal","message":"upload: Error status : 502."}`:                                                                     "status-502",
		`{"code":"CallbackFailed","message":"upload failed"}` + "\nError status : 404.":                                                   "status-404",
		`{"code":"internal","message":"x","ec":"0007-00000202"}`:                                                                          "cost-too-long",
	} {
		check(t, input, want)
	}
}

func TestShort(t *testing.T) {
	for input, want := range map[string]string{
		"203": "callback-failed", "HTTP 203": "callback-failed", "203 Non-Authoritative Information": "callback-failed", "got HTTP 203 from OSS": "callback-failed",
		"PUT https://b.oss-cn-hangzhou.aliyuncs.com/a 203 (Non-Authoritative Information)": "callback-failed",
		"callbackfailed": "callback-failed", "error callbackfailed again": "callback-failed", "accessdenied": "access-denied",
		"00000203": "status-other", "ec: 0203": "status-other", "EC=0202": "cost-too-long", `{"EC":"0202"}`: "cost-too-long", "<EC>0205</EC>": "invalid-json",
		"502 Bad Gateway": "bare-outage", "<title>502 Bad Gateway</title>": "bare-outage", "404": "bare-refusal", "HTTP/1.1 429 Too Many Requests": "bare-outage",
		"408": "bare-outage", "POST /a 403 (Forbidden)": "bare-refusal",
		"the callback server says 502 Bad Gateway": "status-502", "回调返回 404 Not Found": "status-404",
		"HTTP 502, while the callback has 400 lines": "bare-outage",
		"callback endpoint: HTTP 403":                "status-403",
		"Access to XMLHttpRequest at 'https://b.oss-cn-hangzhou.aliyuncs.com/a' from origin 'http://localhost:3000' has been blocked by CORS policy: " +
			"No 'Access-Control-Allow-Origin' header is present on the requested resource.\nPUT https://b net::ERR_FAILED 203 (Non-Authoritative Information)": "cors-blocked",
		"Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource":                                                              "cors-blocked",
		"<Error><Code>AccessForbidden</Code><Message>CORSResponse: This CORS request is not allowed. This is usually because</Message></Error>":                   "cors-blocked",
		`{"body":"\u003cError\u003e\u003cCode\u003eCallbackFailed\u003c/Code\u003e\u003cMessage\u003eCost too long time.\u003c/Message\u003e\u003c/Error\u003e"}`: "cost-too-long",
		`body="\u003cError\u003e\u003cCode\u003eNoSuchBucket\u003c/Code\u003e`:                                                                                    "no-such-bucket",
	} {
		check(t, input, want)
	}
}

// PowerShell writes UTF-16.
func TestUTF16(t *testing.T) {
	for _, order := range []string{"little", "big"} {
		var input []byte
		for _, unit := range utf16.Encode([]rune("\ufeff" + xmlBody("CallbackFailed", "Cost too long time.", ""))) {
			if order == "little" {
				input = append(input, byte(unit), byte(unit>>8))
			} else {
				input = append(input, byte(unit>>8), byte(unit))
			}
		}
		check(t, string(input), "cost-too-long")
	}
	check(t, "\ufeff0202", "cost-too-long")
}

// An input may hold secrets anywhere.
func TestShown(t *testing.T) {
	for input, want := range map[string]Evidence{
		`{"ec":"0007-00000203 hunter2\u001b[31m"}`:                                 {EC: "0007-00000203"},
		"https://h/cb?code=hunter2SECRET&x=1 Error status : 404.":                  {},
		`{"code":"hunter2","requestId":"hunter2","message":"Cost too long time."}`: {},
		"<Error><Code>callbackfailed</Code><RequestId>hunter2</RequestId></Error>": {Code: "CallbackFailed"},
		queueLine + tokenLine: {Status: 403, Code: "bad_token", Others: 1},
		"HTTP/1.1 203 OK\nx-oss-request-id: " + id + "\nx-oss-ec: 0007-00000205\n":        {Status: 203, EC: "0007-00000205", RequestID: id},
		`{"status":"rejected","error":"bad_token","argumentName":"a","message":"secret"}`: {Code: "bad_token"},
	} {
		if got := Read(input).Shown(); got != want {
			t.Errorf("%q: %+v, want %+v", input, got, want)
		}
	}
	if shown := (Evidence{EC: "0007-00000203 hunter2", RequestID: id + " hunter2", Code: "hunter2"}).Shown(); shown != (Evidence{}) {
		t.Errorf("%+v", shown)
	}
}
