package doctor

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestSteady has the first callback answered well and later ones not.
func TestSteady(t *testing.T) {
	t.Parallel()
	later := func(fault string) func() behaviour {
		return func() behaviour {
			var n atomic.Int32
			return func(r request) string {
				if r.verified && n.Add(1)%2 == 0 {
					return fault
				}
				return correct(r)
			}
		}
	}
	const page = "<html><body>503 Service Temporarily Unavailable</body></html>"
	for name, c := range map[string]struct {
		behave func() behaviour
		says   string
	}{
		"queue down now and then":   {later(refuse(503, "queue_unavailable")), "NSQD_ADDRS"},
		"one bad server":            {later(refuse(500, "")), "callback 2 of 4 gets 500"},
		"503 of a proxy":            {later(sized(503, page, "")), "callback 2 of 4 gets 503"},
		"crash shown as 200":        {later(crash(request{})), "UnhandledInvocationError"},
		"429":                       {later(refuse(429, "")), "rate limit"},
		"429 of Function Compute":   {later(sized(429, `{}`, "X-Fc-Error-Type: ResourceExhausted\r\n")), "ResourceExhausted"},
		"201 from another version":  {later(refuse(201, "")), "callback 2 of 4 gets 201"},
		"redirect of a bad balance": {later(sized(302, "{}", "Location: /login\r\n")), "callback 2 of 4 gets 302"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := examine(t, withKey(t, start(t, c.behave()).options()))
			if f := finding(report, ruleStatus); f.Verdict != Fail || !strings.Contains(f.Detail+f.Cure, c.says) {
				t.Errorf("want %q%s", c.says, text(report))
			}
		})
	}
	t.Run("some forged ones accepted", func(t *testing.T) {
		t.Parallel()
		var n atomic.Int32
		report := examine(t, start(t, func(r request) string {
			if n.Add(1)%2 == 0 {
				return refuse(200, "")
			}
			return correct(r)
		}, trustOSS).options())
		if f := finding(report, ruleStatus); f.Verdict != Fail || !strings.Contains(f.Detail, "2 of 4 forged callbacks are accepted") {
			t.Error(text(report))
		}
	})
	t.Run("guard against replays", func(t *testing.T) {
		t.Parallel()
		guard := func() behaviour {
			seen := make(chan map[string]bool, 1)
			seen <- map[string]bool{}
			return func(r request) string {
				ids, id := <-seen, r.Header.Get("X-Oss-Request-Id")
				defer func() { ids[id] = r.verified || ids[id]; seen <- ids }()
				if ids[id] {
					return refuse(409, "replayed")
				}
				return correct(r)
			}
		}
		only(t, examine(t, withKey(t, start(t, guard()).options())), Fail)
		o := start(t, guard()).options()
		o.Capture = captured(t, "/oss-callback")
		report := examine(t, o)
		only(t, report, Fail)
		only(t, report, Warn, ruleStatus)
	})
}

