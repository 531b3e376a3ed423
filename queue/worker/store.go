package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/queue"
	"oss-callback/queue/ossclient"
)

// deniedDelay is when a job comes again that OSS denied.
const deniedDelay = time.Minute

var (
	errGone     = errors.New("object is gone")
	errChanged  = errors.New("object was replaced: the newer upload has its own job")
	errTooBig   = fmt.Errorf("object exceeds %d bytes", maxObject)
	errNoLength = errors.New("OSS did not tell the object's length")
)

// newClient reaches OSS with time limits fit for background work.
func newClient(c config) (*ossclient.Client, error) {
	return ossclient.New(ossclient.Config{
		Endpoint: c.Endpoint, Region: c.Region,
		Transport: ossclient.Transport(ossclient.Timeouts{
			Dial: 5 * time.Second, TLS: 5 * time.Second, Header: 20 * time.Second, Idle: time.Minute,
		}),
	})
}

// store is OSS, with the few operations the work needs. Errors that a further attempt cannot cure are queue.Permanent; faults of
// OSS or of the network, refused credentials too, are plain and worth another try. Every call is bounded by its context.
type store struct {
	client *ossclient.Client
	keys   ossclient.Credentials
	memory *memory
}

func (s *store) bucket(name string) (*oss.Bucket, error) {
	b, err := s.client.Bucket(s.keys, name)
	return b, queue.Permanent(err)
}

// exists reports whether there is an object.
func (s *store) exists(ctx context.Context, bucket, key string) (bool, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return false, err
	}
	found, err := b.IsObjectExist(key, oss.WithContext(ctx))
	if status, _ := ossclient.Status(err); status == http.StatusForbidden {
		return false, nil // without oss:ListObjects OSS says so of what is not there; create does not overwrite
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", key, err)
	}
	return found, nil
}

// get reads the version of an object that etag names, or whatever is there if it is empty. Its memory is accounted for until
// release is called. It returns errGone, errChanged or errTooBig, as queue.Permanent.
func (s *store) get(ctx context.Context, bucket, key, etag string) (data []byte, release func(), err error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, nil, err
	}
	options := []oss.Option{oss.WithContext(ctx)}
	if etag != "" {
		options = append(options, oss.IfMatch(`"`+etag+`"`))
	}
	answer, err := b.DoGetObject(&oss.GetObjectRequest{ObjectKey: key}, options)
	if err != nil {
		switch status, _ := ossclient.Status(err); status {
		case http.StatusNotFound:
			err = queue.Permanent(fmt.Errorf("%w: %w", errGone, err))
		case http.StatusPreconditionFailed:
			err = queue.Permanent(fmt.Errorf("%w: %w", errChanged, err))
		}
		return nil, nil, fmt.Errorf("read %s: %w", key, notTheJobs(err))
	}
	defer answer.Response.Close()
	data, release, err = s.read(ctx, answer.Response)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", key, err)
	}
	return data, release, nil
}

func (s *store) read(ctx context.Context, r *oss.Response) ([]byte, func(), error) {
	size, err := strconv.ParseInt(r.Headers.Get("Content-Length"), 10, 64)
	switch {
	case err != nil || size < 0:
		return nil, nil, errNoLength
	case size > maxObject:
		return nil, nil, queue.Permanent(errTooBig)
	}
	release, err := s.memory.file(ctx, size)
	if err != nil {
		return nil, nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		release()
		return nil, nil, err
	}
	return data, release, nil
}

// create writes an object unless there is one: of two workers one wins, and for both the work is done.
func (s *store) create(ctx context.Context, bucket, key, contentType string, data []byte) error {
	b, err := s.bucket(bucket)
	if err != nil {
		return err
	}
	err = b.PutObject(key, bytes.NewReader(data), oss.WithContext(ctx), oss.ForbidOverWrite(true), oss.ContentType(contentType))
	if _, code := ossclient.Status(err); code == "FileAlreadyExists" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", key, notTheJobs(err))
	}
	return nil
}

// notTheJobs lets a job that OSS denies come again without using an attempt: rights, keys and clocks are the operator's to mend, and
// no job must die of them.
func notTheJobs(err error) error {
	if status, code := ossclient.Status(err); status != http.StatusForbidden || code == "InvalidObjectState" { // an archived object
		return err
	}
	return fmt.Errorf("%w: grant the worker's key oss:GetObject on the objects and oss:PutObject on %s*, and check the key, its token and "+
		"the clock: %w", err, queue.OutputPrefix, queue.Later(deniedDelay))
}
