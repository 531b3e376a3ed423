package uploader

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/diagnose"
)

// localError is a fault on this side, which no other try mends.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

// errNotOSS is a 200 that OSS cannot have given: a login page, a proxy, another server.
var errNotOSS = errors.New("the answer is not OSS's: it has no x-oss-request-id; a proxy or another server gave it")

// errNoCallback is OSS's own answer where the endpoint's was expected.
var errNoCallback = errors.New("OSS stored the object, and its answer is not the callback endpoint's: no callback was made, or the answer got lost")

// success reads the result off an answer, or says why it is none.
func (a *answer) success(callback bool) (Result, error) {
	result := Result{ETag: strings.Trim(a.header.Get("ETag"), `"`), RequestID: a.header.Get("X-Oss-Request-Id")}
	switch {
	case result.RequestID == "" || a.status != http.StatusOK:
		return Result{}, errNotOSS
	case !callback:
		return result, nil
	case len(a.body) == 0 || strings.Contains(string(a.body[:min(len(a.body), 500)]), "<CompleteMultipartUploadResult"):
		return Result{}, errNoCallback
	}
	result.Reply = a.body
	return result, nil
}

// classify says what a failed try means for the next one.
func classify(err error, a *answer) *Failure {
	f := &Failure{Err: err}
	var crc oss.CRCCheckError
	switch {
	case errors.As(err, &crc): // damaged on the way
		f.Cure, f.Stored = diagnose.Again, diagnose.Unknown
	case errors.Is(err, errNoCallback):
		f.Cure, f.Stored = diagnose.Stop, diagnose.Yes
	case errors.Is(err, errNotOSS):
		f.Cure, f.Stored = diagnose.Stop, diagnose.Unknown
	case a.status != 0:
		f.fromAnswer(a)
	default:
		f.Cure, f.Stored = diagnose.Wait, diagnose.Unknown
		if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "dial" { // a failed look-up is one too
			f.Stored = diagnose.No
		}
	}
	return f
}

func (f *Failure) fromAnswer(a *answer) {
	f.Evidence = diagnose.Read(string(a.body))
	f.Evidence.Status = a.status
	f.Evidence.EC = cmp.Or(f.Evidence.EC, a.header.Get("X-Oss-Ec"))
	f.Evidence.RequestID = cmp.Or(f.Evidence.RequestID, a.header.Get("X-Oss-Request-Id"))
	f.Cure, f.Stored = diagnose.Stop, diagnose.No
	if f.CallbackFailed() {
		f.Stored = diagnose.Yes
	}
	switch {
	case f.Evidence.RequestID != "":
		f.Diagnosis, f.Known = diagnose.Find(f.Evidence)
	case a.status == http.StatusOK:
		f.Err = errNotOSS
	default:
		f.Err = fmt.Errorf("HTTP %d without x-oss-request-id: a proxy or another server answered, not OSS", a.status)
	}
	switch code := f.Evidence.Code; {
	case code == "RequestTimeout": // 400: the body came too slowly
		f.Cure = diagnose.Wait
	case code == "NoSuchUpload": // completed by a try whose answer got lost, or removed by a lifecycle rule
		f.Cure = diagnose.Again
	case f.Known:
		f.Cure = f.Diagnosis.Cure
	case a.status >= http.StatusInternalServerError, a.status == http.StatusTooManyRequests, a.status == http.StatusRequestTimeout:
		f.Cure = diagnose.Wait
	}
}