// TestForgedVariations lets forged callbacks in that differ from a plain one in what must not matter.
func TestForgedVariations(t *testing.T) {
	t.Parallel()
	admit := func(admits func(request) bool) behaviour {
		return func(r request) string {
			if !r.verified && admits(r) {
				return refuse(200, "")
			}
			return correct(r)
		}
	}
	isJSON := func(r request) bool { return r.Header.Get("Content-Type") == jsonType && r.URL.Path != sample.path }
	fromSample := func(r request) bool { return r.Header.Get("Authorization") == sample.authorization }
	for name, c := range map[string]struct {
		admits func(request) bool
		keyed  bool // seen with a key too
		says   string
	}{
		"JSON":       {isJSON, true, "JSON body"},
		"HTTP/1.0":   {func(r request) bool { return r.ProtoMinor == 0 }, false, "over HTTP/1.0"},
		"other Host": {func(r request) bool { return r.Host != host }, false, "another Host"},
		"big":        {func(r request) bool { return len(r.body) > 64<<10 }, false, "of 70 KB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := examine(t, start(t, admit(c.admits), trustOSS).options())
			if f := finding(report, ruleSignature); f.Verdict != Fail || !strings.Contains(f.Detail, c.says) {
				t.Error(text(report))
			}
			o := start(t, admit(c.admits)).options()
			o.Capture = captured(t, "/oss-callback")
			if report = examine(t, o); finding(report, ruleSignature).Verdict != Fail {
				t.Error("with a capture", text(report))
			}
			if report = examine(t, withKey(t, start(t, admit(c.admits)).options())); c.keyed && finding(report, ruleSignature).Verdict != Fail {
				t.Error("with a key", text(report))
			}
		})
	}
	for name, admits := range map[string]func(request) bool{
		"forged only":  func(r request) bool { return fromSample(r) && !isJSON(r) },
		"altered only": func(r request) bool { return !fromSample(r) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			only(t, examine(t, withKey(t, start(t, admit(admits)).options())), Fail, ruleSignature)
		})
	}
	t.Run("altered one breaks it", func(t *testing.T) {
		t.Parallel()
		report := examine(t, withKey(t, start(t, func(r request) string {
			if !r.verified {
				return refuse(500, "")
			}
			return correct(r)
		}).options()))
		only(t, report, Fail)
		only(t, report, Warn, ruleSignature)
	})
	t.Run("forged one hangs", func(t *testing.T) {
		t.Parallel()
		o := withKey(t, start(t, func(r request) string {
			if !r.verified && fromSample(r) && !isJSON(r) {
				<-r.gone
			}
			return correct(r)
		}).options())
		o.Timeout = 2 * time.Second
		report := examine(t, o)
		if f := finding(report, ruleStatus); f.Verdict != Fail || !strings.Contains(f.Detail, "a forged callback gets no complete answer in time") {
			t.Error(text(report))
		}
	})
}

// TestLimited has a limiter refuse everything after some requests.
func TestLimited(t *testing.T) {
	t.Parallel()
	const page = "<html><head><title>503 Service Temporarily Unavailable</title></head></html>"
	for _, after := range []int{0, 1, 3, 4, 5, 6, 8, 10} {
		for name, refusal := range map[string]string{
			"429": sized(429, `{"message":"Too many requests"}`, "Retry-After: 60\r\n"), "503": sized(503, page, ""),
		} {
			if after == 0 && name == "503" {
				continue // what is down from the beginning is down
			}
			t.Run(fmt.Sprint(name, " after ", after), func(t *testing.T) {
				t.Parallel()
				limit := func() behaviour {
					var n atomic.Int32
					return func(r request) string {
						if int(n.Add(1)) > after {
							return refusal
						}
						return correct(r)
					}
				}
				s := start(t, limit(), trustOSS)
				report := examine(t, s.options())
				only(t, report, Fail)
				only(t, report, Warn)
				if f := finding(report, ruleBigBody); f.Verdict != Skip || !strings.Contains(f.Detail, fmt.Sprintf("limited after %d requests", after)) {
					t.Error(text(report))
				}
				if n := len(s.requests()); n > after+2 {
					t.Errorf("%d requests", n)
				}
				report = examine(t, withKey(t, start(t, limit()).options()))
				if after < 1+DefaultTries {
					only(t, report, Fail, ruleStatus)
				} else {
					only(t, report, Fail)
				}
				if f := finding(report, ruleSignature); after < 6 && f.Verdict != Skip {
					t.Error(text(report))
				}
			})
		}
	}
	t.Run("503 to JSON bodies only is a fault", func(t *testing.T) {
		t.Parallel()
		report := examine(t, start(t, func(r request) string {
			if r.Header.Get("Content-Type") == jsonType && r.URL.Path != sample.path {
				return sized(503, page, "")
			}
			return correct(r)
		}, trustOSS).options())
		only(t, report, Fail, ruleBodyTypes)
	})
}

