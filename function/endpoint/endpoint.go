// Package endpoint is the order in which a callback is handled, once: verify, ask for the image's facts, enqueue, answer.
// It alone sees all the other packages' values, and it alone decides what the client is told.
package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"oss-callback/function/callback"
	"oss-callback/function/imageinfo"
	"oss-callback/function/trigger"
	"oss-callback/queue"
	"oss-callback/queue/ossclient"
)

// Verifier makes an Upload of a genuine callback: callback.Verifier.
type Verifier interface {
	Verify(context.Context, callback.Request) (callback.Upload, error)
}

// Images asks OSS for an image's facts until the context's deadline, and tells how often it asked: imageinfo.Fetcher.
type Images interface {
	Fetch(ctx context.Context, keys ossclient.Credentials, bucket, object string) (imageinfo.Info, int, error)
}

// Queue publishes a job for the workers, and tells which nsqd has it: queue.Publisher.
type Queue interface {
	Publish(context.Context, queue.Job) (nsqd string, err error)
}

// Outbox keeps jobs that no nsqd took, or all of them: queue.Outbox.
type Outbox interface {
	Put(ctx context.Context, keys ossclient.Credentials, job queue.Job, published int) (queue.Job, error)
}

// Config configures New. All fields but RequireImage, Keys and OwnPrefixes are required; Outbox is not with OutboxOff.
type Config struct {
	Verifier     Verifier
	Images       Images
	Queue        Queue
	Outbox       Outbox
	OutboxMode   OutboxMode
	OwnPrefixes  []string              // of objects that we write ourselves: their callbacks are refused, so that nothing loops
	Budget       time.Duration         // from the moment the gateway got the request to the answer
	RequireImage bool                  // refuse objects that are no images
	Keys         ossclient.Credentials // used where the request brings none
	Logger       *slog.Logger
}

// Endpoint answers callbacks. It is safe for concurrent use.
type Endpoint struct {
	Config
	misconfigured error
}

// New returns an endpoint that works.
func New(c Config) *Endpoint { return &Endpoint{Config: c} }

// Misconfigured returns an endpoint that answers every request "misconfigured": a function that exits, or that fails to start,
// may be shown to OSS as HTTP 200. The cause is logged once, here.
func Misconfigured(cause error, log *slog.Logger) *Endpoint {
	log.Error("misconfigured: every callback will be refused until this is mended", "cause", cause.Error())
	return &Endpoint{Config: Config{Logger: log, Budget: time.Second}, misconfigured: errMisconfigured}
}

// Health answers liveness probes.
func (e *Endpoint) Health() trigger.Response {
	if e.misconfigured != nil {
		return refuse(e.misconfigured)
	}
	return trigger.Response{Status: http.StatusOK, Body: []byte(`{"status":"ok"}`)}
}

// Handle answers one callback in time, whatever hangs or panics. Every answer is a JSON object of at most MaxAnswer bytes, and
// its status is 200 only if the job is queued. It writes one line to the log.
func (e *Endpoint) Handle(ctx context.Context, r trigger.Request) trigger.Response {
	began := time.Now()
	ctx, cancel := context.WithDeadline(ctx, deadline(ctx, began, r.Received, e.Budget))
	defer cancel()
	// The steps all heed ctx. They run apart from the answer all the same, so that a bug in one cannot make it late.
	finished := make(chan record, 1)
	go func() { finished <- e.run(ctx, r) }()
	var rec record
	select {
	case rec = <-finished:
	case <-ctx.Done():
		rec = lastMoment(finished, ctx.Err())
	}
	answer := rec.answer()
	e.log(ctx, r, rec, answer.Status, began)
	return answer
}

// lastMoment lets steps that heed the deadline tell what they were waiting for.
func lastMoment(finished <-chan record, cause error) record {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case rec := <-finished:
		return rec
	case <-timer.C:
		return record{err: cause}
	}
}

// record is what is known of a callback when it is answered.
type record struct {
	upload   callback.Upload
	job      queue.Job
	where    string // the job is now
	attempts int    // at image info
	imageErr error  // why the job has no image, for the log
	err      error
	stages   []stage
}

