package osssim

import (
	"encoding/xml"
	"net/http"
	"testing"
)

// FuzzSettings: go test -fuzz FuzzSettings ./scripts/internal/osssim
func FuzzSettings(f *testing.F) {
	f.Add("<CORSConfiguration><CORSRule><AllowedOrigin>https://*.example</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-*</AllowedHeader>"+
		"<MaxAgeSeconds>1</MaxAgeSeconds></CORSRule></CORSConfiguration>", "https://a.example", "PUT", "x-a, ,x-b")
	f.Add("<LifecycleConfiguration>"+rule("a", "a", "<Expiration><Days>1</Days></Expiration>")+rule("b", "ab", "<Transition><Days>1</Days>"+
		"<StorageClass>IA</StorageClass></Transition>")+"</LifecycleConfiguration>", "", "", "")
	f.Fuzz(func(t *testing.T, document, origin, method, headers string) {
		var cors corsXML
		if xml.Unmarshal([]byte(document), &cors) == nil {
			for _, r := range cors.Rules {
				_ = r.check()
			}
			names := splitHeaders([]string{headers})
			if r, ok := cors.match(origin, method, names); ok {
				h := http.Header{}
				if r.grant(h, origin, method, names); h.Get("Access-Control-Allow-Origin") == "" && origin != "" {
					t.Fatalf("allowed, but not said: %v", h)
				}
			}
		}
		var lifecycle lifecycleXML
		if xml.Unmarshal([]byte(document), &lifecycle) == nil {
			for _, r := range lifecycle.Rules {
				if r.check() == nil && r.conflict(r) == nil {
					t.Fatalf("%+v does not conflict with itself", r)
				}
			}
		}
	})
}