// TestLate has some answers come late, and others in time but slowly.
func TestLate(t *testing.T) {
	t.Parallel()
	t.Run("1 of 3", func(t *testing.T) {
		t.Parallel()
		var n atomic.Int32
		o := withKey(t, start(t, func(r request) string {
			if n.Add(1) == 3 {
				<-r.gone
			}
			return correct(r)
		}).options())
		o.Timeout = 3 * time.Second
		report := examine(t, o)
		only(t, report, Fail, ruleWarm)
		if f := finding(report, ruleWarm); !strings.Contains(f.Detail, "1 of 3") {
			t.Errorf("%+v", f)
		}
	})
	t.Run("1 of 3 without an answer", func(t *testing.T) {
		t.Parallel()
		var n atomic.Int32
		report := examine(t, withKey(t, start(t, func(r request) string {
			if n.Add(1) == 3 {
				return ""
			}
			return correct(r)
		}).options()))
		only(t, report, Fail, ruleHTTP11)
	})
	for took, want := range map[time.Duration]Verdict{2 * time.Second: Warn, 1999 * time.Millisecond: Pass} {
		e, err := newExam(Options{URL: "http://" + host})
		if err != nil {
			t.Fatal(err)
		}
		e.judgeCold(took)
		e.judgeWarm([]answer{{}, {took: took}, {}}, 0)
		if cold, warm := e.found[ruleCold], e.found[ruleWarm]; cold.Verdict != want || warm.Verdict != want {
			t.Errorf("%s: %+v, %+v", took, cold, warm)
		}
	}
}

