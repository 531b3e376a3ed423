package fcsim

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// accountID is nobody's.
const accountID = "0000000000000000"

// event is what an HTTP trigger hands to an event function, version "v1".
type event struct {
	Version         string            `json:"version"`
	RawPath         string            `json:"rawPath"` // still percent-encoded
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	Headers         map[string]string `json:"headers"` // canonical names; several values joined with a comma
	// QueryParameters hold decoded values. The raw query, its order and its escaping are lost here, as on FC.
	QueryParameters map[string]string `json:"queryParameters"`
	RequestContext  requestContext    `json:"requestContext"`
}

type requestContext struct {
	AccountID    string      `json:"accountId"`
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         httpContext `json:"http"`
	RequestID    string      `json:"requestId"`
	Time         string      `json:"time"`      // RFC 3339
	TimeEpoch    string      `json:"timeEpoch"` // milliseconds, as a string
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"` // decoded
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

func newEvent(r *http.Request, body []byte, requestID string, arrived time.Time) event {
	domain, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		domain = r.Host
	}
	prefix, _, _ := strings.Cut(domain, ".")
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	text, isBase64 := encodeBody(body)
	return event{
		Version: "v1", RawPath: r.URL.EscapedPath(), Body: text, IsBase64Encoded: isBase64,
		Headers: eventHeaders(r.Header), QueryParameters: joined(r.URL.Query()),
		RequestContext: requestContext{
			AccountID: accountID, DomainName: domain, DomainPrefix: prefix, RequestID: requestID,
			Time: arrived.UTC().Format(time.RFC3339), TimeEpoch: strconv.FormatInt(arrived.UnixMilli(), 10),
			HTTP: httpContext{Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: ip, UserAgent: r.UserAgent()},
		},
	}
}

// encodeBody leaves text as it is. When FC takes a body for binary is not documented; what is no UTF-8 cannot travel otherwise.
func encodeBody(body []byte) (text string, isBase64 bool) {
	if utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

// eventHeaders drops what callers cannot hand to a function. Host is in requestContext.domainName only.
func eventHeaders(h http.Header) map[string]string {
	kept := h.Clone()
	for name := range kept {
		if name == "Connection" || name == "Keep-Alive" || strings.HasPrefix(name, "X-Fc-") {
			delete(kept, name)
		}
	}
	return joined(kept)
}

func joined(m map[string][]string) map[string]string {
	flat := make(map[string]string, len(m))
	for name, values := range m {
		flat[name] = strings.Join(values, ",")
	}
	return flat
}

// newRequestID is shaped like FC's: 1-<8 hex, Unix time>-<8 hex>-<12 hex>.
func newRequestID() string {
	var b [10]byte
	rand.Read(b[:]) // never fails
	random := hex.EncodeToString(b[:])
	return "1-" + strconv.FormatInt(time.Now().Unix(), 16) + "-" + random[:8] + "-" + random[8:]
}
