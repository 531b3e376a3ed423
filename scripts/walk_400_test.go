//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/diagnose"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/params"
	"oss-callback/scripts/internal/stack"
)

// TestEvery400 walks the EC numbers of parameters that OSS refuses before anything is stored: each is provoked, named by diagnose, and
// refused by params where its settings can say it at all. Run it with -v for the table.
func TestEvery400(t *testing.T) {
	r := newRigWith(t, 0, osssim.Config{})
	r.oss.AllowPublic("127.0.0.1:1")
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	field := func(fields string) string {
		return b64(`{"callbackUrl":"http://127.0.0.1:1/","callbackBody":"a=${object}"` + fields + `}`)
	}
	withURL := func(url string) string { return b64(`{"callbackUrl":"` + url + `","callbackBody":"a"}`) }
	headers := func(pairs string) string { return field(`,"additionalHeaders":` + pairs) }
	var eleven []string
	for i := range 11 {
		eleven = append(eleven, fmt.Sprintf(`"h%d":"v"`, i))
	}
	long := strings.Repeat("x", 4000)

	var table bytes.Buffer
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "\tEC\tOSS says\tdiagnose\tparams")
	for _, c := range []struct {
		ec, id         string
		callback, vars string
		query          string             // parameter that stands in the query too
		spec           func(*params.Spec) // nil: cannot be said
	}{
		{ec: "0001", id: "callback-too-long", callback: b64(long), spec: func(s *params.Spec) { s.CallbackURL += long }},
		{ec: "0002", id: "callback-not-base64", callback: "{}"},
		{ec: "0003", id: "callback-not-json", callback: b64("{")},
		{ec: "0004", id: "url-invalid", callback: withURL("http://example.com:port/"), spec: func(s *params.Spec) { s.CallbackURL = "http://example.com:port/" }},
		{ec: "0005", id: "too-many-urls", callback: withURL(strings.Repeat("http://127.0.0.1:1/;", 6)),
			spec: func(s *params.Spec) { s.CallbackURL = strings.Repeat("http://127.0.0.1:1/;", 6) }},
		{ec: "0007", id: "url-unresolvable", callback: withURL("http://[2001:db8::1]/"), spec: func(s *params.Spec) { s.CallbackURL = "http://[2001:db8::1]/" }},
		{ec: "0008", id: "private-address", callback: withURL("http://192.168.1.1/"), spec: func(s *params.Spec) { s.CallbackURL = "http://192.168.1.1/" }},
		{ec: "0009", id: "host-invalid", callback: field(`,"callbackHost":"a b"`), spec: func(s *params.Spec) { s.Host = "a b" }},
		{ec: "0010", id: "body-invalid", callback: b64(`{"callbackUrl":"http://127.0.0.1:1/","callbackBody":1}`)},
		{ec: "0011", id: "body-empty", callback: b64(`{"callbackUrl":"http://127.0.0.1:1/"}`)},
		{ec: "0012", id: "body-type-invalid", callback: field(`,"callbackBodyType":1`)},
		{ec: "0013", id: "body-type-unsupported", callback: field(`,"callbackBodyType":"text/plain"`), spec: func(s *params.Spec) { s.BodyType = "text/plain" }},
		{ec: "0014", id: "sni-invalid", callback: field(`,"callbackSNI":"true"`)},
		{ec: "0015", id: "stage-invalid", callback: field(`,"callbackStage":1`)},
		{ec: "0016", id: "stage-invalid", callback: field(`,"callbackStage":"x"`)},
		{ec: "0017", id: "failure-action-invalid", callback: field(`,"callbackFailureAction":"x"`)},
		{ec: "0018", id: "signature-version-invalid", callback: field(`,"signatureVersion":1`)},
		{ec: "0021", id: "headers-not-map", callback: headers(`[]`)},
		{ec: "0022", id: "headers-too-many", callback: headers("{" + strings.Join(eleven, ",") + "}")},
		{ec: "0023", id: "headers-name-empty", callback: headers(`{"":"v"}`)},
		{ec: "0024", id: "headers-name-invalid", callback: headers(`{"a b":"v"}`)},
		{ec: "0025", id: "headers-value-invalid", callback: headers(`{"a":"\n"}`)},
		{ec: "0026", id: "headers-name-reserved", callback: headers(`{"x-oss-a":"v"}`)},
		{ec: "0027", id: "both-carriers", callback: field(""), query: "callback"},
		{ec: "0028", id: "both-var-carriers", callback: field(""), vars: b64(`{}`), query: "callback-var"},
		{ec: "0101", id: "var-too-long", callback: field(""), vars: b64(long), spec: func(s *params.Spec) { s.Vars = map[string]string{"x:long": long} }},
		{ec: "0102", id: "var-not-base64", callback: field(""), vars: "{}"},
		{ec: "0103", id: "var-not-json", callback: field(""), vars: b64("{")},
		{ec: "0104", id: "var-not-flat", callback: field(""), vars: b64(`{"x:a":1}`)},
		{ec: "0105", id: "placeholder-syntax", callback: b64(`{"callbackUrl":"http://127.0.0.1:1/","callbackBody":"a=$(object)"}`),
			spec: func(s *params.Spec) { s.Body = "a=$(object)" }},
	} {
		t.Run(c.ec, func(t *testing.T) {
			options := []oss.Option{oss.WithContext(r.ctx), oss.Callback(c.callback)}
			if c.vars != "" {
				options = append(options, oss.CallbackVar(c.vars))
			}
			err := r.putWithQuery(c.query, field(""), options)
			var fault oss.ServiceError
			if !errors.As(err, &fault) || fault.StatusCode != 400 || fault.Code != "InvalidArgument" || fault.Ec != "0007-0000"+c.ec {
				t.Fatalf("OSS says %v", err)
			}
			for what, input := range map[string]string{"body": fault.RawMessage, "exception": err.Error(), "EC": fault.Ec} {
				if d, ok := diagnose.Find(diagnose.Read(input)); !ok || d.ID != c.id || d.Stored != diagnose.No || d.Cure != diagnose.Stop {
					t.Errorf("diagnose says %q of the %s, want %q", d.ID, what, c.id)
				}
			}
			minted := "cannot say it"
			if c.spec != nil {
				spec := params.Spec{CallbackURL: "http://93.184.216.34/", Bucket: stack.Bucket}
				c.spec(&spec)
				refusal, ok := errors.AsType[params.Refusal](second(params.Build(spec)))
				if !ok || refusal.EC != fault.Ec || (refusal.Message != "" && refusal.Message != fault.Message) {
					t.Errorf("params says %+v", refusal)
				}
				minted = "refuses it: " + refusal.Field
			}
			fmt.Fprintf(columns, "ok\t%s\t%s\t%s\t%s\n", c.ec, fault.Message, c.id, minted)
		})
	}
	if keys := r.oss.Keys(stack.Bucket); len(keys) > 0 {
		t.Errorf("stored all the same: %q", keys)
	}
	columns.Flush()
	t.Logf("\n%s", &table)
}

