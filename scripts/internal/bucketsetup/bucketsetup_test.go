package bucketsetup

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oss-callback/scripts/internal/osssim"
)

// A user's own documents, with elements that neither the SDK nor this program knows, and with an odd layout.
const (
	ownCORS = "<?xml version=\"1.0\"?>\r\n<CORSConfiguration>\r\n\t<!-- the shop -->\r\n\t<CORSRule>\r\n\t\t<AllowedOrigin>https://shop.example</AllowedOrigin>" +
		"<AllowedMethod>GET</AllowedMethod><Later attr='1'>&lt;kept&gt;</Later>\r\n\t</CORSRule>\r\n\t<ResponseVary>true</ResponseVary>\r\n</CORSConfiguration>"
	ownLifecycle = `<LifecycleConfiguration><Rule><ID>logs</ID><Prefix>logs/</Prefix><Status>Enabled</Status><Expiration><Days>7</Days></Expiration>` +
		`<AtimeBase>1631698332</AtimeBase><Filter><Not><Prefix>logs/keep/</Prefix></Not><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></Filter></Rule>` +
		`<Rule><ID>all</ID><Prefix></Prefix><Status>Enabled</Status><Transition><Days>90</Days><StorageClass>IA</StorageClass></Transition></Rule></LifecycleConfiguration>`
)

func TestApply(t *testing.T) {
	r := newRig(t, nil)
	plan := r.inspect(t)
	if diff := cmp.Diff([]string{"cors add rule 1", "lifecycle add oss-callback-abort-uploads"}, actions(plan)); diff != "" {
		t.Error(diff)
	}
	if ops := r.log.take(); len(ops) != 4 || writes(ops) {
		t.Errorf("a look did %v", ops)
	}
	r.apply(t)
	if ops := r.log.take(); !writes(ops) {
		t.Errorf("nothing written: %v", ops)
	}
	again := r.apply(t)
	if again.Changes() != 0 || writes(r.log.take()) || again.Documents[0].Changed() {
		t.Errorf("the second run did %v", actions(again))
	}
	if len(again.Warnings) != 0 {
		t.Errorf("our own rules are dangerous: %+v", again.Warnings)
	}
	if !r.allows(t, testOrigin, "PUT", "content-type,x-oss-callback,x-oss-security-token") || r.allows(t, "https://evil.example", "PUT", "content-type") {
		t.Error("the rules do not do what they are for")
	}
}

// allows asks as a browser does.
func (r *rig) allows(t *testing.T, origin, method, headers string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, r.Endpoint()+"/"+testBucket+"/k", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", origin)
	request.Header.Set("Access-Control-Request-Method", method)
	request.Header.Set("Access-Control-Request-Headers", headers)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode == 200
}

func TestOwnRulesSurvive(t *testing.T) {
	r := newRig(t, nil)
	if err := r.SetVersioning(testBucket, "Suspended"); err != nil {
		t.Fatal(err)
	}
	r.put(t, corsResource, ownCORS)
	r.put(t, lifecycleResource, ownLifecycle)
	plan := r.apply(t)
	want := []string{"cors keep rule 1", "cors add rule 2", "lifecycle keep logs", "lifecycle keep all", "lifecycle add oss-callback-abort-uploads",
		"lifecycle add " + outboxID}
	if diff := cmp.Diff(want, actions(plan)); diff != "" {
		t.Error(diff)
	}
	for own, of := range map[string]resource{ownCORS: corsResource, ownLifecycle: lifecycleResource} {
		got := r.get(t, of)
		added := ""
		for _, d := range plan.Documents {
			if d.Before == own {
				for _, c := range d.Changes {
					if c.Action == Add {
						added = c.After
						break
					}
				}
			}
		}
		if i := strings.Index(got, added); added == "" || i < 0 {
			t.Errorf("%s was not added to\n%s", added, got)
		} else {
			at := strings.LastIndex(own, "</"+of.child+">") + len("</"+of.child+">")
			if !strings.HasPrefix(got, own[:at]) || !strings.HasSuffix(got, own[at:]) {
				t.Errorf("not byte for byte:\n%q\nbecame\n%q", own, got)
			}
		}
	}
	if again := r.apply(t); again.Changes() != 0 {
		t.Errorf("the second run would %v", actions(again))
	}
}

func TestMoreOrigins(t *testing.T) {
	r := newRig(t, nil)
	r.apply(t)
	other := r.setup.config
	other.Origins = []string{testOrigin, "http://localhost:5173", "https://b.example"}
	setup, err := New(other)
	if err != nil {
		t.Fatal(err)
	}
	r.setup = setup
	plan := r.apply(t)
	if got := plan.Documents[0].Changes[1].Says; got != "http://localhost:5173, https://b.example: PUT, POST, GET, HEAD, DELETE" {
		t.Errorf("added %s", got)
	}
	for _, origin := range other.Origins {
		if !r.allows(t, origin, "POST", "authorization") {
			t.Errorf("%s may not upload", origin)
		}
	}
	if plan := r.apply(t); plan.Changes() != 0 {
		t.Errorf("the second run would %v", actions(plan))
	}
}

