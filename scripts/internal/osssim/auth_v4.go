package osssim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithmV4 = "OSS4-HMAC-SHA256"
	timeV4      = "20060102T150405Z"
	// unsignedPayload is the only value OSS takes for x-oss-content-sha256: V4 never covers the body.
	unsignedPayload = "UNSIGNED-PAYLOAD"
	maxExpiryV4     = 7 * 24 * time.Hour
)

// authenticateV4 checks "Authorization: OSS4-HMAC-SHA256 Credential=…,AdditionalHeaders=…,Signature=…".
// See https://help.aliyun.com/zh/oss/developer-reference/recommend-to-use-signature-version-4
func (s *Server) authenticateV4(c *call, authorization string) error {
	fields := map[string]string{}
	for field := range strings.SplitSeq(strings.TrimPrefix(authorization, algorithmV4+" "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	if c.r.Header.Get("X-Oss-Content-Sha256") != unsignedPayload {
		return errInvalidArgument("The x-oss-content-sha256 header must be UNSIGNED-PAYLOAD.", "x-oss-content-sha256",
			c.r.Header.Get("X-Oss-Content-Sha256"))
	}
	stamp := c.r.Header.Get("X-Oss-Date")
	date, err := time.Parse(timeV4, stamp)
	if stamp == "" {
		stamp = c.r.Header.Get("Date")
		date, err = http.ParseTime(stamp)
	}
	if err != nil {
		return errAccessDenied("OSS authentication requires a valid Date.")
	}
	if s.skewed(c, date) {
		return errSkewed()
	}
	return s.matchV4(c, fields["Credential"], stamp, date, fields["AdditionalHeaders"], fields["Signature"])
}

// authenticateURLV4 checks a presigned URL: everything that a header would hold stands in x-oss-* parameters.
func (s *Server) authenticateURLV4(c *call) error {
	if version := c.query.Get("x-oss-signature-version"); version != algorithmV4 {
		return errInvalidArgument("The signature version is not supported.", "x-oss-signature-version", version)
	}
	stamp := c.query.Get("x-oss-date")
	date, err := time.Parse(timeV4, stamp)
	if err != nil {
		return errInvalidArgument("The x-oss-date parameter is invalid.", "x-oss-date", stamp)
	}
	seconds, err := strconv.ParseInt(c.query.Get("x-oss-expires"), 10, 32)
	expiry := time.Duration(seconds) * time.Second
	if err != nil || expiry <= 0 || expiry > maxExpiryV4 {
		return errInvalidArgument("The x-oss-expires parameter is invalid.", "x-oss-expires", c.query.Get("x-oss-expires"))
	}
	if date.Sub(c.now) > maxSkew {
		return errSkewed()
	}
	if c.now.After(date.Add(expiry)) {
		return errAccessDenied("Request has expired.")
	}
	return s.matchV4(c, c.query.Get("x-oss-credential"), stamp, date, c.query.Get("x-oss-additional-headers"), c.query.Get("x-oss-signature"))
}

func (s *Server) matchV4(c *call, credential, stamp string, date time.Time, additional, signature string) error {
	scope, err := s.scopeV4(credential, date)
	if err != nil {
		return err
	}
	resource := "/"
	if c.bucket != "" {
		resource += c.bucket + "/" + strings.ReplaceAll(percentEncode(c.key), "%2F", "/")
	}
	extra := strings.Split(additional, ";")
	request := c.r.Method + "\n" + resource + "\n" +
		canonicalQuery(c.query, func(name string) bool { return name != "x-oss-signature" }, percentEncode) + "\n" +
		canonicalHeaders(c.r, func(name string) bool {
			return name == "content-md5" || name == "content-type" || strings.HasPrefix(name, "x-oss-") || slices.Contains(extra, name)
		}) + "\n" + additional + "\n" + unsignedPayload
	hashed := sha256.Sum256([]byte(request))
	text := algorithmV4 + "\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(hashed[:])
	if !same(signature, signV4(s.cfg.AccessKeySecret, scope, text)) {
		return errSignature(text)
	}
	return nil
}

// scopeV4 checks "<id>/<day>/<region>/oss/aliyun_v4_request" and returns what follows the id.
func (s *Server) scopeV4(credential string, date time.Time) (string, error) {
	id, scope, _ := strings.Cut(credential, "/")
	if !same(id, s.cfg.AccessKeyID) {
		return "", errInvalidAccessKeyID()
	}
	if scope != date.UTC().Format("20060102")+"/"+s.cfg.Region+"/oss/aliyun_v4_request" {
		return "", errInvalidArgument("The credential's date, region or product is invalid.", "Credential", scope)
	}
	return scope, nil
}

// signV4 signs text with the key derived from the secret and the scope.
func signV4(secret, scope, text string) string {
	key := []byte("aliyun_v4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacSHA256(key, part)
	}
	return hex.EncodeToString(hmacSHA256(key, text))
}

func hmacSHA256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
