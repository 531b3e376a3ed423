package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/queue"
)

const (
	// maxObject bounds what one job holds of the original, in bytes.
	maxObject = 64 << 20
	// maxErrorBody bounds error answers, which the SDK reads whole.
	maxErrorBody = 64 << 10
)

var (
	errGone    = errors.New("object is gone")
	errChanged = errors.New("object was replaced: the newer upload has its own job")
	errTooBig  = fmt.Errorf("object exceeds %d bytes", maxObject)
)

// store is OSS, with the few operations the work needs. Errors that a further attempt cannot cure are queue.Permanent; faults of
// OSS or of the network, refused credentials too, are plain and worth another try. Every call is bounded by its context.
type store struct{ client *oss.Client }

func newStore(c config) (*store, error) {
	client, err := oss.New(c.Endpoint, c.AccessKeyID, c.AccessKeySecret,
		oss.SecurityToken(c.SecurityToken), oss.AuthVersion(oss.AuthV4), oss.Region(c.Region),
		oss.HTTPClient(&http.Client{
			Transport: cappedErrors{&http.Transport{
				DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
				TLSHandshakeTimeout:   5 * time.Second,
				ResponseHeaderTimeout: 20 * time.Second,
				IdleConnTimeout:       time.Minute,
				MaxIdleConnsPerHost:   c.Concurrency,
				DisableCompression:    true, // the bytes as they are stored
			}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}))
	if err != nil {
		return nil, fmt.Errorf("OSS client: %w", err)
	}
	return &store{client}, nil
}

// exists reports whether there is an object.
func (s *store) exists(ctx context.Context, bucket, key string) (bool, error) {
	b, err := s.client.Bucket(bucket)
	if err != nil {
		return false, queue.Permanent(err)
	}
	found, err := b.IsObjectExist(key, oss.WithContext(ctx))
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", key, err)
	}
	return found, nil
}

// get reads the version of an object that etag names, or whatever is there if it is empty. It returns errGone, errChanged or
// errTooBig, as queue.Permanent.
func (s *store) get(ctx context.Context, bucket, key, etag string) ([]byte, error) {
	b, err := s.client.Bucket(bucket)
	if err != nil {
		return nil, queue.Permanent(err)
	}
	options := []oss.Option{oss.WithContext(ctx)}
	if etag != "" {
		options = append(options, oss.IfMatch(`"`+etag+`"`))
	}
	body, err := b.GetObject(key, options...)
	if err != nil {
		switch fault, _ := errors.AsType[oss.ServiceError](err); fault.StatusCode {
		case http.StatusNotFound:
			err = queue.Permanent(fmt.Errorf("%w: %w", errGone, err))
		case http.StatusPreconditionFailed:
			err = queue.Permanent(fmt.Errorf("%w: %w", errChanged, err))
		}
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxObject+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", key, err)
	case len(data) > maxObject:
		return nil, queue.Permanent(fmt.Errorf("read %s: %w", key, errTooBig))
	}
	return data, nil
}

// create writes an object unless there is one: of two workers one wins, and for both the work is done.
func (s *store) create(ctx context.Context, bucket, key, contentType string, data []byte) error {
	b, err := s.client.Bucket(bucket)
	if err != nil {
		return queue.Permanent(err)
	}
	err = b.PutObject(key, bytes.NewReader(data), oss.WithContext(ctx), oss.ForbidOverWrite(true), oss.ContentType(contentType))
	if fault, _ := errors.AsType[oss.ServiceError](err); fault.Code == "FileAlreadyExists" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// cappedErrors bounds the bodies of answers other than 200.
type cappedErrors struct{ next http.RoundTripper }

func (t cappedErrors) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil && resp.StatusCode != http.StatusOK {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxErrorBody) // says so when there is more
	}
	return resp, err
}
