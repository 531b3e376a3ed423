package fcsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Values of the header X-Fc-Error-Type for failures of the function itself.
const (
	errorTypeUnhandled = "UnhandledInvocationError"
	errorTypeStart     = "FunctionInitError"
)

// outcome is how an invocation ended: a result, or a failure of the function.
type outcome struct {
	result    []byte
	errorType string // empty for a result
	failure   []byte // JSON {"errorMessage","errorType"}
}

func (o outcome) answer() answer {
	if o.errorType == "" {
		return mapResult(o.result)
	}
	// Pages of FC2 give 502 here; pages of FC3 say that a 2xx may come and that this header tells. With 200 and a JSON body OSS takes
	// a crash for a success, so that is what is simulated: a function that can fail this way must show it here.
	return answer{http.StatusOK, http.Header{"Content-Type": {contentTypeJSON}, "X-Fc-Error-Type": {o.errorType}}, o.failure}
}

func failed(errorType, kind, message string) outcome {
	b, _ := json.Marshal(map[string]string{"errorMessage": message, "errorType": kind}) // strings always marshal
	return outcome{errorType: errorType, failure: b}
}

func exited(errorType string, ran time.Duration) outcome {
	return failed(errorType, errorType, fmt.Sprintf(
		"Process exited unexpectedly before completing request (duration: %dms, maxMemoryUsage: 0.00MB)", ran.Milliseconds()))
}

func timedOut(errorType string, after time.Duration) outcome {
	return failed(errorType, "FunctionTimeoutError", fmt.Sprintf("Function timed out after %v", after))
}

// canceled is never seen by the caller, who has gone.
func canceled() outcome {
	return failed(errorTypeUnhandled, "ClientCanceled", "Invocation canceled by client")
}

// platformError is an answer of FC itself; no instance was asked.
func platformError(status int, code, message string) answer {
	b, _ := json.Marshal(map[string]string{"Code": code, "Message": message})
	return answer{status, http.Header{"Content-Type": {contentTypeJSON}, "X-Fc-Error-Type": {code}}, b}
}

func badResponse(why string) answer {
	return platformError(http.StatusBadGateway, "BadResponse", "the function's response is invalid: "+why)
}

func acquireFailed(err error) answer {
	if errors.Is(err, errNoInstance) {
		return platformError(http.StatusTooManyRequests, "ResourceExhausted", "no instance is free")
	}
	return platformError(http.StatusServiceUnavailable, "ServiceUnavailable", err.Error())
}
