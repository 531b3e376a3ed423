package badserver

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"oss-callback/scripts/internal/osssim"
)

// Each answer that comes at once is refused, for the reason it is there for.
func TestFaults(t *testing.T) {
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ec := map[string]string{
		"/html": "0007-00000205", "/bom": "0007-00000205", "/empty": "0007-00000204", "/no-length": "0007-00000204",
		"/chunked": "0007-00000204", "/redirect": "0007-00000203", "/created": "0007-00000203",
	}
	for _, f := range Faults() {
		if f.Path == "/slow" || f.Path == "/silent" { // they are about time; the dev command's test waits for them
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+f.Path, strings.NewReader("bucket=b"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		if resp.TransferEncoding != nil { // net/http keeps it apart
			resp.Header["Transfer-Encoding"] = resp.TransferEncoding
		}
		if v := osssim.Judge(resp.StatusCode, resp.Header, body); v.OK || v.EC != ec[f.Path] {
			t.Errorf("%s: %+v, want %s", f.Path, v, ec[f.Path])
		}
	}
}
