package diagnose

import (
	"errors"
	"strings"
	"testing"
	"time"

	ossv2 "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	ossv1 "github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/google/go-cmp/cmp"
)

const id = "5CF3E782AB0C1D2E3F405162"

// The words of the SDKs, made by their own types for Go, after their sources and official samples for the others.
var wordings = []struct {
	name, input string
	id          string
	want        Evidence // but for the message, of which each keeps another part
}{
	{
		"Go v1", ossv1.ServiceError{StatusCode: 203, Code: "CallbackFailed", Message: "Error status : 502.", RequestID: id, Ec: "0007-00000203",
			Endpoint: "oss-cn-hangzhou-internal.aliyuncs.com"}.Error(),
		"status-502", Evidence{Status: 203, Code: "CallbackFailed", EC: "0007-00000203", RequestID: id},
	},
	{
		"Go v1, a body that it cannot read", "unknown response body, status code = 203, RequestId = " + id + ", ec = 0007-00000202",
		"cost-too-long", Evidence{Status: 203, EC: "0007-00000202", RequestID: id},
	},
	{
		"Go v1, without EC", "unknown response body, status code= 203, RequestId = " + id,
		"callback-failed", Evidence{Status: 203, RequestID: id},
	},
	{
		"Go v2", "operation error PutObject: " + (&ossv2.ServiceError{StatusCode: 203, Code: "CallbackFailed", Message: "Error status : 301.",
			RequestID: id, EC: "0007-00000203", RequestTarget: "PUT https://photos.oss-cn-hangzhou.aliyuncs.com/a.jpg"}).Error(),
		"status-redirect", Evidence{Status: 203, Code: "CallbackFailed", EC: "0007-00000203", RequestID: id},
	},
	{
		"Go v2, an answer that is an array", "operation error PutObject: json: cannot unmarshal array into Go value of type map[string]interface {}",
		"go-sdk-expects-object", Evidence{},
	},
	{
		"Go v2, multipart", "operation error CompleteMultipartUpload: " + (&ossv2.DeserializationError{Err: errors.New("EOF")}).Error(),
		"sdk-expects-xml", Evidence{},
	},
	{
		"Java", "com.aliyun.oss.OSSException: Error status : 404.\n[ErrorCode]: CallbackFailed\n[RequestId]: " + id +
			"\n[HostId]: photos.oss-cn-hangzhou.aliyuncs.com\n[ResponseError]:\n" + xmlBody("CallbackFailed", "Error status : 404.", "0007-00000203"),
		"status-404", Evidence{Code: "CallbackFailed", EC: "0007-00000203", RequestID: id},
	},
	{
		"Java, only its first lines", "Response body is not valid json format.\n[ErrorCode]: CallbackFailed\n[RequestId]: " + id + "\n[HostId]: h",
		"invalid-json", Evidence{Code: "CallbackFailed", RequestID: id},
	},
	{
		"Android", "[StatusCode]: 203, [Code]: CallbackFailed, [Message]: Error status : 502., [Requestid]: " + id + ", [HostId]: h, [RawMessage]: ",
		"status-502", Evidence{Status: 203, Code: "CallbackFailed", RequestID: id},
	},
	{
		"Python", "{'status': 203, 'details': {'Code': 'CallbackFailed', 'Message': 'Cost too long time.', 'RequestId': '" + id +
			"', 'HostId': 'h', 'EC': '0007-00000202'}}",
		"cost-too-long", Evidence{Status: 203, Code: "CallbackFailed", EC: "0007-00000202", RequestID: id},
	},
	{
		"Python, an older one", "{'status': 203, 'x-oss-request-id': '" + id + "', 'details': {'Code': 'CallbackFailed', 'Message': 'Error status : 401.'}}",
		"status-401", Evidence{Status: 203, Code: "CallbackFailed", RequestID: id},
	},
	{
		"Python v2", "operation error PutObject: Error returned by Service.\n        Http Status Code: 203.\n        Error Code: CallbackFailed.\n" +
			"        Request Id: " + id + ".\n        Message: Error status : 503..\n        EC: 0007-00000203.\n        ErrorDetail: \n" +
			"        ArgumentName: \n        ArgumentValue: \n        Timestamp: 2026-09-01 00:00:00.\n        Request Endpoint: PUT https://h/a.",
		"status-503", Evidence{Status: 203, Code: "CallbackFailed", EC: "0007-00000203", RequestID: id},
	},
	{
		"ali-oss", "CallbackFailedError: Error status : 405.\n    at Client.requestError (client.js:321:13) {\n  status: 203,\n  code: 'CallbackFailed',\n" +
			"  requestId: '" + id + "',\n  hostId: 'h'\n}",
		"status-405", Evidence{Status: 203, Code: "CallbackFailed", RequestID: id},
	},
	{
		"ali-oss, multipart", "Error: Non-whitespace before first tag.\nLine: 0\nColumn: 1\nChar: {\nraw xml: {\"Status\":\"OK\"}",
		"sdk-expects-xml", Evidence{},
	},
	{
		"ali-oss, an empty answer", "SyntaxError: Unexpected end of JSON input\n    at JSON.parse (<anonymous>)\n" +
			"    at Client.put (/app/node_modules/ali-oss/lib/object.js:120:24)",
		"sdk-expects-json", Evidence{},
	},
	{
		"PHP", "CallbackFailed: Error status : 403. RequestId: " + id + " EC:0007-00000203",
		"status-403", Evidence{Code: "CallbackFailed", EC: "0007-00000203", RequestID: id},
	},
	{
		".NET, as its samples print it", "Failed with error code: CallbackFailed; Error info: Error status : -1.OSS can not connect to your callbackUrl, " +
			"please check it.. \nRequestID:" + id + "\tHostID:h",
		"cannot-connect", Evidence{Code: "CallbackFailed", RequestID: id},
	},
	{
		"C++, as its samples print it", "PutObject fail,code:CallbackFailed,message:Too many callback requests.,requestId:" + id,
		"too-many-callbacks", Evidence{Code: "CallbackFailed", RequestID: id},
	},
	{
		"C", "code:203, error_code:CallbackFailed, error_msg:Error status : 500., request_id:" + id,
		"status-500", Evidence{Code: "CallbackFailed", RequestID: id},
	},
	{
		"Ruby", "RequestId: " + id + ", Code: CallbackFailed, Message: Get image info failed., HostId: h, EC: 0007-00000301, HTTPCode: 203",
		"image-info-failed", Evidence{Status: 203, Code: "CallbackFailed", EC: "0007-00000301", RequestID: id},
	},
	{
		"iOS", "Error Domain=com.aliyun.oss.serverError Code=-203 \"(null)\" UserInfo={__name=Error, Code=CallbackFailed, " +
			"Message=Error status : 409., RequestId=" + id + ", HostId=h}",
		"status-409", Evidence{Code: "CallbackFailed", RequestID: id},
	},
	{
		"a web page of others", "上传失败(203：Error status : 502.)",
		"status-502", Evidence{},
	},
	{
		"another one", "Private address is forbidden to callback. (InvalidArgument)",
		"private-address", Evidence{Code: "InvalidArgument"},
	},
	{
		"curl -i, with the first answer of a proxy", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 203 Non-Authoritative Information\r\nServer: AliyunOSS\r\n" +
			"x-oss-request-id: " + id + "\r\nx-oss-ec: 0007-00000205\r\n\r\n",
		"invalid-json", Evidence{Status: 203, EC: "0007-00000205", RequestID: id},
	},
	{
		"browser, headers only", "HTTP/2 203 \r\nx-oss-request-id: " + id,
		"callback-failed", Evidence{Status: 203, RequestID: id},
	},
	{
		"OSS's own example of a fault in a template", "HTTP/1.1 400 Bad Request\n\n<Error><Code>InvalidArgument</Code><Message>some other words</Message>" +
			"<ArgumentName>ReplaceKeyPrefix</ArgumentName><ArgumentValue>{&quot;a&quot;:$x:my_var}}</ArgumentValue></Error>",
		"placeholder-syntax", Evidence{Status: 400, Code: "InvalidArgument", ArgumentName: "ReplaceKeyPrefix", ArgumentValue: `{"a":$x:my_var}}`},
	},
	{
		"an argument that is not ours", "<Error><Code>InvalidArgument</Code><Message>some other words</Message><ArgumentName>x</ArgumentName></Error>",
		"invalid-argument", Evidence{Code: "InvalidArgument", ArgumentName: "x"},
	},
	{
		"form upload", "ErrorCode: AccessDenied ErrorMessage: Invalid according to Policy: Policy Condition failed: [\"starts-with\", \"$key\", \"user/\"]",
		"policy-condition-failed", Evidence{Code: "AccessDenied"},
	},
	{
		"another number of OSS", "<Error><Code>PostOnly</Code><Message>other words</Message><EC>0006-00000299</EC></Error>",
		"ec-elsewhere", Evidence{Code: "PostOnly", EC: "0006-00000299"},
	},
	{
		"our answer", `{"status":"rejected","error":"token_expired"}`,
		"token-expired", Evidence{Code: "token_expired"},
	},
	{
		"our answer behind curl's headers", "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n{\"status\":\"rejected\",\"error\":\"object_gone\"}",
		"object-gone", Evidence{Status: 404, Code: "object_gone"},
	},
	{
		"our good answer", `{"status":"queued","job":"e313659d7dba6ddc58ccf05a861c6594","image":null,"reason":"not_an_image"}`,
		"queued", Evidence{Code: "queued"},
	},
	{
		"our log", `2026-09-01 12:00:00 {"time":"2026-09-01T12:00:00Z","level":"ERROR","msg":"callback","outcome":"rejected","status":503,` +
			`"code":"queue_unavailable","cause":"queue: 127.0.0.1:4150: reply timeout","oss_request_id":"` + id + `","fc_request_id":"1-2","object":"a"}`,
		"queue-unavailable", Evidence{Status: 503, Code: "queue_unavailable", RequestID: id},
	},
	{
		"our log, a good line", `{"level":"WARN","msg":"callback","outcome":"queued","status":200,"reason":"image_info_pending","cause":"AccessDenied",` +
			`"oss_request_id":"` + id + `"}`,
		"queued", Evidence{Status: 200, Code: "queued", RequestID: id},
	},
	{
		"our log at a bad start", `{"level":"ERROR","msg":"misconfigured: every callback will be refused until this is mended","cause":"NSQD_ADDRS is missing"}`,
		"misconfigured", Evidence{Code: "misconfigured"},
	},
	{"our log behind other braces", `worker {1} {x} {"outcome":"queued","status":200}`, "queued", Evidence{Status: 200, Code: "queued"}},
	{"our code in a sentence", "the function says object_gone all the time", "object-gone", Evidence{Code: "object_gone"}},
	{"our code alone", "unsigned", "unsigned", Evidence{Code: "unsigned"}},
	{"an error as JSON", `{"Error":{"Code":"NoSuchBucket","RequestId":"` + id + `"}}`, "no-such-bucket", Evidence{Code: "NoSuchBucket", RequestID: id}},
	{"a request id", strings.ToLower(id), "request-id", Evidence{RequestID: id}},
	{"a header with a request id", "x-oss-request-id: " + id, "request-id", Evidence{RequestID: id}},
}

