package explain

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// sent is a request to be written in every format.
type sent struct {
	method, target string // POST if empty
	header         http.Header
	body           string
}

func (s sent) with(change func(*sent)) sent {
	s.header = s.header.Clone()
	change(&s)
	return s
}

// Both golden vectors are genuine: signed by OSS with the key that is embedded.
func goldenForm() sent {
	return sent{
		target: "/index.php?id=1&index=2",
		header: http.Header{
			"Authorization":     {"kKQeGTRccDKyHB3H9vF+xYMSrmhMZjzzl2/kdD1ktNVgbWEfYTQG0G2SU/RaHBovRCE8OkQDjC3uG33esH2txA=="},
			"Content-Type":      {"application/x-www-form-urlencoded"},
			"User-Agent":        {"aliyun-oss-callback"},
			"X-Oss-Pub-Key-Url": {"aHR0cDovL2dvc3NwdWJsaWMuYWxpY2RuLmNvbS9jYWxsYmFja19wdWJfa2V5X3YxLnBlbQ=="},
		},
		body: "bucket=yonghu-test",
	}
}

func goldenJSON() sent {
	return sent{
		target: "/3ecb4401-bd1f-4421-a385-46b57f0d6daa",
		header: http.Header{
			"Authorization":           {"eugZUpzNaW3Ba40tGc3IUczSmdwfOKS1fXl6xd+QmOITTUPLwhBw1DBBUwaGuLsKYdCauOcHhGCEVMEObQgThA=="},
			"Content-Type":            {"application/json"},
			"User-Agent":              {"aliyun-oss-callback"},
			"X-Oss-Pub-Key-Url":       {base64.StdEncoding.EncodeToString([]byte(keyURLV1))},
			"X-Oss-Signature-Version": {"1.0"},
		},
		body: `{"bucket":"post-test","object":"42cf77bf-2d25-485a-947c-b9216ee079ee","etag":"97E1A27874032FC4B29F007C90DFA372","size":31,` +
			`"mimeType":"image/jpeg","imageInfo":null}`,
	}
}

// format writes a request in one of the formats that Read understands.
type format struct {
	write func(t testing.TB, s sent) string
	// what the format cannot carry
	noQuery, noEndOfBody bool
}

var formats = map[string]format{
	"raw LF":         {write: func(_ testing.TB, s sent) string { return s.raw("\n", "") }},
	"raw CRLF":       {write: func(_ testing.TB, s sent) string { return s.raw("\r\n", "") }},
	"curl -v":        {write: writeCurlV, noEndOfBody: true},
	"pseudo headers": {write: writePseudo},
	"curl":           {write: writeCurl},
	"HAR":            {write: writeHAR},
	"HAR entry":      {write: func(t testing.TB, s sent) string { return marshal(t, map[string]any{"request": s.har()}) }},
	"HAR request":    {write: func(t testing.TB, s sent) string { return marshal(t, s.har()) }},
	"event":          {write: writeEvent, noQuery: true},
	"own JSON":       {write: writeOwn},
	"quoted JSON":    {write: func(t testing.TB, s sent) string { return marshal(t, writeOwn(t, s)) }},
}

func (s sent) path() string  { path, _, _ := strings.Cut(s.target, "?"); return path }
func (s sent) query() string { _, query, _ := strings.Cut(s.target, "?"); return query }
func (s sent) verb() string  { return cmp.Or(s.method, http.MethodPost) }

func (s sent) eachHeader(visit func(name, value string)) {
	for _, name := range slices.Sorted(maps.Keys(s.header)) {
		visit(name, s.header.Get(name))
	}
}

func (s sent) raw(eol, prefix string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s%s %s HTTP/1.1%s", prefix, s.verb(), s.target, eol)
	s.eachHeader(func(name, value string) { fmt.Fprintf(&out, "%s%s: %s%s", prefix, name, value, eol) })
	fmt.Fprintf(&out, "%s%s%s", strings.TrimSpace(prefix), eol, s.body)
	return out.String()
}