func TestDenied(t *testing.T) {
	for operation, action := range map[string]string{"GetBucketVersioning": "oss:GetBucketVersioning", "GetBucketCors": "oss:GetBucketCors",
		"GetBucketLifecycle": "oss:GetBucketLifecycle", "PutBucketCors": "oss:PutBucketCors", "PutBucketLifecycle": "oss:PutBucketLifecycle"} {
		t.Run(operation, func(t *testing.T) {
			r := newRig(t, nil)
			r.Inject(osssim.Fault{Operation: operation, Status: 403, Code: "AccessDenied", Message: "You have no right to access this object because of bucket acl."})
			plan, err := r.setup.Inspect(t.Context())
			if strings.HasPrefix(operation, "Put") {
				if err != nil {
					t.Fatal(err)
				}
				err = r.setup.Apply(t.Context(), plan)
			}
			if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "the key needs "+action+" on acs:oss:*:*:photos") {
				t.Errorf("%v", err)
			}
			if operation == "PutBucketLifecycle" && !strings.Contains(err.Error(), "lifecycle is not written, though cors is") {
				t.Errorf("what is written is not told: %v", err)
			}
		})
	}
	r := newRig(t, nil)
	r.Inject(osssim.Fault{Operation: "GetBucketAcl", Status: 403, Code: "AccessDenied"})
	if plan := r.inspect(t); len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0].Cure, "oss:GetBucketAcl") {
		t.Errorf("%+v", plan.Warnings)
	}
}

func TestRefusals(t *testing.T) {
	t.Run("no bucket", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Bucket = "another" })
		if _, err := r.setup.Inspect(t.Context()); !errors.Is(err, ErrEndpoint) || !strings.Contains(err.Error(), "there is no bucket another") {
			t.Error(err)
		}
	})
	t.Run("wrong region", func(t *testing.T) {
		r := newRig(t, nil)
		r.Inject(osssim.Fault{Status: 403, Code: "AccessDenied", EC: "0003-00001403",
			Message: "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint."})
		if _, err := r.setup.Inspect(t.Context()); !errors.Is(err, ErrEndpoint) || errors.Is(err, ErrDenied) {
			t.Error(err)
		}
	})
	t.Run("wrong key", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Keys.AccessKeySecret = "another-secret" })
		_, err := r.setup.Inspect(t.Context())
		if err == nil || errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "SignatureDoesNotMatch") || strings.Contains(err.Error(), "another-secret") {
			t.Error(err)
		}
	})
	t.Run("written meanwhile", func(t *testing.T) {
		r := newRig(t, nil)
		plan := r.inspect(t)
		r.put(t, corsResource, ownCORS)
		if err := r.setup.Apply(t.Context(), plan); !errors.Is(err, ErrChanged) {
			t.Error(err)
		}
		if got := r.get(t, corsResource); got != ownCORS {
			t.Errorf("overwritten: %s", got)
		}
	})
	t.Run("not shown", func(t *testing.T) {
		r := newRig(t, nil)
		plan := r.inspect(t)
		plan.Documents[0].After = strings.Replace(plan.Documents[0].After, testOrigin, "https://other.example", 1)
		if err := r.setup.Apply(t.Context(), plan); !errors.Is(err, ErrNotShown) {
			t.Error(err)
		}
	})
	t.Run("shown another way", func(t *testing.T) {
		r := newRig(t, nil)
		plan := r.inspect(t)
		plan.Documents[1].After = strings.Replace(plan.Documents[1].After, "<Days>3<", "<Days>4<", 1)
		if err := r.setup.Apply(t.Context(), plan); !errors.Is(err, ErrNotShown) {
			t.Error(err)
		}
	})
	t.Run("OSS hangs", func(t *testing.T) {
		r := newRig(t, nil)
		r.Inject(osssim.Fault{Operation: "GetBucketCors", Hang: true})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := r.setup.Inspect(ctx)
			done <- err
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestSettings(t *testing.T) {
	good := Config{Endpoint: "https://oss-cn-hangzhou.aliyuncs.com", Region: "cn-hangzhou", Bucket: testBucket, OutboxPrefix: ".outbox/"}
	good.Keys.AccessKeyID, good.Keys.AccessKeySecret = "id", "secret"
	for _, origin := range []string{"https://app.example.com", "http://localhost:5173", "https://app.example.com:8443", "http://[::1]:8080"} {
		c := good
		c.Origins = []string{origin}
		if _, err := New(c); err != nil {
			t.Errorf("%s: %v", origin, err)
		}
	}
	for name, c := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"any origin":     {func(c *Config) { c.Origins = []string{"*"} }, "is a pattern"},
		"pattern":        {func(c *Config) { c.Origins = []string{"https://*.example.com"} }, "is a pattern"},
		"slash":          {func(c *Config) { c.Origins = []string{"https://app.example.com/"} }, "is not what browsers send"},
		"no scheme":      {func(c *Config) { c.Origins = []string{"app.example.com"} }, "is not what browsers send"},
		"upper case":     {func(c *Config) { c.Origins = []string{"https://App.example.com"} }, "is not what browsers send"},
		"usual port":     {func(c *Config) { c.Origins = []string{"https://app.example.com:443"} }, "is not what browsers send"},
		"user":           {func(c *Config) { c.Origins = []string{"https://me@app.example.com"} }, "is not what browsers send"},
		"null":           {func(c *Config) { c.Origins = []string{"null"} }, "is not what browsers send"},
		"outbox, root":   {func(c *Config) { c.OutboxPrefix = "/" }, "is no folder"},
		"outbox, none":   {func(c *Config) { c.OutboxPrefix = "" }, "is no folder"},
		"outbox, thumbs": {func(c *Config) { c.OutboxPrefix = "thumbs/jobs/" }, "is no folder"},
		"no key":         {func(c *Config) { c.Keys.AccessKeyID = "" }, "access key"},
		"no region":      {func(c *Config) { c.Region = "" }, "region"},
		"bucket":         {func(c *Config) { c.Bucket = "No_Bucket" }, "bucket"},
	} {
		settings := good
		c.change(&settings)
		if _, err := New(settings); !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
