package badserver

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/osssim"
)

// Each answer is refused, for the reason it is there for. OSS is less patient here than 5 s: what is about time stays slower still.
func TestFaults(t *testing.T) {
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	sim, err := osssim.Start(osssim.Config{AccessKeyID: "id", AccessKeySecret: "secret", Buckets: []string{"photos"},
		PublicHosts: []string{s.Addr()}, CallbackTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	client, err := oss.New(sim.Endpoint(), "id", "secret")
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := client.Bucket("photos")
	if err != nil {
		t.Fatal(err)
	}
	messages := map[string]string{
		"/slow": "Cost too long time.", "/silent": "Cost too long time.",
		"/html": "Response body is not valid json format.", "/bom": "Response body is not valid json format.",
		"/empty": "Error Status : 400.User server return invalid conent-length value.", "/no-length": "Error Status : 400.User server missing content-length.",
		"/chunked": "Error Status : 400.User server missing content-length.", "/bad-length": "Error Status : 400.User server return invalid conent-length value.",
		"/too-long": "Error Status : 400.User server return too long content-length value.",
		"/hang-up":  "Error status : -1.OSS can not connect to your callbackUrl, please check it.",
		"/redirect": "Error status : 301.", "/created": "Error status : 201.", "/denied": "Error status : 403.", "/error": "Error status : 500.",
		"/status/404": "Error status : 404.",
	}
	for _, f := range Faults() {
		t.Run(f.Path[1:], func(t *testing.T) {
			t.Parallel()
			callback := base64.StdEncoding.EncodeToString([]byte(`{"callbackUrl":"` + s.URL() + f.Path + `","callbackBody":"a"}`))
			var fault oss.ServiceError
			err := bucket.PutObject("k", strings.NewReader("x"), oss.Callback(callback))
			if !errors.As(err, &fault) || fault.StatusCode != 203 || fault.Code != "CallbackFailed" || fault.Message != messages[f.Path] {
				t.Errorf("%v, want %q", err, messages[f.Path])
			}
		})
	}
}
