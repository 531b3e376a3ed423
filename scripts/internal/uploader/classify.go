package uploader

import (
	"errors"
	"net/http"
	"os"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/diagnose"
)

// classify says what an error of one try means for the next one.
func classify(err error) *Failure {
	f := &Failure{Err: err}
	var (
		service oss.ServiceError
		answer  *answerError
		local   *os.PathError
	)
	switch {
	case errors.As(err, &service):
		f.Evidence = diagnose.Evidence{Status: service.StatusCode, Code: service.Code, Message: service.Message, EC: service.Ec, RequestID: service.RequestID}
	case errors.As(err, &answer):
		f.Evidence = diagnose.Read(string(answer.body))
		f.Evidence.Status = answer.status
		if f.Evidence.RequestID == "" {
			f.Evidence.RequestID = answer.header.Get("X-Oss-Request-Id")
		}
	case errors.As(err, new(oss.CRCCheckError)):
		f.Cure, f.Stored = diagnose.Again, diagnose.Unknown // damaged on the way
		return f
	case errors.As(err, &local):
		f.Cure, f.Stored = diagnose.Stop, diagnose.No
		return f
	default: // no answer: the connection, a timeout
		f.Cure, f.Stored = diagnose.Wait, diagnose.Unknown
		return f
	}
	f.Diagnosis, f.Known = diagnose.Find(f.Evidence)
	switch status := f.Evidence.Status; {
	case f.Known:
		f.Cure, f.Stored = f.Diagnosis.Cure, f.Diagnosis.Stored
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		f.Cure, f.Stored = diagnose.Wait, diagnose.No
	default:
		f.Cure, f.Stored = diagnose.Stop, diagnose.No
	}
	if f.CallbackFailed() { // whatever the catalogue says of the words, the status is certain
		f.Stored = diagnose.Yes
	}
	return f
}
