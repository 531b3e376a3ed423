package explain

import (
	"strings"
)

// hint is another source for path and query than the request line.
type hint struct {
	from     string // as a person would say it
	path     string // percent-encoded
	query    string // raw, with "?" if there is one
	pathOnly bool   // says nothing of the query
}

// hintsOf collects them: the callbackUrl, and headers in which proxies keep what they rewrote.
func hintsOf(c Capture, callbackURL string) []hint {
	var hints []hint
	add := func(from, target string) {
		if len(target) > maxTarget {
			return // none that Function Compute would take
		}
		var other Capture
		other.setTarget(target)
		h := hint{from: from, path: other.Path}
		if other.Query.Raw != "" {
			h.query = "?" + other.Query.Raw
		}
		hints = append(hints, h)
	}
	for one := range strings.SplitSeq(callbackURL, ";") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		if !strings.Contains(one, "://") && one[0] != '/' {
			one = "http://" + one // OSS takes URLs without a scheme
		}
		add("callbackUrl", one)
	}
	for _, name := range []string{"X-Original-URI", "X-Original-Url", "X-Rewrite-Url", "X-Forwarded-Uri", "X-Envoy-Original-Path", "X-Request-Uri"} {
		if value := c.Header.Get(name); strings.HasPrefix(value, "/") || strings.Contains(value, "://") {
			add("the header "+name, value)
		}
	}
	for _, name := range []string{"X-Forwarded-Prefix", "X-Script-Name", "X-Forwarded-Path"} {
		prefix := strings.Trim(c.Header.Get(name), "/")
		if prefix == "" || len(prefix) > maxTarget {
			continue
		}
		prefix = "/" + prefix
		if c.Path == "/" {
			hints = append(hints, hint{from: "the header " + name, path: prefix, pathOnly: true})
		}
		hints = append(hints, hint{from: "the header " + name, path: prefix + "/" + strings.TrimLeft(c.Path, "/"), pathOnly: true})
	}
	return hints
}
