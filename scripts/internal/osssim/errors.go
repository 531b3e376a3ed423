package osssim

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxDrain is how much of a request nobody wants is read, so that its client gets to read the answer.
const maxDrain = 128 << 20

// apiError is an answer that OSS gives as an XML Error document.
type apiError struct {
	Status        int
	Code          string
	Message       string
	EC            string
	Key           string
	BucketName    string
	ArgumentName  string
	ArgumentValue string
	StringToSign  string // what the server signed; OSS shows it too, to help its users
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%d %s %s: %s", e.Status, e.Code, e.EC, e.Message)
}

type errorXML struct {
	XMLName       xml.Name `xml:"Error"`
	Code          string   `xml:"Code"`
	Message       string   `xml:"Message"`
	RequestID     string   `xml:"RequestId"`
	HostID        string   `xml:"HostId"`
	Key           string   `xml:"Key,omitempty"`
	BucketName    string   `xml:"BucketName,omitempty"`
	ArgumentName  string   `xml:"ArgumentName,omitempty"`
	ArgumentValue string   `xml:"ArgumentValue,omitempty"`
	StringToSign  string   `xml:"StringToSign,omitempty"`
	EC            string   `xml:"EC,omitempty"`
	RecommendDoc  string   `xml:"RecommendDoc,omitempty"`
}

// writeError sends err; anything but an apiError becomes a bland InternalError.
func (c *call) writeError(err error) {
	e := &apiError{Status: http.StatusInternalServerError, Code: "InternalError", Message: "We encountered an internal error. Please try again."}
	errors.As(err, &e)
	// A client that is still sending would see a broken connection instead of the answer.
	_, _ = io.Copy(io.Discard, io.LimitReader(c.r.Body, maxDrain))

	doc := errorXML{
		Code: e.Code, Message: e.Message, RequestID: c.id, HostID: c.r.Host, Key: e.Key, BucketName: e.BucketName,
		ArgumentName: e.ArgumentName, ArgumentValue: e.ArgumentValue, StringToSign: e.StringToSign, EC: e.EC,
	}
	if e.EC != "" {
		c.w.Header().Set("X-Oss-Ec", e.EC)
		doc.RecommendDoc = "https://api.aliyun.com/troubleshoot?q=" + e.EC
	}
	body := marshalXML(doc)
	if c.r.Method == http.MethodHead { // no body there; SDKs find the document in this header
		c.w.Header().Set("X-Oss-Err", base64.StdEncoding.EncodeToString(body))
	}
	if e.Status == http.StatusNotModified {
		c.w.WriteHeader(e.Status)
		return
	}
	c.write(e.Status, "application/xml", body)
}

// marshalXML renders a document made of plain structs and strings, which cannot fail.
func marshalXML(doc any) []byte {
	body, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("osssim: marshal %T: %v", doc, err))
	}
	return append([]byte(xml.Header), append(body, '\n')...)
}

func notImplemented(c *call) error {
	return &apiError{Status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: "A header or query you provided implies functionality that is not implemented."}
}

func methodNotAllowed(c *call) error {
	return &apiError{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed",
		Message: "The specified method is not allowed against this resource."}
}

func errInvalidArgument(message, name, value string) *apiError {
	return &apiError{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: message, ArgumentName: name, ArgumentValue: value}
}

func errInvalidObjectName() *apiError {
	return &apiError{Status: http.StatusBadRequest, Code: "InvalidObjectName", Message: "The specified object is not valid."}
}

func errEntityTooLarge(max int64) *apiError {
	return &apiError{Status: http.StatusBadRequest, Code: "EntityTooLarge",
		Message: fmt.Sprintf("Your proposed upload exceeds the maximum allowed size of %d bytes.", max)}
}

func errNoSuchBucket(bucket string) *apiError {
	return &apiError{Status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist.",
		EC: "0015-00000101", BucketName: bucket}
}

func errNoSuchKey(key string) *apiError {
	return &apiError{Status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist.", EC: "0026-00000001", Key: key}
}

func errPreconditionFailed() *apiError {
	return &apiError{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed",
		Message: "At least one of the pre-conditions you specified did not hold."}
}

func errAccessDenied(message string) *apiError {
	return &apiError{Status: http.StatusForbidden, Code: "AccessDenied", Message: message}
}

func errInvalidAccessKeyID() *apiError {
	return &apiError{Status: http.StatusForbidden, Code: "InvalidAccessKeyId",
		Message: "The OSS Access Key Id you provided does not exist in our records.", EC: "0002-00000902"}
}

func errSignature(stringToSign string) *apiError {
	return &apiError{Status: http.StatusForbidden, Code: "SignatureDoesNotMatch", EC: "0002-00000040", StringToSign: stringToSign,
		Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
}

func errSkewed() *apiError {
	return &apiError{Status: http.StatusForbidden, Code: "RequestTimeTooSkewed", EC: "0002-00000504",
		Message: "The difference between the request time and the current time is too large."}
}
