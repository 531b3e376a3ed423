package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"oss-callback/function/callback"
	"oss-callback/function/imageinfo"
	"oss-callback/function/trigger"
	"oss-callback/queue"
)

// MaxAnswer bounds every answer, in bytes. OSS takes up to 1 MB, but some of its SDKs lose answers beyond 1.3 kB.
const MaxAnswer = 1 << 10

// Why a queued job has no image.
const (
	reasonPending    = "image_info_pending"
	reasonNotAnImage = "not_an_image"
)

var (
	errMethod        = errors.New("method not allowed")
	errMisconfigured = errors.New("misconfigured")
	errInternal      = errors.New("internal")
	errChanged       = errors.New("object has changed since its upload")
	errOwnObject     = errors.New("object is not an upload")
)

// codes is the one table from an error to what the client is told. The first row that fits counts: specific errors wrap the
// general ones.
var codes = []struct {
	err    error
	code   string
	status int
}{
	{errMisconfigured, "misconfigured", http.StatusServiceUnavailable},
	{errMethod, "method_not_allowed", http.StatusMethodNotAllowed},
	{errInternal, "internal", http.StatusInternalServerError},
	{trigger.ErrTooLarge, "body_too_large", http.StatusRequestEntityTooLarge},
	{callback.ErrBodyTooLarge, "body_too_large", http.StatusRequestEntityTooLarge},
	{callback.ErrMalformed, "malformed_callback", http.StatusBadRequest},
	{callback.ErrUnsigned, "unsigned", http.StatusUnauthorized},
	{callback.ErrUntrustedKeyURL, "untrusted_key_url", http.StatusForbidden},
	{callback.ErrKeyUnavailable, "key_unavailable", http.StatusServiceUnavailable},
	{callback.ErrBadSignature, "bad_signature", http.StatusForbidden},
	{callback.ErrUnsupportedSignatureVersion, "unsupported_signature_version", http.StatusBadRequest},
	{callback.ErrQueryNotRecoverable, "query_not_recoverable", http.StatusBadRequest},
	{callback.ErrBadToken, "bad_token", http.StatusForbidden},
	{callback.ErrTokenExpired, "token_expired", http.StatusForbidden},
	{callback.ErrBucketNotAllowed, "bucket_not_allowed", http.StatusForbidden},
	{errOwnObject, "bucket_not_allowed", http.StatusForbidden},
	{imageinfo.ErrGone, "object_gone", http.StatusNotFound},
	{errChanged, "object_changed", http.StatusConflict},
	{imageinfo.ErrNotAnImage, "not_an_image", http.StatusUnprocessableEntity},
	{queue.ErrUnavailable, "queue_unavailable", http.StatusServiceUnavailable},
	{queue.ErrOutbox, "queue_unavailable", http.StatusServiceUnavailable},
	{context.DeadlineExceeded, "deadline_exceeded", http.StatusServiceUnavailable},
	{context.Canceled, "deadline_exceeded", http.StatusServiceUnavailable}, // the client has left
}

// lookup returns the code and status for an error; what is not in the table is "internal".
func lookup(err error) (code string, status int) {
	for _, row := range codes {
		if errors.Is(err, row.err) {
			return row.code, row.status
		}
	}
	return "internal", http.StatusInternalServerError
}

// answer is what the client is told.
func (rec record) answer() trigger.Response {
	if rec.err != nil {
		return refuse(rec.err)
	}
	type image struct {
		Format string `json:"format"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
	}
	queued := struct {
		Status string `json:"status"`
		Job    string `json:"job"`
		Image  *image `json:"image"`
		Reason string `json:"reason,omitempty"`
	}{Status: "queued", Job: rec.job.ID, Reason: rec.job.Reason}
	if i := rec.job.Image; i != nil {
		queued.Image = &image{i.Format, i.Width, i.Height}
	}
	body, err := json.Marshal(queued)
	if err != nil || len(body) > MaxAnswer {
		return refuse(errInternal)
	}
	return trigger.Response{Status: http.StatusOK, Body: body}
}

func refuse(err error) trigger.Response {
	code, status := lookup(err)
	return trigger.Response{Status: status, Body: []byte(`{"status":"rejected","error":"` + code + `"}`)}
}
