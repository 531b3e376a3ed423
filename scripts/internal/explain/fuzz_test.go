package explain

import (
	"errors"
	"strings"
	"testing"

	"oss-callback/function/callback"
)

// go test ./scripts/internal/explain -fuzz FuzzRead -fuzztime 30s
func FuzzRead(f *testing.F) {
	for _, format := range formats {
		f.Add([]byte(format.write(f, goldenForm())))
		f.Add([]byte(format.write(f, goldenJSON())))
	}
	f.Add([]byte("curl 'http://h/' --data-raw $'\\u0021' -sSX POST"))
	f.Add([]byte(`{"path":"/","query":{"a":"b"},"headers":{"a":["b"]},"bodyBase64":"eA=="}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		c, err := Read(input)
		if err != nil {
			if !errors.Is(err, ErrFormat) || c.Path != "" {
				t.Fatalf("%+v, %v", c, err)
			}
			return
		}
		r := explain1(t, c, Options{Buckets: []string{"b"}, URL: "http://h/a?b=c"})
		if r.Verdict == "" || r.Summary == "" {
			t.Fatalf("%+v", r)
		}
	})
}

// go test ./scripts/internal/explain -fuzz FuzzSearch -fuzztime 30s
func FuzzSearch(f *testing.F) {
	f.Add("/a+b%2541//.", "b=1&a=%20&c", "application/json", []byte(goldenJSON().body), "https://h/a?b;x/")
	f.Add("/%zz", "", "application/x-www-form-urlencoded", []byte("a=%E4%BD%A0&b=+&c"), "/x")
	f.Add("/", "?", "", []byte(`{"a":[1e6,{"b":"\ud83d\ude00/<>\u00e4"},-0.0,null,true]}`), "")
	f.Add("/", "?", "application/json", []byte("\"\\\"\""), ";")
	f.Fuzz(func(t *testing.T, path, query, contentType string, body []byte, callbackURL string) {
		h := goldenForm().header
		h.Set("Content-Type", contentType)
		c := Capture{Path: path, Query: callback.Query{Raw: query}, Header: h, Body: body}
		r := explain1(t, c, Options{URL: callbackURL})
		if r.Verdict == Genuine || r.Verdict == Altered && r.Alterations[0].Proved {
			if !strings.Contains(string(body), "yonghu") {
				t.Fatalf("%+v", r)
			}
		}
		if r.Tried > maxGuesses {
			t.Fatalf("%d guesses", r.Tried)
		}
	})
}
