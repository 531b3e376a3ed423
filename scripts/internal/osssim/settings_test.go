package osssim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/google/go-cmp/cmp"
)

func TestLifecycle(t *testing.T) {
	h := start(t, nil)
	client := h.bucket(t).Client
	_, err := client.GetBucketLifecycle(testBucket)
	wantServiceError(t, err, 404, "NoSuchLifecycle")

	document := "<LifecycleConfiguration>\n  <!-- mine -->\n" + rule("a", "logs/", "<Expiration><Days>30</Days></Expiration><Unknown>kept</Unknown>") +
		"\n</LifecycleConfiguration>"
	if err := client.SetBucketLifecycleXml(testBucket, document); err != nil {
		t.Fatal(err)
	}
	if got, err := client.GetBucketLifecycleXml(testBucket); err != nil || got != document {
		t.Errorf("%v: %q", err, got)
	}
	if err := client.SetBucketLifecycle(testBucket, []oss.LifecycleRule{oss.BuildLifecycleRuleByDays("b", "tmp/", true, 3)}); err != nil {
		t.Fatal(err)
	}
	rules, err := client.GetBucketLifecycle(testBucket)
	if err != nil || len(rules.Rules) != 1 || rules.Rules[0].ID != "b" || rules.Rules[0].Expiration.Days != 3 {
		t.Errorf("%v: %+v", err, rules)
	}
	if err := client.DeleteBucketLifecycle(testBucket); err != nil {
		t.Fatal(err)
	}
	_, err = client.GetBucketLifecycle(testBucket)
	wantServiceError(t, err, 404, "NoSuchLifecycle")
}

func rule(id, prefix, actions string) string {
	return "<Rule><ID>" + id + "</ID><Prefix>" + prefix + "</Prefix><Status>Enabled</Status>" + actions + "</Rule>"
}

