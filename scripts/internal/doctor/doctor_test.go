package doctor

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"
)

// TestCorrectEndpoint passes everything with a key, and without one all that can be told without.
func TestCorrectEndpoint(t *testing.T) {
	t.Run("with a key", func(t *testing.T) {
		s := start(t, correct)
		report := examine(t, withKey(t, s.options()))
		only(t, report, Skip, ruleSNI, ruleNoSNI)
		only(t, report, Fail)
		only(t, report, Warn)
		if n := len(s.requests()); n > 12 {
			t.Errorf("%d requests", n)
		}
	})
	t.Run("with nothing", func(t *testing.T) {
		report := examine(t, start(t, correct, trustOSS).options())
		only(t, report, Skip, ruleSNI, ruleNoSNI)
		only(t, report, Fail)
		only(t, report, Warn)
	})
	t.Run("over TLS", func(t *testing.T) {
		certificate, roots := cert(t, host, time.Now().Add(90*24*time.Hour))
		o := withKey(t, start(t, correct, secured(&tls.Config{Certificates: []tls.Certificate{certificate}})).options())
		o.URL, o.RootCAs = "https://"+host+"/oss-callback", roots
		report := examine(t, o)
		for _, verdict := range []Verdict{Skip, Fail, Warn} {
			only(t, report, verdict)
		}
	})
}

