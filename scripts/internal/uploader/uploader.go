// Package uploader uploads one file with a callback as a good client does: it takes 203 for what it is, reads why the callback failed,
// uploads again where that is the cure, waits where waiting helps, and stops at once where neither does.
//
// A callback is made once per upload and never repeated by OSS, so the way to get another one is to upload again. That is harmless with
// this repository's function: the job of the same bytes has the same id.
package uploader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/cenkalti/backoff/v5"

	"oss-callback/scripts/internal/diagnose"
)

// Method is how the bytes travel.
type Method string

// The operations of OSS that make callbacks.
const (
	Auto      Method = "auto"      // Put up to MultipartFrom, Multipart above
	Put       Method = "put"       // PutObject, callback parameters as headers
	Multipart Method = "multipart" // CompleteMultipartUpload, the same
	Post      Method = "post"      // PostObject, a form as browsers send
)

const (
	// MultipartFrom is the size in bytes from which Auto uses parts.
	MultipartFrom = 32 << 20
	// MaxPut is the largest object of one PutObject or PostObject, in bytes.
	MaxPut = 5 << 30
	// callbackWait is how long an answer may take: the 5 s that OSS waits for the endpoint, and ample time to store the object.
	callbackWait = 30 * time.Second
)

// Pauses between tries, before jitter of one half either way.
const (
	firstPause = time.Second
	maxPause   = 30 * time.Second
)

// Config is one upload. Endpoint, keys, Bucket, Key and File are required.
type Config struct {
	Endpoint        string // https://oss-cn-hangzhou.aliyuncs.com; an IP with a port gets path-style requests
	Region          string // cn-hangzhou, for V4 signatures
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // of temporary credentials

	Bucket, Key string
	File        string // path
	Method      Method
	PartSize    int64 // bytes of a part, 100 KiB to 5 GiB; 0 is 8 MiB, more for files of over 10,000 parts

	Callback    string // base64, as x-oss-callback; "" uploads without one
	CallbackVar string // base64, as x-oss-callback-var; not for Post, whose form has a field for each
	// Form makes the URL and the fields of a PostObject form for Post, afresh for each try, since its policy expires.
	Form func() (url string, fields [][2]string, err error)

	Attempts int // tries in all, pauses of 1, 2, 4, … up to 30 s between them; 0 is 5
	// OnRetry is told of a failed try and of the pause before the next one. May be nil.
	OnRetry func(failed *Failure, pause time.Duration)
	// OnProgress is told how many bytes of how many this try has sent. It is called concurrently, and may be nil.
	OnProgress func(sent, total int64)

	sleep     func(context.Context, time.Duration) error // for tests; nil is sleep
	partPause time.Duration                              // the first one between tries of a part; 0 is firstPause
}

// Upload uploads until the callback succeeds, waiting cannot help, the tries are used up, or ctx ends. It returns a *Failure for
// everything that happened once something was sent, the end of ctx included, and other errors for what is wrong with c or its file.
func Upload(ctx context.Context, c Config) (Result, error) {
	u, err := newUpload(c)
	if err != nil {
		return Result{}, err
	}
	defer u.transport.CloseIdleConnections()
	defer func() { u.abort(ctx) }()
	pauses := pauses(firstPause)
	for try := 1; ; try++ {
		result, a, err := u.once(ctx)
		if err == nil {
			result.Tries = try
			return result, nil
		}
		if local, ok := errors.AsType[localError](err); ok && ctx.Err() == nil {
			return Result{}, fmt.Errorf("uploader: %w", local.error)
		}
		f := classify(err, a)
		f.Tries = try
		u.learn(f)
		if ctx.Err() != nil {
			return Result{}, f.interrupted(ctx)
		}
		if (f.Cure != diagnose.Again && f.Cure != diagnose.Wait) || try >= u.Attempts {
			return Result{}, f
		}
		pause := pauses.NextBackOff()
		if f.Cure == diagnose.Again && try == 1 {
			pause = 0
		}
		if u.OnRetry != nil {
			u.OnRetry(f, pause)
		}
		if err := u.sleep(ctx, pause); err != nil {
			return Result{}, f.interrupted(ctx)
		}
	}
}

// sending is called before the request that makes the object.
func (u *upload) sending() { u.sent = true }

// learn puts what one try tells about the object together with what earlier ones told.
func (u *upload) learn(f *Failure) {
	if f.Stored == diagnose.Unknown && !u.sent {
		f.Stored = diagnose.No
	}
	u.stored = u.stored || f.Stored == diagnose.Yes
	u.doubt = u.doubt || f.Stored == diagnose.Unknown
	switch {
	case u.stored:
		f.Stored = diagnose.Yes
	case u.doubt:
		f.Stored = diagnose.Unknown
	}
	u.sent = false
}

// pauses are those between tries, beginning with about first.
func pauses(first time.Duration) *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{InitialInterval: first, MaxInterval: maxPause, Multiplier: 2, RandomizationFactor: 0.5}
	b.Reset()
	return b
}

type upload struct {
	Config
	size  int64
	parts *parts // of a multipart upload under way

	sent      bool // this try got as far as the request that makes the object
	doubt     bool // a try sent that and got no answer
	stored    bool // a try was answered 203
	bucket    *oss.Bucket
	transport *http.Transport
	http      *http.Client
}

func newUpload(c Config) (*upload, error) {
	info, err := os.Stat(c.File)
	if err != nil {
		return nil, fmt.Errorf("uploader: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("uploader: %s is not a regular file", c.File)
	}
	if c.Attempts == 0 {
		c.Attempts = 5
	}
	c.partPause = cmp.Or(c.partPause, firstPause)
	if c.sleep == nil {
		c.sleep = sleep
	}
	if c.Method == Auto || c.Method == "" {
		c.Method = Put
		if info.Size() >= MultipartFrom {
			c.Method = Multipart
		}
	}
	u := &upload{Config: c, size: info.Size()}
	switch {
	case c.Attempts < 0:
		return nil, fmt.Errorf("uploader: %d attempts", c.Attempts)
	case c.Method != Put && c.Method != Multipart && c.Method != Post:
		return nil, fmt.Errorf("uploader: unknown method %q: put, multipart, post or auto", c.Method)
	case c.Method != Multipart && u.size > MaxPut:
		return nil, fmt.Errorf("uploader: %s has %d bytes, one request takes 5 GiB at most: use multipart", c.File, u.size)
	case c.Method == Multipart && u.size == 0:
		return nil, fmt.Errorf("uploader: %s is empty, which multipart cannot upload: use put", c.File)
	case c.Method == Post && c.Form == nil:
		return nil, errors.New("uploader: post needs a form")
	}
	if u.PartSize, err = partSize(c.PartSize, u.size); err != nil {
		return nil, err
	}
	u.transport = newTransport()
	u.http = &http.Client{Transport: recorder{u.transport}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	client, err := oss.New(c.Endpoint, c.AccessKeyID, c.AccessKeySecret, oss.SecurityToken(c.SecurityToken),
		oss.AuthVersion(oss.AuthV4), oss.Region(c.Region), oss.HTTPClient(u.http))
	if err != nil {
		return nil, fmt.Errorf("uploader: %w", err)
	}
	if u.bucket, err = client.Bucket(c.Bucket); err != nil {
		return nil, fmt.Errorf("uploader: bucket: %w", err)
	}
	return u, nil
}

func (u *upload) once(ctx context.Context) (Result, *answer, error) {
	switch u.Method {
	case Multipart:
		return u.multipart(ctx)
	case Post:
		return u.post(ctx)
	}
	return u.put(ctx)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
