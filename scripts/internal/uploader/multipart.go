package uploader

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
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
	abortTimeout = 10 * time.Second
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

// multipart sends the parts, each with tries of its own, and completes them with the callback. What it began and could not complete it
// removes: abandoned parts cost money.
func (u *upload) multipart(ctx context.Context) (Result, error) {
	begun, err := u.bucket.InitiateMultipartUpload(u.Key, oss.WithContext(ctx))
	if err != nil {
		return Result{}, err
	}
	parts, err := u.sendParts(ctx, begun)
	if err != nil {
		u.abort(ctx, begun)
		return Result{}, err
	}
	var (
		header http.Header
		reply  []byte
	)
	if _, err := u.bucket.CompleteMultipartUpload(begun, parts, u.callbackOptions(ctx, &header, &reply)...); err != nil {
		if f := classify(err); !f.CallbackFailed() { // after 203 there is nothing left to remove
			u.abort(ctx, begun)
		}
		return Result{}, err
	}
	return result(header, reply), nil
}

func (u *upload) sendParts(ctx context.Context, begun oss.InitiateMultipartUploadResult) ([]oss.UploadPart, error) {
	file, err := os.Open(u.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var sent atomic.Int64
	parts := make([]oss.UploadPart, (u.size+u.PartSize-1)/u.PartSize)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for i := range parts {
		group.Go(func() error {
			offset := int64(i) * u.PartSize
			length := min(u.PartSize, u.size-offset)
			part, err := u.sendPart(ctx, begun, io.NewSectionReader(file, offset, length), i+1)
			if err != nil {
				return err
			}
			parts[i] = part
			if u.OnProgress != nil {
				u.OnProgress(sent.Add(length), u.size)
			}
			return nil
		})
	}
	return parts, group.Wait()
}

func (u *upload) sendPart(ctx context.Context, begun oss.InitiateMultipartUploadResult, body *io.SectionReader, number int) (oss.UploadPart, error) {
	return backoff.Retry(ctx, func() (oss.UploadPart, error) {
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			return oss.UploadPart{}, backoff.Permanent(err)
		}
		part, err := u.bucket.UploadPart(begun, body, body.Size(), number, oss.WithContext(ctx))
		if err != nil && classify(err).Cure == diagnose.Stop {
			return part, backoff.Permanent(err)
		}
		return part, err
	}, backoff.WithMaxTries(partTries), backoff.WithMaxElapsedTime(0))
}

// abort is worth a moment even when ctx is over.
func (u *upload) abort(ctx context.Context, begun oss.InitiateMultipartUploadResult) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_ = u.bucket.AbortMultipartUpload(begun, oss.WithContext(ctx)) // a lifecycle rule removes what stays
}