// TestBrokenEndpoints break one thing each, and exactly its rule fails.
func TestBrokenEndpoints(t *testing.T) {
	t.Parallel()
	const good = `{"status":"queued"}`
	page := "<html><body>403 Forbidden</body></html>"
	for name, c := range map[string]struct {
		behave  behaviour
		limit   time.Duration
		options []func(*endpoint)
		rule    string
		skipped []string // beside TLS
	}{
		"chunked": {behave: func(r request) string {
			return raw(200, "Transfer-Encoding: chunked\r\n", "13\r\n"+good+"\r\n0\r\n\r\n")
		}, rule: ruleNotChunked, skipped: []string{ruleLength, rulePositive, ruleExact, ruleClose}},
		"byte order mark": {behave: func(r request) string { return sized(200, utf8BOM+good, "") }, rule: ruleBOM},
		"redirect": {behave: func(r request) string { return sized(301, good, "Location: https://"+host+"/oss-callback/\r\n") }, rule: ruleRedirect,
			skipped: []string{ruleMethod, ruleStatus, ruleSignature, ruleJSON, ruleBOM, ruleLength, rulePositive, ruleExact, ruleNotChunked, ruleSize,
				ruleWarm, ruleHTTP10, ruleHTTP11, ruleClose, ruleExtra, ruleBodyTypes, ruleBigBody}},
		"201": {behave: func(r request) string { return sized(201, good, "") }, rule: ruleStatus},
		"204": {behave: func(r request) string { return raw(204, "", "") }, rule: ruleStatus,
			skipped: []string{ruleJSON, ruleBOM, ruleLength, rulePositive, ruleExact, ruleNotChunked, ruleSize, ruleClose}},
		"page for a success": {behave: func(r request) string { return sized(200, page, "") }, rule: ruleJSON},
		"number":             {behave: func(r request) string { return sized(200, "42", "") }, rule: ruleJSON},
		"OK":                 {behave: func(r request) string { return sized(200, "OK", "") }, rule: ruleJSON},
		"length too long":    {behave: func(r request) string { return raw(200, "Content-Length: 99\r\n", good) }, rule: ruleExact},
		"length too long, left open": {behave: func(r request) string { return raw(200, "Content-Length: 99\r\n", good) },
			limit: time.Second, options: []func(*endpoint){keepOpen}, rule: ruleExact,
			skipped: []string{ruleStatus, ruleSignature, ruleWarm, ruleHTTP10, ruleHTTP11, ruleClose, ruleExtra, ruleBodyTypes, ruleBigBody}},
		"length too short": {behave: func(r request) string { return raw(200, "Content-Length: 5\r\n", good) }, rule: ruleExact, skipped: []string{ruleJSON}},
		"length zero": {behave: func(r request) string { return raw(200, "Content-Length: 0\r\n", "") }, rule: rulePositive,
			skipped: []string{ruleJSON, ruleExact}},
		"length twice": {behave: func(r request) string { return sized(200, good, "Content-Length: 19\r\n") }, rule: rulePositive,
			skipped: []string{ruleExact}},
		"length in words": {behave: func(r request) string { return raw(200, "Content-Length: many\r\n", good) }, rule: rulePositive,
			skipped: []string{ruleExact}},
		"no length": {behave: func(r request) string { return raw(200, "", good) }, rule: ruleLength, skipped: []string{rulePositive, ruleExact}},
		"no length, left open": {behave: func(r request) string { return raw(200, "", good) }, limit: 2 * time.Second, options: []func(*endpoint){keepOpen},
			rule: ruleLength, skipped: []string{rulePositive, ruleExact, ruleClose}},
		"too large": {behave: func(r request) string { return sized(200, `{"a":"`+string(make([]byte, maxBody))+`"}`, "") }, rule: ruleSize,
			skipped: []string{ruleJSON, ruleExact}},
		"GET only": {behave: func(r request) string { return sized(405, page, "Allow: GET\r\n") }, rule: ruleMethod,
			skipped: []string{ruleStatus, ruleSignature, ruleJSON, ruleBOM, ruleLength, rulePositive, ruleExact, ruleNotChunked, ruleSize,
				ruleWarm, ruleHTTP10, ruleHTTP11, ruleClose, ruleExtra, ruleBodyTypes, ruleBigBody}},
		"slow": {behave: func(r request) string { <-r.gone; return "" }, limit: time.Second, rule: ruleWarm,
			skipped: []string{ruleRedirect, ruleMethod, ruleStatus, ruleSignature, ruleJSON, ruleBOM, ruleLength, rulePositive, ruleExact,
				ruleNotChunked, ruleSize, ruleCold, ruleHTTP10, ruleHTTP11, ruleClose, ruleExtra, ruleBodyTypes, ruleBigBody}},
		"slow start": {behave: func(r request) string {
			if r.first {
				<-r.gone
			}
			return sized(200, good, "")
		}, limit: 3 * time.Second, rule: ruleCold},
		"no answer": {behave: func(r request) string { return "" }, rule: ruleHTTP11,
			skipped: []string{ruleRedirect, ruleMethod, ruleStatus, ruleSignature, ruleJSON, ruleBOM, ruleLength, rulePositive, ruleExact,
				ruleNotChunked, ruleSize, ruleCold, ruleWarm, ruleHTTP10, ruleClose, ruleExtra, ruleBodyTypes, ruleBigBody}},
		"another protocol": {behave: func(r request) string { return "220 mail.example ESMTP\r\n" }, rule: ruleHTTP11,
			skipped: []string{ruleRedirect, ruleMethod, ruleStatus, ruleSignature, ruleJSON, ruleBOM, ruleLength, rulePositive, ruleExact,
				ruleNotChunked, ruleSize, ruleCold, ruleWarm, ruleHTTP10, ruleClose, ruleExtra, ruleBodyTypes, ruleBigBody}},
		"tracing headers refused": {behave: func(r request) string {
			if r.Header.Get("Eagleeye-Rpcid") != "" {
				return sized(400, good, "")
			}
			return sized(200, good, "")
		}, rule: ruleExtra},
		"JSON body crashes it": {behave: func(r request) string {
			if r.Header.Get("Content-Type") == jsonType {
				return sized(500, good, "")
			}
			return sized(200, good, "")
		}, rule: ruleBodyTypes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Only good callbacks meet the fault, so that the endpoint verifies as it should.
			s := start(t, func(r request) string {
				if !r.verified && r.Method == http.MethodPost && c.rule != ruleRedirect && c.rule != ruleMethod {
					return correct(r)
				}
				return c.behave(r)
			}, c.options...)
			o := withKey(t, s.options())
			if c.limit > 0 {
				o.Timeout = c.limit
			}
			report := examine(t, o)
			only(t, report, Fail, c.rule)
			skipped := map[string]bool{ruleSNI: true, ruleNoSNI: true}
			for _, rule := range c.skipped {
				skipped[rule] = true
			}
			for _, f := range report.Findings {
				if (f.Verdict == Skip) != skipped[f.Rule] {
					t.Errorf("%s: %s, skipped should be %v%s", f.Rule, f.Verdict, skipped[f.Rule], text(report))
				}
			}
		})
	}
}
