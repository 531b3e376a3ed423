//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/doctor"
	"oss-callback/scripts/internal/fcsim"
)

// TestDoctorOfOurFunction has the endpoint that we ship judged through both doors, as its user would on dev: every rule passes, but for
// those that cannot be judged on this machine.
func TestDoctorOfOurFunction(t *testing.T) {
	for name, args := range map[string][]string{"event": {"dev", "--json"}, "web": {"dev", "--json", "--web"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDevCommand(t, command, args...)
			if err := d.bucket(t).PutObject("cat.jpg", bytes.NewReader(tinyJPEG(t, name)), oss.Callback(d.Callback), oss.CallbackResult(new([]byte))); err != nil {
				t.Fatal(err)
			}
			var callback struct{ CallbackURL string }
			text, err := base64.StdEncoding.DecodeString(d.Callback)
			if err != nil || json.Unmarshal(text, &callback) != nil {
				t.Fatalf("%v: %s", err, text)
			}
			var out, errs bytes.Buffer
			code := run(t.Context(), []string{"scripts", "doctor", "--json", "--local", "--key", d.SigningKey, "--bucket", d.Bucket, "--object", "cat.jpg", callback.CallbackURL},
				environment{stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
			var report doctor.Report
			if err := json.Unmarshal(out.Bytes(), &report); code != 0 || err != nil {
				t.Fatalf("exit status %d, %v\n%s%s", code, err, &out, &errs)
			}
			wantPassed(t, report, "public-address", "dns", "tls-sni", "tls-no-sni")
			d.end(t, syscall.SIGINT)
		})
	}
}

// TestDoctorKnowsOSSsKey: a function with OSS's own key proves by OSS's documented sample that it can verify, and a captured callback is
// accepted again.
func TestDoctorKnowsOSSsKey(t *testing.T) {
	r := newRig(t, 1)
	env := map[string]string{"OUTBOX": "on-failure"}
	for name, url := range r.bothDoors(env) {
		r.queued(url, "captured-"+name+".jpg")
		report, err := doctor.Examine(r.ctx, doctor.Options{URL: url, Capture: r.exchange("captured-" + name + ".jpg").Request, AllowPrivate: true})
		if err != nil {
			t.Fatal(err)
		}
		wantPassed(t, report, "public-address", "dns", "tls-sni", "tls-no-sni")
	}
	settings := r.settings(env)
	settings["OSS_CALLBACK_PUBLIC_KEY"] = ""
	fc, err := fcsim.Start(r.ctx, fcsim.Config{Binary: binaries.Function, Env: settings, Stdout: r.function, Stderr: r.function})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fc.Close() })
	report, err := doctor.Examine(r.ctx, doctor.Options{URL: fc.URL() + "/callback", AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	wantPassed(t, report, "public-address", "dns", "tls-sni", "tls-no-sni", "status")
}

// wantPassed wants every rule passed but those named, which may be skipped.
func wantPassed(t *testing.T, report doctor.Report, skipped ...string) {
	t.Helper()
	if len(report.Findings) != len(doctor.Rules()) {
		t.Errorf("%d findings of %d rules", len(report.Findings), len(doctor.Rules()))
	}
	for _, f := range report.Findings {
		mayBeSkipped := f.Verdict == doctor.Skip && strings.Contains(" "+strings.Join(skipped, " ")+" ", " "+f.Rule+" ")
		if f.Verdict != doctor.Pass && !mayBeSkipped {
			t.Errorf("%s %s: %s %s", f.Verdict, f.Rule, f.Detail, f.Cure)
		}
	}
}
