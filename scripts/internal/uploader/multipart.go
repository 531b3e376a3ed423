package uploader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"oss-callback/scripts/internal/diagnose"
)

const (
	minPart     = 100 << 10
	maxPart     = 5 << 30
	defaultPart = 8 << 20
	maxParts    = 10_000

	partsAtOnce  = 3
	partTries    = 4
	abortTimeout = 5 * time.Second
)

// partSize is the size of a part: what was asked for, within OSS's limits.
func partSize(asked, size int64) (int64, error) {
	if asked != 0 && (asked < minPart || asked > maxPart) {
		return 0, fmt.Errorf("uploader: a part of %d bytes: OSS takes 100 KiB to 5 GiB", asked)
	}
	part := max(cmp.Or(asked, defaultPart), (size+maxParts-1)/maxParts)
	if part > maxPart {
		return 0, fmt.Errorf("uploader: %d bytes are more than OSS's 48.8 TiB", size)
	}
	return part, nil
}

// parts is a multipart upload under way. It outlives a failed try, so that the next one sends only what is missing.
type parts struct {
	begun oss.InitiateMultipartUploadResult
	sent  []oss.UploadPart // PartNumber 0: missing
}

func (u *upload) multipart(ctx context.Context) (Result, *answer, error) {
	if u.parts == nil {
		began, a := expectAnswer(ctx)
		begun, err := u.bucket.InitiateMultipartUpload(u.Key, oss.WithContext(began), oss.ContentType(u.contentType()))
		if err == nil && begun.UploadID == "" {
			err = errNotOSS
		}
		if err != nil {
			return Result{}, a, err
		}
		begun.Key = u.Key // the answer's XML may have lost a control character of it
		u.parts = &parts{begun, make([]oss.UploadPart, (u.size+u.PartSize-1)/u.PartSize)}
	}
	if a, err := u.sendParts(ctx); err != nil {
		u.forgetIfGone(err, a)
		return Result{}, a, err
	}
	ctx, a := expectAnswer(ctx)
	u.sending()
	_, err := u.bucket.CompleteMultipartUpload(u.parts.begun, u.parts.sent, u.callbackOptions(ctx)...)
	if err == nil {
		var result Result
		if result, err = a.success(u.Callback != ""); err == nil {
			u.parts = nil
			return result, a, nil
		}
	}
	u.forgetIfGone(err, a)
	return Result{}, a, err
}

// forgetIfGone gives the parts up when they are an object already, or gone.
func (u *upload) forgetIfGone(err error, a *answer) {
	if f := classify(err, a); f.CallbackFailed() || f.Evidence.Code == "NoSuchUpload" || errors.Is(err, errNoCallback) {
		u.parts = nil
	}
}

// sendParts sends what is missing, each part with tries of its own, and returns the answer to the first that failed.
func (u *upload) sendParts(ctx context.Context) (*answer, error) {
	file, err := os.Open(u.File)
	if err != nil {
		return &answer{}, localError{err}
	}
	defer file.Close()
	var (
		total  atomic.Int64
		failed atomic.Pointer[answer]
	)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for i := range u.parts.sent {
		offset := int64(i) * u.PartSize
		length := min(u.PartSize, u.size-offset)
		if u.parts.sent[i].PartNumber != 0 {
			total.Add(length)
			continue
		}
		group.Go(func() error {
			part, a, err := u.sendPart(ctx, u.counted(io.NewSectionReader(file, offset, length), &total), i+1)
			if err != nil {
				failed.CompareAndSwap(nil, a)
				return err
			}
			u.parts.sent[i] = part
			return nil
		})
	}
	err = group.Wait()
	return failed.Load(), err
}

func (u *upload) sendPart(ctx context.Context, body *counter, number int) (oss.UploadPart, *answer, error) {
	ctx, a := expectAnswer(ctx)
	part, err := backoff.Retry(ctx, func() (oss.UploadPart, error) {
		body.takeBack()
		*body = *u.counted(io.NewSectionReader(body.r, 0, body.r.Size()), body.total)
		part, err := u.bucket.UploadPart(u.parts.begun, body, body.r.Size(), number, oss.WithContext(ctx))
		if err = errors.Join(body.broken, err); err == nil && part.ETag == "" {
			err = errNotOSS
		}
		if err == nil {
			return part, nil
		}
		if f := classify(err, a); body.broken != nil || f.Cure == diagnose.Stop || f.Cure == diagnose.Again {
			return part, backoff.Permanent(err)
		}
		return part, err
	}, backoff.WithBackOff(pauses(u.partPause)), backoff.WithMaxTries(partTries), backoff.WithMaxElapsedTime(0))
	if err != nil {
		body.takeBack()
	}
	return part, a, err
}

// abort removes the parts of an upload that was begun and not completed: they cost money. It is worth a moment even when ctx is over.
func (u *upload) abort(ctx context.Context) {
	if u.parts == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_ = u.bucket.AbortMultipartUpload(u.parts.begun, oss.WithContext(ctx)) // a lifecycle rule removes what stays
}
