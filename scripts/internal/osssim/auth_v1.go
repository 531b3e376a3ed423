package osssim

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// signedV1 tells the query parameters that V1 signs; it ignores all others.
// See https://help.aliyun.com/zh/oss/developer-reference/include-signatures-in-the-authorization-header
func signedV1(parameter string) bool {
	switch parameter {
	case "acl", "uploads", "location", "cors", "logging", "website", "referer", "lifecycle", "delete", "append", "tagging", "objectMeta",
		"uploadId", "partNumber", "security-token", "position", "img", "style", "styleName", "replication", "replicationProgress",
		"replicationLocation", "cname", "bucketInfo", "comp", "qos", "live", "status", "vod", "startTime", "endTime", "symlink",
		"x-oss-process", "x-oss-traffic-limit", "x-oss-request-payer", "response-content-type", "response-content-language",
		"response-expires", "response-cache-control", "response-content-disposition", "response-content-encoding", "restore",
		"callback", "callback-var", "policy", "stat", "encryption", "versions", "versioning", "versionId", "requestPayment",
		"sequential", "inventory", "inventoryId", "continuation-token", "asyncFetch", "worm", "wormId", "wormExtend",
		"withHashContext", "x-oss-enable-md5", "x-oss-enable-sha1", "x-oss-enable-sha256", "transferAcceleration", "regionList",
		"cloudboxes", "x-oss-ac-source-ip", "x-oss-ac-subnet-mask", "x-oss-ac-vpc-id", "x-oss-ac-forward-allow", "metaQuery",
		"resourceGroup", "rtc", "x-oss-async-process":
		return true
	}
	return false
}

// authenticateV1 checks "Authorization: OSS <id>:<Base64 HMAC-SHA1>".
func (s *Server) authenticateV1(c *call, authorization string) error {
	id, signature, ok := strings.Cut(strings.TrimPrefix(authorization, "OSS "), ":")
	if !ok {
		return errInvalidArgument("Authorization header is invalid.", "Authorization", "")
	}
	if !same(id, s.cfg.AccessKeyID) {
		return errInvalidAccessKeyID()
	}
	dated := c.r.Header.Get("X-Oss-Date")
	if dated == "" {
		dated = c.r.Header.Get("Date")
	}
	date, err := http.ParseTime(dated)
	if err != nil {
		return errAccessDenied("OSS authentication requires a valid Date.")
	}
	if s.skewed(c, date) {
		return errSkewed()
	}
	return s.matchV1(c, c.r.Header.Get("Date"), signature)
}

// authenticateURLV1 checks ?OSSAccessKeyId=&Expires=&Signature=, where the expiry takes the place of the date.
func (s *Server) authenticateURLV1(c *call) error {
	if !same(c.query.Get("OSSAccessKeyId"), s.cfg.AccessKeyID) {
		return errInvalidAccessKeyID()
	}
	expires, err := strconv.ParseInt(c.query.Get("Expires"), 10, 64)
	if err != nil {
		return errAccessDenied("Invalid date (should be seconds since epoch).")
	}
	if c.now.After(time.Unix(expires, 0)) {
		return errAccessDenied("Request has expired.")
	}
	return s.matchV1(c, c.query.Get("Expires"), c.query.Get("Signature"))
}

func (s *Server) matchV1(c *call, date, signature string) error {
	resource := "/"
	if c.bucket != "" {
		resource += c.bucket + "/" + c.key
	}
	if sub := canonicalQuery(c.query, signedV1, func(s string) string { return s }); sub != "" {
		resource += "?" + sub
	}
	text := c.r.Method + "\n" + c.r.Header.Get("Content-MD5") + "\n" + c.r.Header.Get("Content-Type") + "\n" + date + "\n" +
		canonicalHeaders(c.r, func(name string) bool { return strings.HasPrefix(name, "x-oss-") }) + resource
	if !same(signature, hmacSHA1(s.cfg.AccessKeySecret, text)) {
		return errSignature(text)
	}
	return nil
}

func hmacSHA1(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