func writeCurlV(_ testing.TB, s sent) string {
	return "*   Trying 127.0.0.1:8080...\n* Connected to localhost\n" + s.raw("\r\n", "> ") +
		"\n* upload completely sent off: 18 bytes\n< HTTP/1.1 403 Forbidden\r\n< Content-Length: 2\r\n<\r\n{}"
}

func writePseudo(_ testing.TB, s sent) string {
	head := fmt.Sprintf(":authority: example.com\n:method: %s\n:path: %s\n:scheme: https\n", s.verb(), s.target)
	_, rest, _ := strings.Cut(s.raw("\n", ""), "\n")
	return head + rest
}

func writeCurl(_ testing.TB, s sent) string {
	quote := func(v string) string {
		if strings.ContainsAny(v, "'\r\n\\!") || !utf8.ValidString(v) {
			var out strings.Builder
			for _, b := range []byte(v) {
				if b < ' ' || b >= 0x80 || b == '\'' || b == '\\' || b == '!' {
					fmt.Fprintf(&out, `\x%02x`, b)
				} else {
					out.WriteByte(b)
				}
			}
			return "$'" + out.String() + "'"
		}
		return "'" + v + "'"
	}
	out := "curl " + quote("https://example.com"+s.target) + " \\\n  -X " + s.verb()
	s.eachHeader(func(name, value string) { out += " \\\n  -H " + quote(name+": "+value) })
	return out + " \\\n  --data-raw " + quote(s.body) + " \\\n  --compressed -sS"
}

func (s sent) har() map[string]any {
	headers := []map[string]string{{"name": ":path", "value": s.target}, {"name": ":method", "value": s.verb()}}
	s.eachHeader(func(name, value string) { headers = append(headers, map[string]string{"name": name, "value": value}) })
	post := map[string]string{"mimeType": s.header.Get("Content-Type"), "text": s.body}
	if !utf8.ValidString(s.body) {
		post["text"], post["encoding"] = base64.StdEncoding.EncodeToString([]byte(s.body)), "base64"
	}
	return map[string]any{"method": s.verb(), "url": "https://example.com" + s.target, "headers": headers, "postData": post}
}

func writeHAR(t testing.TB, s sent) string {
	page := sent{method: "GET", target: "/style.css", header: http.Header{"Accept": {"*/*"}}}
	return marshal(t, map[string]any{"log": map[string]any{"version": "1.2", "entries": []any{
		map[string]any{"request": page.har(), "response": map[string]any{}}, map[string]any{"request": s.har()}}}})
}

func writeEvent(t testing.TB, s sent) string {
	headers := map[string]string{}
	s.eachHeader(func(name, value string) { headers[name] = value })
	query, err := url.ParseQuery(s.query())
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]string{}
	for name := range query {
		params[name] = strings.Join(query[name], ",")
	}
	event := map[string]any{"version": "v1", "rawPath": s.path(), "headers": headers, "queryParameters": params,
		"body": s.body, "isBase64Encoded": false,
		"requestContext": map[string]any{"timeEpoch": "1700000000000", "http": map[string]string{"method": s.verb(), "path": unescaped(s.path())}}}
	if !utf8.ValidString(s.body) {
		event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(s.body)), true
	}
	return marshal(t, event)
}

func writeOwn(t testing.TB, s sent) string {
	own := map[string]any{"method": s.verb(), "path": s.path(), "query": s.query(), "headers": s.header, "body": s.body}
	if !utf8.ValidString(s.body) {
		delete(own, "body")
		own["bodyBase64"] = []byte(s.body)
	}
	return marshal(t, own)
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func read1(t testing.TB, input string) Capture {
	t.Helper()
	c, err := Read([]byte(input))
	if err != nil {
		t.Fatalf("%v in\n%s", err, input)
	}
	return c
}

func explain1(t testing.TB, c Capture, o Options) Report {
	t.Helper()
	r, err := Explain(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ids(r Report) []ID {
	var all []ID
	for _, a := range r.Alterations {
		all = append(all, a.ID)
	}
	return all
}
