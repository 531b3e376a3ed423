package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"oss-callback/queue"
)

// maxKey is the longest object key that OSS takes, in bytes.
const maxKey = 1023

var errBucketNotAllowed = errors.New("bucket is not in ALLOWED_BUCKETS")

// worker does the work. Jobs share it, and nothing in it belongs to one of them.
type worker struct {
	buckets []string
	store   *store
	memory  *memory
}

// process makes a thumbnail of an uploaded image. THIS IS THE FUNCTION TO REPLACE BY YOUR OWN WORK; its contract is that of
// queue.ProcessFunc: nil is done, queue.Permanent(err) a dead letter, queue.Later(d) not now, any other error another try.
// A job may come twice, even to two workers at once, so look before you work and let the last step be one that only one can win.
func (w *worker) process(ctx context.Context, job queue.Job) error {
	if !slices.Contains(w.buckets, job.Bucket) {
		return queue.Permanent(fmt.Errorf("%w: %s", errBucketNotAllowed, job.Bucket))
	}
	name := thumbnailKey(job)
	if done, err := w.store.exists(ctx, job.Bucket, name); done || err != nil {
		return err
	}
	original, release, err := w.store.get(ctx, job.Bucket, job.Object, job.ETag)
	if err != nil {
		return err
	}
	defer release()
	pixels, err := inspect(original)
	if err != nil {
		return queue.Permanent(err) // the same bytes would fail again
	}
	small, err := w.decode(ctx, original, pixels)
	if err != nil {
		return err
	}
	return w.store.create(ctx, job.Bucket, name, "image/jpeg", small)
}

// decode makes the thumbnail within the memory there is.
func (w *worker) decode(ctx context.Context, original []byte, pixels int64) ([]byte, error) {
	release, err := w.memory.decode(ctx, pixels)
	if err != nil {
		return nil, err
	}
	defer release()
	small, err := thumbnail(original)
	return small, queue.Permanent(err)
}

// thumbnailKey names the thumbnail of one version of one object: a later upload to the same key gets its own. A key that would
// become too long for OSS is replaced by its hash.
func thumbnailKey(job queue.Job) string {
	version := job.ETag
	if version == "" {
		version = job.ID
	}
	key := queue.OutputPrefix + job.Object + "." + version + ".jpg"
	if len(key) > maxKey {
		sum := sha256.Sum256([]byte(job.Object))
		key = queue.OutputPrefix + hex.EncodeToString(sum[:]) + "." + version + ".jpg"
	}
	return key
}
