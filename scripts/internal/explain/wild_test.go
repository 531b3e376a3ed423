package explain

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// TestGenuineInTheWild reads what people really have at hand: dumps of frameworks, gateways and sniffers.
func TestGenuineInTheWild(t *testing.T) {
	form, js := goldenForm(), goldenJSON()
	auth, key := form.header.Get("Authorization"), form.header.Get(keyURLHeader)
	headers := map[string]any{"authorization": auth, "x-oss-pub-key-url": key, "content-type": formType, "content-length": 18}
	type m = map[string]any
	object := func(with m) string {
		all := m{"method": "POST", "path": "/index.php?id=1&index=2", "headers": headers, "body": form.body}
		for name, value := range with {
			if all[name] = value; value == nil {
				delete(all, name)
			}
		}
		return marshal(t, all)
	}
	ints := []int{}
	for _, b := range []byte(form.body) {
		ints = append(ints, int(b))
	}
	length := func(s *sent) { s.header.Set("Content-Length", "18") }
	utf16 := func(order unicode.Endianness) string {
		s, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(js.raw("\r\n", ""))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, input := range map[string]string{
		"CGI's names": object(m{"headers": m{"HTTP_AUTHORIZATION": auth, "HTTP_X_OSS_PUB_KEY_URL": key, "CONTENT_TYPE": formType, "CONTENT_LENGTH": "18"}}),
		"API gateway": object(m{"method": nil, "httpMethod": "POST", "path": "/index.php", "queryParameters": m{"index": "2", "id": "1"}, "pathParameters": m{},
			"body": base64.StdEncoding.EncodeToString([]byte(form.body)), "isBase64Encoded": true}),
		"AWS's API gateway": object(m{"method": nil, "httpMethod": "POST", "path": "/index.php", "headers": nil, "queryStringParameters": m{"index": "2", "id": "1"},
			"multiValueHeaders": m{"Authorization": []string{auth}, "X-Oss-Pub-Key-Url": []string{key}}, "multiValueQueryStringParameters": m{"id": []string{"1"}, "index": []string{"2"}},
			"requestContext": m{"httpMethod": "POST"}, "isBase64Encoded": false, "stageVariables": nil}),
		"AWS's HTTP API":     object(m{"method": nil, "path": nil, "rawPath": "/index.php", "rawQueryString": "id=1&index=2", "requestContext": m{"http": m{"method": "POST"}}}),
		"Buffer":             object(m{"body": m{"type": "Buffer", "data": ints}}),
		"rawBody":            object(m{"body": m{"bucket": "yonghu-test"}, "rawBody": m{"type": "Buffer", "data": ints}}),
		"Express":            object(m{"path": "/php", "originalUrl": "/index.php?id=1&index=2", "baseUrl": "/index", "url": "/php?id=1&index=2", "query": m{"id": "1", "index": "2"}}),
		"Node":               object(m{"path": nil, "url": "/index.php?id=1&index=2"}),
		"in request":         `{"request":` + object(nil) + "}",
		"empty query":        object(m{"query": ""}),
		"empty query object": object(m{"query": m{}}),
		"query beside":       object(m{"query": m{"id": "1", "index": []string{"2"}}}),
		"multiple values":    object(m{"path": "/index.php", "query": m{"id": []string{"1"}, "index": []string{"2"}}}),
		"TCP stream":         form.with(length).raw("\r\n", "") + "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}",
		"TCP stream, spaced": form.with(length).raw("\r\n", "") + "\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}",
		"two requests":       form.with(length).raw("\n", "") + "\n\n" + form.raw("\n", ""),
		"a ruler behind":     form.with(length).raw("\n", "") + "\n---------\n",
		"UTF-16LE":           utf16(unicode.LittleEndian),
		"UTF-16BE":           utf16(unicode.BigEndian),
		"POST in lower case": object(m{"method": "post"}),
		"curl, many options": `curl --max-filesize 100 'https://h/index.php?id=1&index=2' -H 'Authorization: ` + auth + `' -H 'X-Oss-Pub-Key-Url: ` + key +
			`' --data-raw '` + form.body + `' --oauth2-bearer abc --http1.1 --no-progress-meter -kL --next https://other.example/`,
		"curl, a second operand": `curl 'https://h/index.php?id=1&index=2' -H 'Authorization: ` + auth + `' -H 'X-Oss-Pub-Key-Url: ` + key + `' -d '` + form.body + `' 100`,
	} {
		t.Run(name, func(t *testing.T) {
			c := read1(t, input)
			if r := explain1(t, c, Options{}); r.Verdict != Genuine {
				t.Errorf("%s %v of %+v", r.Verdict, ids(r), c)
			}
		})
	}
}

// What cuts at Content-Length says so, and does not where the body was only written anew.
func TestCutAtContentLength(t *testing.T) {
	answered := goldenForm().with(func(s *sent) { s.header.Set("Content-Length", "18"); s.target = "/fc" + s.target }).raw("\n", "") + "HTTP/1.1 200 OK\n\n{}"
	r := explain1(t, read1(t, answered), Options{})
	if r.Verdict != Altered || len(ids(r)) != 1 || !strings.Contains(strings.Join(r.Notes, " "), "behind the body was left out") {
		t.Errorf("%s %v %q", r.Verdict, ids(r), r.Notes)
	}
	spaced := goldenJSON().with(func(s *sent) { s.header.Set("Content-Length", "161"); s.body = strings.ReplaceAll(s.body, ":", " : ") })
	spaced.body = strings.ReplaceAll(goldenJSON().body, ",", ", ")
	if r := explain1(t, read1(t, spaced.raw("\n", "")), Options{}); len(ids(r)) != 1 || ids(r)[0] != BodyReserialized {
		t.Errorf("%s %v", r.Verdict, ids(r))
	}
}

func TestMembersThatAreNotRead(t *testing.T) {
	object := func(with map[string]any) string {
		all := map[string]any{"path": "/cb", "headers": map[string]string{}, "body": "x"}
		for name, value := range with {
			all[name] = value
		}
		b, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	c := read1(t, object(map[string]any{"queryText": "id=1", "req_body": "y"}))
	if notes := strings.Join(c.Notes, " "); !strings.Contains(notes, `"queryText", "req_body"`) || strings.Contains(notes, "id=1") {
		t.Errorf("%q", notes)
	}
	if c := read1(t, object(map[string]any{"resource": "/{proxy+}", "pathParameters": nil})); len(c.Notes) > 0 {
		t.Errorf("%q", c.Notes)
	}
}

// The raw query is better than parameters: a Capture holds one of them.
func TestRawQueryBesideParameters(t *testing.T) {
	c := read1(t, `{"path":"/cb?b=1&a=%20","query":{"a":" ","b":"1"},"headers":{}}`)
	if c.Query.Raw != "b=1&a=%20" || c.Query.Params != nil {
		t.Errorf("%+v", c.Query)
	}
}

// nginx appends the query to the address of a rewrite that holds it already.
func TestQueryAppendedTwice(t *testing.T) {
	for _, u := range []string{"", "http://h/index.php?id=1&index=2"} {
		r := explain1(t, read1(t, goldenForm().with(to("/index.php?id=1&index=2&id=1&index=2")).raw("\n", "")), Options{URL: u})
		if len(r.Alterations) != 1 || r.Alterations[0].ID != QueryAdded || !strings.Contains(r.Alterations[0].What, `"id", "index", which were appended twice`) {
			t.Errorf("%+v", r)
		}
	}
}

func TestEndsWell(t *testing.T) {
	for body, want := range map[string]bool{
		`{"a":1}`: true, `{"a":`: false, "a=b&c=d%20": true, "a=b&c=d%2": false, "a=b&c=d%": false, "a=b&c": false, "": false, "a=": true,
	} {
		if got := endsWell(body); got != want {
			t.Errorf("%q: %t", body, got)
		}
	}
}
