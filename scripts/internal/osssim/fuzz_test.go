package osssim

import (
	"encoding/json"
	"errors"
	"net/url"
	"testing"
)

// go test ./scripts/internal/osssim -run '^$' -fuzz FuzzSubstitute -fuzztime 30s
func FuzzSubstitute(f *testing.F) {
	f.Add("bucket=${bucket}&object=${object}", "a b/中.jpg")
	f.Add(`{"object":${object},"size":${size}}`, "\"\\\x00\xff")
	f.Add("$x:my_var}", "x")
	f.Add("${${object}}", "${object}")
	f.Fuzz(func(t *testing.T, text, value string) {
		template, err := parseTemplate(text)
		if err != nil {
			if e := new(apiError); !errors.As(err, &e) || e.EC != "0007-00000105" {
				t.Fatalf("error %v", err)
			}
			return
		}
		vars := map[string]variable{"object": {text: value}, "size": {text: "1", number: true}}
		substitute(template, vars, formType, Behaviour{})
		substitute(template, vars, jsonType, Behaviour{})

		// A value reaches the reader of a form and of JSON as it was, whatever is in it.
		alone := []piece{{variable: "object"}}
		if got, err := url.QueryUnescape(string(substitute(alone, vars, formType, Behaviour{}))); err != nil || got != value {
			t.Errorf("form: %q, %v; want %q", got, err, value)
		}
		if quoted := substitute(alone, vars, jsonType, Behaviour{}); !json.Valid(quoted) {
			t.Errorf("json: %q", quoted)
		}
	})
}

// go test ./scripts/internal/osssim -run '^$' -fuzz FuzzParams -fuzztime 30s
func FuzzParams(f *testing.F) {
	f.Add(`{"callbackUrl":"http://example.com/x","callbackBody":"a=${object}"}`, `{"x:a":"1"}`)
	f.Add(`{"callbackUrl":"www.example.com;1.2.3.4:80","callbackBody":"a","callbackSNI":true,"callbackBodyType":"application/json"}`, `{}`)
	f.Add(`{"callbackUrl":"https://[::1]:443/","callbackBody":"$","additionalHeaders":{"a":"b"}}`, `null`)
	f.Fuzz(func(t *testing.T, callback, vars string) {
		check := func(err error) {
			if e := new(apiError); err != nil && !errors.As(err, &e) {
				t.Fatalf("error %v is none of OSS's", err)
			}
		}
		p, err := parseCallback(b64(callback), Behaviour{})
		check(err)
		if (p == nil) == (err == nil) {
			t.Fatalf("parsed %v with error %v", p, err)
		}
		if p != nil && (len(p.targets) == 0 || len(p.targets) > maxTargets || len(p.template) == 0) {
			t.Fatalf("accepted %+v", p)
		}
		_, err = parseCallbackVar(b64(vars))
		check(err)
	})
}
