package osssim

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxCORSRules is how many rules a bucket may have.
const maxCORSRules = 20

// corsXML is what the simulator understands of a document. It is stored and given back as it came.
type corsXML struct {
	XMLName      xml.Name   `xml:"CORSConfiguration"`
	Rules        []corsRule `xml:"CORSRule"`
	ResponseVary bool       `xml:"ResponseVary"`
}

type corsRule struct {
	Origins []string `xml:"AllowedOrigin"`
	Methods []string `xml:"AllowedMethod"`
	Headers []string `xml:"AllowedHeader"`
	Expose  []string `xml:"ExposeHeader"`
	MaxAge  []string `xml:"MaxAgeSeconds"`
}

func (s *Server) getCORS(c *call) error {
	document, ok := s.settings.get(c.bucket, "cors")
	if !ok {
		return &apiError{Status: http.StatusNotFound, Code: "NoSuchCORSConfiguration", Message: "The CORS Configuration does not exist.",
			BucketName: c.bucket}
	}
	c.write(http.StatusOK, "application/xml", document)
	return nil
}

func (s *Server) putCORS(c *call) error {
	var doc corsXML
	body, err := c.readXML(maxCORS, &doc)
	if err != nil {
		return err
	}
	if len(doc.Rules) == 0 {
		return errMalformedXML()
	}
	if len(doc.Rules) > maxCORSRules {
		return errInvalidArgument("The number of CORS rules should not exceed allowed limit of 20 rules.", "", "")
	}
	for _, rule := range doc.Rules {
		if err := rule.check(); err != nil {
			return err
		}
	}
	s.settings.put(c.bucket, "cors", body)
	c.write(http.StatusOK, "", nil)
	return nil
}

func (r corsRule) check() error {
	if len(r.Origins) == 0 || len(r.Methods) == 0 || len(r.MaxAge) > 1 {
		return errMalformedXML()
	}
	for _, method := range r.Methods {
		if !slices.Contains([]string{"GET", "PUT", "DELETE", "POST", "HEAD"}, method) {
			return errInvalidArgument("Found unsupported HTTP method in CORS config.", "AllowedMethod", method)
		}
	}
	for _, text := range slices.Concat(r.Origins, r.Headers) {
		if strings.Count(text, "*") > 1 {
			return errInvalidArgument("Only one wildcard is allowed in AllowedOrigin and AllowedHeader.", "", text)
		}
	}
	for _, text := range r.Expose {
		if strings.Contains(text, "*") {
			return errInvalidArgument("ExposeHeader must not hold a wildcard.", "ExposeHeader", text)
		}
	}
	for _, text := range slices.Concat(r.Headers, r.Expose) {
		if text == "" || strings.ContainsAny(text, `<>&'"`) {
			return errInvalidArgument("The header name in CORS config is invalid.", "", text)
		}
	}
	for _, text := range r.MaxAge {
		if n, err := strconv.Atoi(text); err != nil || n < 0 || n > 999_999_999 {
			return errInvalidArgument("MaxAgeSeconds must be an integer between 0 and 999999999.", "MaxAgeSeconds", text)
		}
	}
	return nil
}

// preflight answers what a browser asks before a cross-origin request. Nothing of it is signed.
func (s *Server) preflight(c *call) error {
	origin, method := c.r.Header.Get("Origin"), c.r.Header.Get("Access-Control-Request-Method")
	if origin == "" || method == "" {
		return errInvalidArgument("Insufficient information. Origin and Access-Control-Request-Method headers are needed.", "", "")
	}
	doc, ok := s.corsOf(c.bucket)
	if !ok {
		return errCrossOrigin("CORSResponse: CORS is not enabled for this bucket.")
	}
	headers := splitHeaders(c.r.Header.Values("Access-Control-Request-Headers"))
	rule, ok := doc.match(origin, method, headers)
	if !ok {
		// Spelled as OSS spells it.
		return errCrossOrigin("CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / " +
			"Access-Control-Request-Method or Access-Control-Requet-Headers are not whitelisted by the resource's CORS spec.")
	}
	rule.grant(c.w.Header(), origin, method, headers)
	c.write(http.StatusOK, "", nil)
	return nil
}

// allowCrossOrigin adds to the answer, whatever it will be, what lets the page of an allowed origin read it.
func (s *Server) allowCrossOrigin(c *call) {
	doc, ok := s.corsOf(c.bucket)
	if !ok {
		return
	}
	if doc.ResponseVary {
		c.w.Header().Add("Vary", "Origin")
	}
	origin := c.r.Header.Get("Origin")
	if origin == "" || c.r.Method == http.MethodOptions {
		return
	}
	if rule, ok := doc.match(origin, c.r.Method, nil); ok {
		rule.grant(c.w.Header(), origin, c.r.Method, nil)
	}
}

func (s *Server) corsOf(bucket string) (doc corsXML, ok bool) {
	document, ok := s.settings.get(bucket, "cors")
	return doc, ok && xml.Unmarshal(document, &doc) == nil
}

// match returns the first rule that allows all of it.
func (d corsXML) match(origin, method string, headers []string) (corsRule, bool) {
	i := slices.IndexFunc(d.Rules, func(r corsRule) bool {
		return matchesAny(r.Origins, origin) && slices.Contains(r.Methods, method) &&
			!slices.ContainsFunc(headers, func(h string) bool { return !matchesAny(r.Headers, h) })
	})
	if i < 0 {
		return corsRule{}, false
	}
	return d.Rules[i], true
}

func (r corsRule) grant(h http.Header, origin, method string, headers []string) {
	if slices.Contains(r.Origins, "*") {
		origin = "*"
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", method)
	if len(headers) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(headers, ", "))
	}
	if len(r.Expose) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(r.Expose, ", "))
	}
	if len(r.MaxAge) > 0 {
		h.Set("Access-Control-Max-Age", r.MaxAge[0])
	}
}

// matchesAny does not mind the case; a pattern may hold one "*".
func matchesAny(patterns []string, text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		before, after, wild := strings.Cut(strings.ToLower(pattern), "*")
		if !wild {
			return before == text
		}
		return len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
	})
}

func splitHeaders(values []string) (names []string) {
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

func errCrossOrigin(message string) *apiError {
	return &apiError{Status: http.StatusForbidden, Code: "AccessForbidden", Message: message}
}
