package osssim

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

// maxSkew is how far a request's own date may be from the server's clock.
const maxSkew = 15 * time.Minute

// authenticate checks the request's signature: V1 or V4, in the Authorization header or in the query. A security token is signed like
// any other header or parameter and otherwise taken as it is.
func (s *Server) authenticate(c *call) error {
	switch authorization := c.r.Header.Get("Authorization"); {
	case strings.HasPrefix(authorization, "OSS4-HMAC-SHA256 "):
		return s.authenticateV4(c, authorization)
	case strings.HasPrefix(authorization, "OSS "):
		return s.authenticateV1(c, authorization)
	case authorization != "":
		return errInvalidArgument("Authorization header is invalid.", "Authorization", "")
	case c.query.Has("x-oss-signature-version"):
		return s.authenticateURLV4(c)
	case c.query.Has("Signature"):
		return s.authenticateURLV1(c)
	}
	anonymous := errAccessDenied("You have no right to access this object because of bucket acl.")
	anonymous.EC = "0003-00000001"
	return anonymous
}

func (s *Server) skewed(c *call, date time.Time) bool {
	return c.now.Sub(date).Abs() > maxSkew
}

// same compares in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// canonicalHeaders renders the headers that take part in a signature, one "name:value\n" each, sorted by lower-case name.
func canonicalHeaders(r *http.Request, signed func(lowerName string) bool) string {
	lines := make([]string, 0, len(r.Header))
	for name, values := range r.Header {
		if lower := strings.ToLower(name); signed(lower) {
			lines = append(lines, lower+":"+strings.TrimSpace(strings.Join(values, ","))+"\n")
		}
	}
	if signed("host") { // net/http keeps it apart
		lines = append(lines, "host:"+r.Host+"\n")
	}
	sort.Slice(lines, func(i, j int) bool { // by name: ':' sorts after '-', so whole lines would not do
		a, _, _ := strings.Cut(lines[i], ":")
		b, _, _ := strings.Cut(lines[j], ":")
		return a < b
	})
	return strings.Join(lines, "")
}

// canonicalQuery renders the signed parameters, sorted, each with encode applied to name and value.
func canonicalQuery(query url.Values, signed func(name string) bool, encode func(string) string) string {
	var pairs [][2]string
	for name, values := range query {
		if signed(name) {
			pairs = append(pairs, [2]string{encode(name), encode(values[0])})
		}
	}
	sort.Slice(pairs, func(i, j int) bool { return pairs[i][0] < pairs[j][0] })
	var b strings.Builder
	for i, pair := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pair[0])
		if pair[1] != "" {
			b.WriteString("=" + pair[1])
		}
	}
	return b.String()
}
