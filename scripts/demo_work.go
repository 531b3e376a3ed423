package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the thumbnail's format
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/queue"
	"oss-callback/scripts/internal/picture"
	"oss-callback/scripts/internal/stack"
)

const (
	jobTimeout       = 10 * time.Second
	thumbnailTimeout = 20 * time.Second
	thumbnailPoll    = 50 * time.Millisecond
	maxThumbnail     = 4 << 20
)

// job reads our own copy of the job.
func (d *demo) job(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, jobTimeout, fmt.Errorf("no message within %v", jobTimeout))
	defer cancel()
	body, err := d.stack.NSQ.Receive(ctx, stack.Topic, demoChannel)
	if err != nil {
		return err
	}
	job, err := queue.DecodeJob(body)
	if err != nil {
		return err
	}
	if job.ID != d.answer.Job || job.Object != d.object || job.ETag != d.etag {
		return fmt.Errorf("the message is about another upload: %s", body)
	}
	d.out.step("job", time.Since(d.answered), "as it lay on topic "+stack.Topic, string(body))
	return nil
}

// findThumbnail waits for the worker, then decodes what it wrote and saves it.
func (d *demo) findThumbnail(ctx context.Context) error {
	key := "thumbs/" + d.object + "." + d.etag + ".jpg"
	body, err := d.awaitObject(ctx, key)
	if err != nil {
		return err
	}
	took := time.Since(d.answered)
	img, format, err := image.Decode(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s is no image: %w", key, err)
	}
	size := img.Bounds().Size()
	if size.X >= size.Y || size.Y > picture.SceneHeight {
		return fmt.Errorf("%s is %d x %d: it should stand upright, as the EXIF orientation says", key, size.X, size.Y)
	}
	path, err := save(body)
	if err != nil {
		return err
	}
	d.out.step("thumbnail", took, fmt.Sprintf("made by the worker: %s of %d x %d, %d bytes, at %s/%s", strings.ToUpper(format), size.X, size.Y, len(body), stack.Bucket, key),
		"saved as "+path)
	return nil
}

// awaitObject reads an object as soon as it is there.
func (d *demo) awaitObject(ctx context.Context, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, thumbnailTimeout, fmt.Errorf("the worker did not write it within %v", thumbnailTimeout))
	defer cancel()
	bucket, err := d.stack.Client()
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(thumbnailPoll)
	defer tick.Stop()
	for {
		body, err := read(ctx, bucket, key)
		if err == nil {
			return body, nil
		}
		if fault, ok := errors.AsType[oss.ServiceError](err); ctx.Err() == nil && (!ok || fault.StatusCode != http.StatusNotFound) {
			return nil, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", key, context.Cause(ctx))
		}
	}
}

func read(ctx context.Context, bucket *oss.Bucket, key string) ([]byte, error) {
	r, err := bucket.GetObject(key, oss.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, maxThumbnail+1))
	if err == nil && len(body) > maxThumbnail {
		err = fmt.Errorf("%s is larger than %d bytes", key, maxThumbnail)
	}
	return body, err
}

// save keeps the thumbnail where the user can look at it.
func save(body []byte) (string, error) {
	f, err := os.CreateTemp("", "oss-callback-thumbnail-*.jpg")
	if err != nil {
		return "", err
	}
	_, err = f.Write(body)
	return f.Name(), errors.Join(err, f.Close())
}
