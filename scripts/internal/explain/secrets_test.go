package explain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What is said of a capture names parameters and plain words, never values, tokens or credentials.
func TestNoSecretIsSaid(t *testing.T) {
	const secret = "Hunter2Secret"
	const hex = "5f4dcc3b5aa765d61d8327deb882cf99"
	signer := newSigner(t)
	keyed := func(u string) Options { return Options{Key: []byte(signer.PublicKeyPEM()), URL: u} }
	own := func(target string) sent { return signed(t, signer, target, formType, "bucket=b&object=o") }
	five := "/cb?a=1&b=2&c=3&d=4&e=5&f=6&g=7"
	for name, tc := range map[string]struct {
		c    string
		o    Options
		want ID
		says string
	}{
		"bare parameter added":  {own("/cb").with(to("/cb?"+secret)).raw("\n", ""), keyed(""), QueryAdded, "without a value"},
		"value added":           {own("/cb").with(to("/cb?t="+secret)).raw("\n", ""), keyed(""), QueryAdded, `"t"`},
		"one of many added":     {own(five).with(to(five+"&"+secret)).raw("\n", ""), keyed(""), QueryAdded, "without a value"},
		"name that is a value":  {own("/cb").with(to("/cb?"+hex+"=1")).raw("\n", ""), keyed(""), QueryAdded, `"5f4…"`},
		"bare, by the URL":      {own("/cb").with(to("/cb?x&"+secret)).raw("\n", ""), keyed("/cb"), QueryAdded, "without a value"},
		"dropped, by the URL":   {own("/cb?a=1&"+secret).with(to("/cb")).raw("\n", ""), keyed("/cb?a=1&" + secret), QueryDropped, `"a", (one without a value)`},
		"rewritten, by the URL": {own("/cb?a="+secret).with(to("/cb?"+secret)).raw("\n", ""), keyed("/cb?a=" + secret), QueryRewritten, ""},
		"lost and added":        {writeEvent(t, own("/cb").with(to("/cb?"+secret))), keyed(""), QueryAdded, "without a value"},
		"lost and dropped":      {writeEvent(t, own("/cb?a=1&z="+secret).with(to("/cb"))), keyed("/cb?a=1&z=" + secret), QueryDropped, `"a", "z"`},
		"prefix":                {own("/cb").with(to("/"+secret+"Long/cb")).raw("\n", ""), keyed(""), PathPrefixAdded, `"/Hun…"`},
		"hex in the prefix":     {own("/cb").with(to("/v1/"+hex+"/cb")).raw("\n", ""), keyed(""), PathPrefixAdded, `"/v1/5f4…"`},
		"words of a prefix":     {own("/cb").with(to("/upload-callbacks/cb")).raw("\n", ""), keyed(""), PathPrefixAdded, `"/upload-callbacks"`},
		"rewritten path":        {own("/cb/"+hex).with(to("/callback")).raw("\n", ""), keyed("/cb/" + hex), PathRewritten, `"/cb/5f4…"`},
		"credentials beside":    {own("/cb").with(func(s *sent) { s.header.Set("Authorization", s.header.Get("Authorization")+", Bearer "+secret) }).raw("\n", ""), keyed(""), AuthorizationReplaced, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := explain1(t, read1(t, tc.c), tc.o)
			said := fmt.Sprintf("%+v %q", r.Alterations, r.Notes) + r.Summary
			if !slices.Contains(ids(r), tc.want) || !strings.Contains(said, tc.says) {
				t.Errorf("%s %v, which does not say %q: %s", r.Verdict, ids(r), tc.says, said)
			}
			if strings.Contains(said, secret) || strings.Contains(said, hex) {
				t.Errorf("shows a secret: %s", said)
			}
		})
	}
}

// Errors of Read name members and options, not what they hold.
func TestNoSecretInErrors(t *testing.T) {
	for _, input := range []string{
		"curl --user=hunter2 http://h/", "curl --secret-hunter2 http://h/", `{"password":"hunter2"}`, `{"path":"/","secret":"hunter2"}`,
		`{"path":"/hunter2","query":["hunter2"]}`, `{"path":"/","headers":{"a":{"b":"hunter2"}}}`, "curl -%hunter2 http://h/",
		`{"path":"/","headers":{},"body":"hunter2!","isBase64Encoded":true}`, "POST /hunter2 HTTP/1.1\nhunter2\n\n",
	} {
		_, err := Read([]byte(input))
		if err == nil {
			t.Errorf("%q is read", input)
		} else if s := err.Error(); strings.Contains(strings.ReplaceAll(s, "--secret-hunter2", ""), "hunter2") {
			t.Errorf("%q: %s", input, s)
		}
	}
}