// putWithQuery uploads with a parameter in the query as well, if there is one.
func (r *rig) putWithQuery(name, value string, options []oss.Option) error {
	if name == "" {
		return r.bucket.PutObject("never.txt", strings.NewReader("x"), options...)
	}
	url, err := r.bucket.SignURL("never.txt", oss.HTTPPut, 60, append(options, oss.AddParam(name, value))...)
	if err != nil {
		return err
	}
	return r.bucket.PutObjectWithURL(url, strings.NewReader("x"), options...)
}

func second[T any](_ T, err error) error { return err }

// TestUnknownEC shows what is said of the numbers that no public page explains.
func TestUnknownEC(t *testing.T) {
	r := newRig(t, 0)
	r.oss.AllowPublic("127.0.0.1:1")
	ids := map[string]string{"ec-0006": "unknown-ec-00xx", "ec-0206": "unknown-ec-02xx", "ec-0207": "unknown-ec-02xx", "ec-0208": "unknown-ec-02xx"}
	for _, scenario := range osssim.Scenarios() {
		id, ok := ids[scenario.Name]
		if !ok {
			continue
		}
		r.oss.Provoke(scenario, scenario.Name)
		u := r.upload("http://127.0.0.1:1/", scenario.Name, []byte("x"))
		fault, _ := errors.AsType[oss.ServiceError](u.err)
		if d, ok := diagnose.Find(diagnose.Read(fault.RawMessage)); !ok || d.ID != id || d.Sure != diagnose.Inferred {
			t.Errorf("%s: diagnose says %q of %v", scenario.Name, d.ID, u.err)
		}
		delete(ids, scenario.Name)
	}
	if len(ids) > 0 {
		t.Errorf("not provoked: %v", ids)
	}
}