type stage struct {
	name string
	took time.Duration
}

// run takes the steps. A panic in any of them is an error like others.
func (e *Endpoint) run(ctx context.Context, r trigger.Request) (rec record) {
	defer func() {
		if p := recover(); p != nil {
			rec.err = fmt.Errorf("%w: panic: %v\n%s", errInternal, p, debug.Stack())
		}
	}()
	lap := time.Now()
	done := func(name string) {
		now := time.Now()
		rec.stages = append(rec.stages, stage{name, now.Sub(lap)})
		lap = now
	}
	if rec.err = e.acceptable(r); rec.err != nil {
		return rec
	}

	rec.upload, rec.err = e.Verifier.Verify(ctx, callback.Request{
		Path:   r.Path,
		Query:  callback.Query{Raw: r.RawQuery, Params: r.Params},
		Header: r.Header,
		Body:   r.Body,
	})
	done("verify")
	if rec.err == nil {
		rec.err = e.notOurs(rec.upload)
	}
	if rec.err != nil {
		return rec
	}

	asking, cancel := afterImage.keep(ctx)
	info, attempts, err := e.Images.Fetch(asking, e.keys(r), rec.upload.Bucket, rec.upload.Object)
	cancel()
	done("image")
	rec.attempts, rec.imageErr = attempts, err
	rec.job, rec.err = e.job(rec.upload, info, err, r.ID)
	if rec.err != nil {
		return rec
	}

	rec.where, rec.err = e.enqueue(ctx, e.keys(r), rec.job)
	done("queue")
	return rec
}

// acceptable refuses what is no callback before anything is computed for it.
func (e *Endpoint) acceptable(r trigger.Request) error {
	switch {
	case e.misconfigured != nil:
		return e.misconfigured
	case r.Err != nil:
		return fmt.Errorf("%w: %w", callback.ErrMalformed, r.Err)
	case r.Method != http.MethodPost:
		return fmt.Errorf("%w: OSS sends POST", errMethod)
	}
	return nil
}

// notOurs refuses uploads under the prefixes of thumbnails and outbox, whoever made them.
func (e *Endpoint) notOurs(up callback.Upload) error {
	for _, prefix := range e.OwnPrefixes {
		if strings.HasPrefix(up.Object, prefix) {
			return fmt.Errorf("%w: objects under %s are our own", errOwnObject, prefix)
		}
	}
	return nil
}

func (e *Endpoint) keys(r trigger.Request) ossclient.Credentials {
	if r.Credentials.AccessKeyID != "" {
		return ossclient.Credentials(r.Credentials)
	}
	return e.Keys
}

// job decides what the answer of image info means: a job with or without an image, or a refusal.
func (e *Endpoint) job(up callback.Upload, info imageinfo.Info, err error, fcRequestID string) (queue.Job, error) {
	requestID := up.RequestID
	if requestID == "" {
		requestID = fcRequestID
	}
	job := queue.Job{
		V:         queue.Version,
		ID:        queue.JobID(up.Bucket, up.Object, up.ETag, requestID),
		Bucket:    up.Bucket,
		Object:    up.Object,
		ETag:      up.ETag,
		Size:      up.Size,
		MimeType:  up.MimeType,
		Vars:      up.Vars,
		RequestID: requestID,
		Accepted:  time.Now().UTC().Truncate(time.Millisecond),
	}
	switch {
	case err == nil && up.Size >= 0 && info.Size != up.Size:
		return queue.Job{}, fmt.Errorf("%w: callback says %d bytes, OSS has %d", errChanged, up.Size, info.Size)
	case err == nil:
		job.Size = info.Size
		job.Image = &queue.Image{Format: info.Format, Width: info.Width, Height: info.Height, Orientation: info.Orientation}
	case errors.Is(err, imageinfo.ErrGone):
		return queue.Job{}, err
	case errors.Is(err, imageinfo.ErrNotAnImage):
		if e.RequireImage {
			return queue.Job{}, err
		}
		job.Reason = reasonNotAnImage
	default: // OSS could not be asked, or not in time: the worker looks again
		job.Reason = reasonPending
	}
	return job, nil
}
