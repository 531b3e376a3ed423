package endpoint

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"oss-callback/function/imageinfo"
	"oss-callback/function/trigger"
)

// log writes the one line of a callback. Headers, bodies, tokens, keys and credentials never go into it.
func (e *Endpoint) log(ctx context.Context, r trigger.Request, rec record, status int, began time.Time) {
	level := slog.LevelInfo
	attrs := append(make([]slog.Attr, 0, 16), // as many as there are
		slog.String("outcome", "queued"),
		slog.Int("status", status),
	)
	if rec.err != nil {
		code, _ := lookup(rec.err)
		level = slog.LevelWarn
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		attrs = append(attrs[:0],
			slog.String("outcome", "rejected"),
			slog.Int("status", status),
			slog.String("code", code),
			slog.String("cause", rec.err.Error()),
		)
	} else if rec.imageErr != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("reason", rec.job.Reason), slog.String("cause", rec.imageErr.Error()))
	}
	if errors.Is(rec.imageErr, imageinfo.ErrDenied) {
		level = slog.LevelError
		attrs = append(attrs, slog.String("cure", "grant the function's role oss:GetObject on the bucket's objects, and "+
			"oss:ListObjects on the bucket, without which a missing object is denied too; check that OSS_ENDPOINT and OSS_REGION are the bucket's"))
	}
	ossRequestID := rec.upload.RequestID
	if ossRequestID == "" { // refused before its body could be believed
		ossRequestID = r.Header.Get("X-Oss-Request-Id")
	}
	attrs = append(attrs,
		slog.String("oss_request_id", cut(ossRequestID)),
		slog.String("fc_request_id", cut(r.ID)),
		slog.String("bucket", rec.upload.Bucket),
		slog.String("object", rec.upload.Object),
		slog.String("job", rec.job.ID),
		slog.String("queue", rec.where),
		slog.Int("image_attempts", rec.attempts),
	)
	for _, s := range rec.stages {
		attrs = append(attrs, slog.Float64(s.name+"_ms", ms(s.took)))
	}
	if !r.Received.IsZero() {
		attrs = append(attrs, slog.Float64("before_ms", ms(began.Sub(r.Received)))) // gateway and cold start
	}
	attrs = append(attrs, slog.Float64("total_ms", ms(time.Since(began))))
	e.Logger.LogAttrs(ctx, level, "callback", attrs...)
}

// cut keeps what strangers may have chosen from filling the log.
func cut(id string) string { return id[:min(len(id), 64)] }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
