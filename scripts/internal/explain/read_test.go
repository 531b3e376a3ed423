package explain

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	"oss-callback/function/callback"
)

func TestReadSaysWhatItSaw(t *testing.T) {
	for input, says := range map[string]string{
		"":                            "nothing at all",
		" \n":                         "nothing at all",
		"<Error><Code>":               "diagnose",
		"HTTP/1.1 203 OK\n\n{}":       "diagnose",
		"hello":                       "no request line",
		"Host: a\nX: b\n":             "without the request line",
		"POST / HTTP/1.1\nbody":       "line 2 of the head is no header",
		"POST cb HTTP/1.1\n\n":        "does not begin with a slash",
		`{"a":1}`:                     `"a"`,
		`{"b":1,"a":{"c":2}}`:         `It has "a", "b"`,
		`{"path":"/","req_body":"x"}`: `It has "path", "req_body"`,
		`{"url":"/","isBase64Encoded":true,"headers":{},"body":"!"}`: "no base64",
		"\xff\xfex":                                  "UTF-16",
		"curl --frobnicate http://a/":                `"--frobnicate"`,
		`{"path":"/","query":{"a":{}},"body":""}`:    "query is neither",
		`{"path":"/","method":1,"body":""}`:          "method is no string",
		`{"path":"/","body":"","isBase64Encoded":1}`: "isBase64Encoded",
		`{"path":"/","bodyBase64":1}`:                "bodyBase64 is no string",
		"curl -s --user=x http://a/":                 `"--user="`,
		"curl -s% http://a/":                         `"-%"`,
		"curl " + strings.Repeat("$(", maxCurl):      "32 KiB",
		`{"a":`:                                      "cut off",
		`[1]`:                                        "no object",
		`"\"\\\"x\\\"\""`:                            "no object",
		`{"log":{"entries":[]}}`:                     "without a request",
		`{"request":{}}`:                             "It has nothing",
		`{"rawPath":"/"}`:                            "requestContext.http.method",
		`{"path":"/","query":1,"body":""}`:           "query is neither",
		`{"path":"/","headers":{"a":{}}}`:            "no object of strings",
		`{"path":1}`:                                 "wrong type",
		"curl 'x":                                    "not closed",
		"curl -d @file http://a/":                    "from a file",
		"curl -d $BODY http://a/":                    "$variables",
		"curl -d \"`id`\" http://a/":                 "$variables",
		"curl $((" + strings.Repeat("(", maxCurl-10): "not closed",
		"curl -F a=b http://a/":                      "-F",
		"curl -H":                                    "lacks its value",
		"curl -s":                                    "without a URL",
		"curl ^\"http://a/^\" ^\n -H ^\"a: b^\" ^\n --data-raw ^\"it's^\"": "bash",
	} {
		_, err := Read([]byte(input))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, which does not say %q", input, err, says)
		}
	}
}

func TestReadDetails(t *testing.T) {
	for input, want := range map[string]Capture{
		"POST http://h/a?b HTTP/1.0\r\nA: 1\r\n 2\r\nContent-Length: 1\r\n\r\nx\n": {Path: "/a", Method: "POST", Body: []byte("x")},
		"POST /a?b HTTP/1.1\nTransfer-Encoding: chunked\n\n3\r\nabc\r\n0\r\n\r\n":  {Path: "/a", Method: "POST", Body: []byte("abc")},
		"POST /a?b\n\nx\n": {Path: "/a", Method: "POST", Body: []byte("x\n")},
		"$ curl h/a?b -d x -dy --data-urlencode 'z= /' | jq .":                       {Path: "/a", Method: "POST", Body: []byte("x&y&z=%20%2F")},
		"curl -sSXPUT --json '{}' h:1/a?b":                                           {Path: "/a", Method: "PUT", Body: []byte("{}")},
		"curl h/a?b{1..100000000}{1..9}{1..9}":                                       {Path: "/a", Method: "GET", Query: callback.Query{Raw: "b{1..100000000}{1..9}{1..9}"}},
		"curl -G -d b http://h/a#c":                                                  {Path: "/a", Method: "GET"},
		`curl 'http://h/a?b' --data-raw $'\u4f60\'!%s\n'`:                            {Path: "/a", Method: "POST", Body: []byte("你'!%s\n")},
		`{"path":"/a?b","body":{"x": 1}}`:                                            {Path: "/a", Body: []byte(`{"x": 1}`)},
		`{"path":"/a","query":"?b","headers":[{"name":"A","value":"1"}],"body":"x"}`: {Path: "/a", Body: []byte("x")},
		`{"request":{"method":"POST","url":"https://h/a?b","postData":{"params":[{"name":"x","value":"1/2"}]},"headers":[]}}`: {Path: "/a", Method: "POST", Body: []byte("x=1%2F2")},
	} {
		c, err := Read([]byte(input))
		if err != nil || c.Path != want.Path || c.Query.Raw != cmp.Or(want.Query.Raw, "b") || c.Method != want.Method || string(c.Body) != string(want.Body) {
			t.Errorf("%q became %+v, %v", input, c, err)
		}
	}
}