func TestRefusedLifecycles(t *testing.T) {
	h := start(t, nil)
	client := h.bucket(t).Client
	const expire, abort = "<Expiration><Days>9</Days></Expiration>", "<AbortMultipartUpload><Days>1</Days></AbortMultipartUpload>"
	for name, c := range map[string]struct{ rules, code, ec string }{
		"no rules":             {"", "MalformedXML", ""},
		"broken":               {"<Rule>", "MalformedXML", ""},
		"too many":             {strings.Repeat("<Rule/>", 1001), "InvalidArgument", ""},
		"no status":            {"<Rule><Prefix>a</Prefix>" + expire + "</Rule>", "MalformedXML", ""},
		"two prefixes":         {rule("a", "a</Prefix><Prefix>b", expire), "InvalidArgument", "0014-00000010"},
		"long id":              {rule(strings.Repeat("a", 256), "a", expire), "InvalidArgument", ""},
		"no action":            {rule("a", "a", ""), "InvalidArgument", "0014-00000026"},
		"empty expiration":     {rule("a", "a", "<Expiration/>"), "InvalidArgument", "0014-00000060"},
		"days and date":        {rule("a", "a", "<Expiration><Days>1</Days><CreatedBeforeDate>2026-01-01T00:00:00.000Z</CreatedBeforeDate></Expiration>"), "MalformedXML", ""},
		"zero days":            {rule("a", "a", "<Expiration><Days>0</Days></Expiration>"), "InvalidArgument", ""},
		"not midnight":         {rule("a", "a", "<Expiration><CreatedBeforeDate>2026-01-01T00:00:01.000Z</CreatedBeforeDate></Expiration>"), "InvalidArgument", ""},
		"abort without age":    {rule("a", "a", "<AbortMultipartUpload/>"), "MalformedXML", ""},
		"abort with tag":       {rule("a", "a", "<Tag><Key>k</Key><Value>v</Value></Tag>"+abort), "InvalidArgument", ""},
		"transition, no class": {rule("a", "a", "<Transition><Days>1</Days></Transition>"), "MalformedXML", ""},
		"noncurrent, no days":  {rule("a", "a", "<NoncurrentVersionExpiration/>"), "MalformedXML", ""},
		"same id":              {rule("a", "a", expire) + rule("a", "b", expire), "InvalidArgument", ""},
		"same prefix":          {rule("a", "a", expire) + rule("b", "a", abort), "InvalidArgument", "0014-00000085"},
		"overlap":              {rule("a", "a", expire) + rule("b", "ab", expire), "InvalidArgument", "0014-00000084"},
	} {
		t.Run(name, func(t *testing.T) {
			err := client.SetBucketLifecycleXml(testBucket, "<LifecycleConfiguration>"+c.rules+"</LifecycleConfiguration>")
			if e := wantServiceError(t, err, 400, c.code); e.Ec != c.ec {
				t.Errorf("EC %q, want %q", e.Ec, c.ec)
			}
		})
	}
	for name, rules := range map[string]string{
		"other action": rule("a", "", abort) + rule("b", "ab", expire),
		"other tag":    rule("a", "a", expire) + rule("b", "a", expire+"<Tag><Key>k</Key><Value>v</Value></Tag>"),
	} {
		if err := client.SetBucketLifecycleXml(testBucket, "<LifecycleConfiguration>"+rules+"</LifecycleConfiguration>"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	overlapping := "<LifecycleConfiguration>" + rule("a", "a", expire) + rule("b", "ab", expire) + rule("c", "a", abort) + "</LifecycleConfiguration>"
	if err := client.SetBucketLifecycleXml(testBucket, overlapping, oss.AllowSameActionOverLap(true)); err != nil {
		t.Errorf("with the header: %v", err)
	}
}

func TestVersioningAndACL(t *testing.T) {
	h := start(t, nil)
	client := h.bucket(t).Client
	if got, err := client.GetBucketVersioning(testBucket); err != nil || got.Status != "" {
		t.Errorf("%v: %+v", err, got)
	}
	if got, err := client.GetBucketACL(testBucket); err != nil || got.ACL != "private" {
		t.Errorf("%v: %+v", err, got)
	}
	if h.SetVersioning(testBucket, "Enabled") != nil || h.SetACL(testBucket, "public-read") != nil {
		t.Error("refused")
	}
	if h.SetVersioning(testBucket, "enabled") == nil || h.SetACL(testBucket, "open") == nil {
		t.Error("not refused")
	}
	if got, err := client.GetBucketVersioning(testBucket); err != nil || got.Status != "Enabled" {
		t.Errorf("%v: %+v", err, got)
	}
	if got, err := client.GetBucketACL(testBucket); err != nil || got.ACL != "public-read" {
		t.Errorf("%v: %+v", err, got)
	}
	wantServiceError(t, client.SetBucketVersioning(testBucket, oss.VersioningConfig{Status: "Enabled"}), 501, "NotImplemented")
}

func TestCORSRules(t *testing.T) {
	h := start(t, nil)
	client := h.bucket(t).Client
	_, err := client.GetBucketCORS(testBucket)
	wantServiceError(t, err, 404, "NoSuchCORSConfiguration")
	rules := []oss.CORSRule{{AllowedOrigin: []string{"https://a.example"}, AllowedMethod: []string{"PUT"}, AllowedHeader: []string{"x-oss-*"},
		ExposeHeader: []string{"ETag"}, MaxAgeSeconds: 60}}
	if err := client.SetBucketCORS(testBucket, rules); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetBucketCORS(testBucket)
	if err != nil || len(got.CORSRules) != 1 {
		t.Fatalf("%v: %+v", err, got)
	}
	got.CORSRules[0].XMLName.Local = ""
	if diff := cmp.Diff(rules, got.CORSRules); diff != "" {
		t.Error(diff)
	}
	if err := client.DeleteBucketCORS(testBucket); err != nil {
		t.Fatal(err)
	}
	_, err = client.GetBucketCORS(testBucket)
	wantServiceError(t, err, 404, "NoSuchCORSConfiguration")

	const origin, method = "<AllowedOrigin>https://a.example</AllowedOrigin>", "<AllowedMethod>PUT</AllowedMethod>"
	for name, c := range map[string]struct{ rules, code string }{
		"no rules":        {"", "MalformedXML"},
		"broken":          {"<CORSRule>", "MalformedXML"},
		"trailing":        {"<CORSRule>" + origin + method + "</CORSRule></CORSConfiguration><CORSConfiguration>", "MalformedXML"},
		"no origin":       {"<CORSRule>" + method + "</CORSRule>", "MalformedXML"},
		"no method":       {"<CORSRule>" + origin + "</CORSRule>", "MalformedXML"},
		"method":          {"<CORSRule>" + origin + "<AllowedMethod>PATCH</AllowedMethod></CORSRule>", "InvalidArgument"},
		"two wildcards":   {"<CORSRule><AllowedOrigin>https://*.*</AllowedOrigin>" + method + "</CORSRule>", "InvalidArgument"},
		"exposed pattern": {"<CORSRule>" + origin + method + "<ExposeHeader>x-oss-*</ExposeHeader></CORSRule>", "InvalidArgument"},
		"quoted header":   {"<CORSRule>" + origin + method + "<AllowedHeader>a'b</AllowedHeader></CORSRule>", "InvalidArgument"},
		"age":             {"<CORSRule>" + origin + method + "<MaxAgeSeconds>-1</MaxAgeSeconds></CORSRule>", "InvalidArgument"},
		"too many":        {strings.Repeat("<CORSRule>"+origin+method+"</CORSRule>", 21), "InvalidArgument"},
		"too large":       {strings.Repeat(" ", maxCORS), "EntityTooLarge"},
	} {
		t.Run(name, func(t *testing.T) {
			wantServiceError(t, client.SetBucketCORSXml(testBucket, "<CORSConfiguration>"+c.rules+"</CORSConfiguration>"), 400, c.code)
		})
	}
}

// TestCrossOrigin asks as a browser does: the preflight unsigned, then the request itself.
func TestCrossOrigin(t *testing.T) {
	h := start(t, nil)
	bucket := h.bucket(t)
	ask := func(method string, header ...string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, h.Endpoint()+"/"+testBucket+"/k.txt", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	preflight := []string{"Origin", "https://a.example", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "content-type,x-oss-callback"}
	if r := ask("OPTIONS", preflight...); r.StatusCode != 403 {
		t.Errorf("without rules: %s", r.Status)
	}
	err := bucket.Client.SetBucketCORSXml(testBucket, "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.example</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"+
		"<AllowedHeader>Content-Type</AllowedHeader><AllowedHeader>x-oss-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>"+
		"<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule><ResponseVary>true</ResponseVary></CORSConfiguration>")
	if err != nil {
		t.Fatal(err)
	}
	r := ask("OPTIONS", preflight...)
	for name, want := range map[string]string{"Access-Control-Allow-Origin": "https://a.example", "Access-Control-Allow-Methods": "PUT",
		"Access-Control-Allow-Headers": "content-type, x-oss-callback", "Access-Control-Expose-Headers": "ETag", "Access-Control-Max-Age": "60", "Vary": "Origin"} {
		if got := r.Header.Get(name); r.StatusCode != 200 || got != want {
			t.Errorf("%s, %s = %q, want %q", r.Status, name, got, want)
		}
	}
	for name, change := range map[string][2]string{
		"origin": {"Origin", "https://a.example.org"}, "method": {"Access-Control-Request-Method", "DELETE"}, "header": {"Access-Control-Request-Headers", "x-amz-date"},
	} {
		if r := ask("OPTIONS", append(preflight, change[0], change[1])...); r.StatusCode != 403 || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("other %s: %s", name, r.Status)
		}
	}
	if r := ask("OPTIONS", "Origin", "https://a.example"); r.StatusCode != 400 {
		t.Errorf("without a method: %s", r.Status)
	}
	if r := ask("GET", "Origin", "https://b.org"); r.StatusCode != 403 || r.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("refused for its missing signature, but readable: %s %q", r.Status, r.Header)
	}
	var header http.Header
	if err := bucket.PutObject("k.txt", reader("text"), oss.SetHeader("Origin", "https://a.example"), oss.GetResponseHeader(&header)); err != nil {
		t.Fatal(err)
	}
	if header.Get("Access-Control-Allow-Origin") != "https://a.example" || header.Get("Access-Control-Expose-Headers") != "ETag" {
		t.Errorf("PutObject: %v", header)
	}
	if err := bucket.PutObject("k.txt", reader("text"), oss.SetHeader("Origin", "https://a.org"), oss.GetResponseHeader(&header)); err != nil || header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin: %v %v", err, header)
	}
}
