package uploader

import (
	"context"
	"net/http"

	"oss-callback/scripts/internal/diagnose"
)

// Result is a successful upload.
type Result struct {
	Reply     []byte // of the callback endpoint; empty if OSS kept it to itself
	ETag      string
	RequestID string
	Tries     int
}

// Failure is the end of an upload that did not succeed, and of each try on the way.
type Failure struct {
	Evidence  diagnose.Evidence
	Diagnosis diagnose.Diagnosis
	Known     bool // the diagnosis is one
	Cure      diagnose.Cure
	Stored    diagnose.Stored // Yes if any try was answered 203, whatever became of later ones
	Tries     int
	Err       error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// CallbackFailed tells whether this try stored the object and only its callback failed: HTTP 203.
func (f *Failure) CallbackFailed() bool { return f.Evidence.Status == http.StatusNonAuthoritativeInfo }

// interrupted is what is left of a failure when ctx ends the upload.
func (f *Failure) interrupted(ctx context.Context) *Failure {
	return &Failure{Cure: diagnose.Wait, Stored: f.Stored, Tries: f.Tries, Err: ctx.Err()}
}
