package osssim

import (
	"net/http"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	const (
		missing = "Error Status : 400.User server missing content-length."
		invalid = "Error Status : 400.User server return invalid conent-length value."
		tooLong = "Error Status : 400.User server return too long content-length value."
		notJSON = "Response body is not valid json format."
	)
	length := func(values ...string) http.Header { return http.Header{"Content-Length": values} }
	ok := `{"a":1}`
	tests := []struct {
		name      string
		behaviour Behaviour
		status    int
		header    http.Header
		body      string
		message   string // "" means accepted
		ec        string
	}{
		{name: "object", status: 200, header: length("7"), body: ok},
		{name: "array", status: 200, header: length("2"), body: `[]`},
		{name: "leading zeros", status: 200, header: length("007"), body: ok},
		{name: "space around", status: 200, header: length("9"), body: " {\"a\":1}\n"},
		{name: "201", status: 201, header: length("7"), body: ok, message: "Error status : 201.", ec: "203"},
		{name: "204", status: 204, message: "Error status : 204.", ec: "203"},
		{name: "301", status: 301, header: length("7"), body: ok, message: "Error status : 301.", ec: "203"},
		{name: "404", status: 404, header: length("7"), body: ok, message: "Error status : 404.", ec: "203"},
		{name: "500", status: 500, header: length("7"), body: ok, message: "Error status : 500.", ec: "203"},
		{name: "no length", status: 200, body: ok, message: missing, ec: "204"},
		{name: "chunked", status: 200, header: http.Header{"Transfer-Encoding": {"chunked"}}, body: ok, message: missing, ec: "204"},
		{name: "chunked and length", status: 200, header: http.Header{"Transfer-Encoding": {"chunked"}, "Content-Length": {"7"}}, body: ok, message: missing, ec: "204"},
		{name: "chunked allowed", behaviour: Behaviour{ChunkedReply: true}, status: 200, header: http.Header{"Transfer-Encoding": {"chunked"}}, body: ok},
		{name: "zero", status: 200, header: length("0"), message: invalid, ec: "204"},
		{name: "negative", status: 200, header: length("-7"), body: ok, message: invalid, ec: "204"},
		{name: "plus", status: 200, header: length("+7"), body: ok, message: invalid, ec: "204"},
		{name: "words", status: 200, header: length("seven"), body: ok, message: invalid, ec: "204"},
		{name: "empty", status: 200, header: length(""), body: ok, message: invalid, ec: "204"},
		{name: "doubled", status: 200, header: length("7", "7"), body: ok, message: invalid, ec: "204"},
		{name: "list", status: 200, header: length("7, 7"), body: ok, message: invalid, ec: "204"},
		{name: "not the body's", status: 200, header: length("8"), body: ok, message: invalid, ec: "204"},
		{name: "one mebibyte", status: 200, header: length("1048576"), body: `{"a":"` + strings.Repeat("x", 1<<20-8) + `"}`},
		{name: "over one mebibyte", status: 200, header: length("1048577"), body: ok, message: tooLong, ec: "204"},
		{name: "beyond integers", status: 200, header: length(strings.Repeat("9", 40)), body: ok, message: tooLong, ec: "204"},
		{name: "OK", status: 200, header: length("2"), body: "OK", message: notJSON, ec: "205"},
		{name: "html", status: 200, header: length("6"), body: "<html>", message: notJSON, ec: "205"},
		{name: "byte order mark", status: 200, header: length("10"), body: "\xef\xbb\xbf" + ok, message: notJSON, ec: "205"},
		{name: "two documents", status: 200, header: length("4"), body: "{}{}", message: notJSON, ec: "205"},
		{name: "blank", status: 200, header: length("1"), body: " ", message: notJSON, ec: "205"},
		{name: "scalar", status: 200, header: length("4"), body: "true", message: notJSON, ec: "205"},
		{name: "scalar allowed", behaviour: Behaviour{ScalarJSON: true}, status: 200, header: length("4"), body: "true"},
		{name: "xml", status: 200, header: http.Header{"Content-Length": {"4"}, "Content-Type": {"application/xml"}}, body: "<a/>", message: notJSON, ec: "205"},
		{name: "xml allowed", behaviour: Behaviour{XMLReply: true}, status: 200, header: http.Header{"Content-Length": {"4"}, "Content-Type": {"application/xml"}}, body: "<a/>"},
		{name: "broken xml", behaviour: Behaviour{XMLReply: true}, status: 200, header: http.Header{"Content-Length": {"3"}, "Content-Type": {"application/xml"}}, body: "<a>", message: notJSON, ec: "205"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := Verdict{OK: true, Status: 200}
			if tt.message != "" {
				want = Verdict{Status: 203, Code: "CallbackFailed", Message: tt.message, EC: "0007-00000" + tt.ec}
			}
			if got := tt.behaviour.Judge(tt.status, tt.header, []byte(tt.body)); got != want {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
	if got := Judge(200, length("7"), []byte(ok)); !got.OK {
		t.Errorf("Judge = %+v", got)
	}
}