func TestWordings(t *testing.T) {
	for _, w := range wordings {
		t.Run(w.name, func(t *testing.T) {
			got := Read(w.input)
			if d, ok := Find(got); !ok || d.ID != w.id {
				t.Errorf("diagnosed as %q, want %q, from %+v", d.ID, w.id, got)
			}
			got.Message = ""
			if diff := cmp.Diff(w.want, got); diff != "" {
				t.Errorf("evidence (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMessages(t *testing.T) {
	for input, want := range map[string]string{
		"[StatusCode]: 203, [Code]: CallbackFailed, [Message]: 1.2.3.4:80 reply timeout, cost:5000ms, timeout:5000ms (err -4, errno115), [Requestid]: x": "1.2.3.4:80 reply timeout, cost:5000ms, timeout:5000ms (err -4, errno115)",
		`oss: service returned error: StatusCode=203, ErrorCode=CallbackFailed, ErrorMessage="Error status : 502.", RequestId=x`:                         "Error status : 502.",
		"<Message>a &lt; b</Message>":                          "a < b",
		"PutObject fail,code:X,message:Some words.,requestId:": "Some words.",
		"Some words.": "Some words.",
		`{"status":503,"code":"internal","cause":"panic: x"}`: "panic: x",
	} {
		if got := Read(input).Message; got != want {
			t.Errorf("%q: message %q, want %q", input, got, want)
		}
	}
}

// The order of keys in a JSON object is not that of Go's maps.
func TestFirstMessageCounts(t *testing.T) {
	for range 50 {
		check(t, `{"message":"Error status : 404.","cause":"Cost too long time."}`, "cost-too-long")
	}
}

// What is no request id and no EC does not become one.
func TestReadIsStrict(t *testing.T) {
	for _, input := range []string{"<RequestId>5C3D9175B6FC201293AD****</RequestId>", "etag 97E1A27874032FC4B29F007C90DFA372", "<EC>none</EC>",
		"<EC>0007-203</EC>", "token 123456789012345678901234567890", `{"requestId":"1-66c2-abcd","ec":"x"}`} {
		if e := Read(input); e.RequestID != "" || e.EC != "" {
			t.Errorf("%q: %+v", input, e)
		}
	}
}

func TestTime(t *testing.T) {
	at, ok := Read(id).Time()
	if want := time.Date(2019, 6, 2, 15, 13, 6, 0, time.UTC); !ok || !at.Equal(want) {
		t.Errorf("%s, %v; want %s", at, ok, want)
	}
	for _, none := range []string{"", "x", "000000000000000000000000", "5CF3E782", id + "00"} {
		if at, ok := (Evidence{RequestID: none}).Time(); ok {
			t.Errorf("%q: %s", none, at)
		}
	}
}

func TestLongInput(t *testing.T) {
	check(t, xmlBody("CallbackFailed", "Cost too long time.", "")+strings.Repeat("{\xff", maxInput), "cost-too-long")
	check(t, xmlBody("CallbackFailed", "Cost too long time.", "")+strings.Repeat(`{"a":`, maxInput), "cost-too-long") // no end of objects
	if e := Read(strings.Repeat("界", maxInput)); len(e.Message) > maxInput {
		t.Errorf("%d bytes of message", len(e.Message))
	}
}

func notPlain(r rune) bool { return r <= ' ' || r > '~' }

// go test -fuzz FuzzRead ./scripts/internal/diagnose
func FuzzRead(f *testing.F) {
	for _, w := range wordings {
		f.Add(w.input)
	}
	for _, c := range []string{queuedLine + queueLine, tokenLine + xmlBody("CallbackFailed", "x", "") + "<Error><Error>", "\xff\xfe0\x002\x000\x003\x00",
		`{"log":"{\"code\":\"queue_unavailable\"}"}`, "502 Bad Gateway", "ec: 0203", "callback 502"} {
		f.Add(c)
	}
	for _, seed := range []string{"", "{", "{{{{", `{"status":1e9}`, `{"error":{"error":{"error":{}}}}`, "Error status : -999.", "0007-", "\xff\xfe", "0203"} {
		f.Add(seed)
	}
	x := newIndex()
	f.Fuzz(func(t *testing.T, input string) {
		e := Read(input)
		if e != Read(input) {
			t.Error("reading twice gives two results")
		}
		if e.Status != 0 && (e.Status < 0 || e.Status > 999) || e.EC != "" && !soleEC.MatchString(e.EC) || e.Others < 0 {
			t.Errorf("%+v", e)
		}
		d, ok := Find(e)
		if ok && (d.ID == "" || d.Text.ZH.Title == "") || !ok && d.ID != "" {
			t.Errorf("%v %+v", ok, d)
		}
		_, _ = Contradiction(e, d)
		_, _ = e.Time()
		if near := x.nearest(input, 3); len(near) > 3 {
			t.Errorf("%d are near", len(near))
		}
	})
}

func FuzzFind(f *testing.F) {
	f.Add(203, "CallbackFailed", "Error status : 404.", "0007-00000203", id, "callback", "")
	f.Add(400, "InvalidArgument", "x", "0007-00000105", "", "ReplaceKeyPrefix", "$x}")
	f.Add(-1, "", "Error status : -5.", "0007-0000", "", "", "")
	f.Fuzz(func(t *testing.T, status int, code, message, ec, requestID, name, value string) {
		e := Evidence{Status: status, Code: code, Message: message, EC: ec, RequestID: requestID, ArgumentName: name, ArgumentValue: value}
		if shown := e.Shown(); shown.Message != "" || shown.ArgumentName != "" || shown.ArgumentValue != "" || strings.ContainsFunc(shown.Code+shown.EC+shown.RequestID, notPlain) {
			t.Errorf("%+v", shown)
		}
		d, ok := Find(e)
		if ok != (d.ID != "") {
			t.Errorf("%v %+v", ok, d)
		}
		_, _ = Contradiction(e, d)
		_, _ = e.Time()
	})
}