// TestUnended has answers that do not say where they end, over connections that stay open: that is the fault, not the time.
func TestUnended(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		rules  []string
	}{
		"page":         {raw(200, "", "<html>hi</html>"), []string{ruleJSON, ruleLength}},
		"half an JSON": {raw(200, "", `{"status":`), []string{ruleJSON, ruleLength}},
		"chunks":       {raw(200, "Transfer-Encoding: chunked\r\n", "13\r\n{\"status\":\"queued\"}\r\n"), []string{ruleNotChunked}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(request) string { return c.answer }, keepOpen)
			o := withKey(t, s.options())
			o.Timeout = 2 * time.Second
			report := examine(t, o)
			only(t, report, Fail, c.rules...)
			only(t, report, Warn)
			if n := len(s.requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestOwnWords are for refusals whose cause shows.
func TestOwnWords(t *testing.T) {
	t.Parallel()
	always := func(answer string) behaviour { return func(request) string { return answer } }
	fc := func(status int) behaviour { return always(sized(status, `{}`, "X-Fc-Error-Type: FCCommonError\r\n")) }
	for name, c := range map[string]struct {
		behave behaviour
		rule   string
		want   Verdict
		says   []string
	}{
		"login":                     {always(refuse(401, "")), ruleStatus, Skip, []string{"login"}},
		"limit":                     {always(refuse(429, "")), ruleStatus, Skip, []string{"rate limit"}},
		"limit of Function Compute": {always(sized(429, "{}", "X-Fc-Error-Type: ResourceExhausted\r\n")), ruleStatus, Fail, []string{"limit on instances"}},
		"HTTP to nginx's HTTPS":     {always(sized(400, "<html>The plain HTTP request was sent to HTTPS port</html>", "")), ruleStatus, Fail, []string{"https://"}},
		"HTTP to Go's HTTPS":        {always("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"), ruleStatus, Fail, []string{"https://"}},
		"FC refuses":                {fc(403), ruleMethod, Fail, []string{"methods", "anonymous"}},
		"FC knows it not":           {fc(404), ruleMethod, Fail, []string{"no function", "custom domain"}},
		"FC fails":                  {fc(500), ruleStatus, Fail, []string{"FCCommonError"}},
		"hidden":                    {always(refuse(404, "")), ruleMethod, Fail, []string{"or it hides", "--capture"}},
		"not implemented":           {always(refuse(501, "")), ruleMethod, Fail, []string{"route POST"}},
		"gzip":                      {always(sized(403, "\x1f\x8b\x08\x00", "Content-Encoding: gzip\r\n")), ruleJSON, Fail, []string{"gzip", "compression off"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := examine(t, start(t, c.behave).options())
			f := finding(report, c.rule)
			for _, says := range c.says {
				if f.Verdict != c.want || !strings.Contains(f.Detail+f.Cure, says) {
					t.Errorf("%+v, want %s with %q", f, c.want, says)
				}
			}
		})
	}
	t.Run("login, with a key", func(t *testing.T) {
		t.Parallel()
		report := examine(t, withKey(t, start(t, always(refuse(401, ""))).options()))
		only(t, report, Fail, ruleStatus)
		if f := finding(report, ruleStatus); !strings.Contains(f.Cure, "without a login") {
			t.Errorf("%+v", f)
		}
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		report := examine(t, start(t, always(sized(status, "{}", "Location: https://"+host+"/a\r\n"))).options())
		only(t, report, Fail, ruleRedirect)
		if f := finding(report, ruleRedirect); !strings.Contains(f.Detail, fmt.Sprint(status)) || !strings.Contains(f.Cure, "https:// URL") {
			t.Errorf("%+v", f)
		}
	}
	elsewhere := examine(t, start(t, always(sized(302, "{}", "Location: /login\r\n"))).options())
	if f := finding(elsewhere, ruleRedirect); strings.Contains(f.Cure, "https:// URL") {
		t.Errorf("%+v", f)
	}
}

// TestOddRequests looks at what variations look like.
func TestOddRequests(t *testing.T) {
	s := start(t, correct)
	only(t, examine(t, withKey(t, s.options())), Fail)
	var odd, old int
	ids := map[string]bool{}
	for _, r := range s.requests() {
		if id := r.Header.Get("X-Oss-Request-Id"); ids[id] {
			t.Errorf("request id %s twice", id)
		} else {
			ids[id] = true
		}
		if r.ProtoMinor == 0 {
			old++
		}
		if r.Header.Get("X-Oss-Owner") == "" {
			if _, err := time.Parse(http.TimeFormat, r.Header.Get("Date")); err != nil {
				t.Error(err)
			}
			continue
		}
		odd++
		for name, want := range map[string]string{
			"X-Oss-Additional-Headers": "", "X-Oss-Hash-Crc64ecma": "0", "X-Oss-Meta-Doctor": "1", "Eagleeye-Rpcid": "0.1", "Accept": "*/*",
		} {
			if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s %q, want %q", name, got, want)
			}
		}
		if _, err := time.Parse(time.RFC850, r.Header.Get("Date")); err != nil {
			t.Error(err)
		}
	}
	if odd != 1 || old != 1 {
		t.Errorf("%d with odd headers, %d over HTTP/1.0", odd, old)
	}
}

// TestNumbers are promised in the documentation.
func TestNumbers(t *testing.T) {
	if DefaultTimeout != 5*time.Second || DefaultTries != 3 || bigBody != 70<<10 || maxCallback != 5*1024 {
		t.Error("a number has changed")
	}
	for n, want := range map[int]Verdict{1300: Pass, 1301: Warn} {
		var s sheet
		s.size(reply{body: make([]byte, n)})
		if got := s.found[ruleSize].Verdict; got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
	}
}

// TestTimeEndsWithTheAnswer and not with what a server says later over a connection that it leaves open.
func TestTimeEndsWithTheAnswer(t *testing.T) {
	s := start(t, correct)
	o := s.options()
	conn := &idler{}
	o.Dial = func(ctx context.Context, network, _ string) (_ net.Conn, err error) {
		conn.Conn, err = new(net.Dialer).DialContext(ctx, network, s.listener.Addr().String())
		return conn, err
	}
	e, err := newExam(o)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a, err := e.exchange(t.Context(), e.sender.render(e.sender.form()))
	if err != nil || !a.open || len(a.extra) > 0 || conn.idle.IsZero() || a.took > conn.idle.Sub(began) {
		t.Errorf("%v, %+v", err, a)
	}
}

// idler is a connection on which the answer comes with the first read, and 408 with the second.
type idler struct {
	net.Conn
	reads int
	idle  time.Time // when the second read began
}

func (c *idler) Read(p []byte) (int, error) {
	c.reads++
	switch c.reads {
	case 1:
		return copy(p, sized(200, `{"status":"queued"}`, "")), nil
	case 2:
		for c.idle = time.Now(); !time.Now().After(c.idle.Add(10 * time.Millisecond)); {
			runtime.Gosched()
		}
		return copy(p, sized(408, "{}", "")), nil
	default:
		return 0, io.EOF
	}
}
