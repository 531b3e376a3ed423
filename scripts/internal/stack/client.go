package stack

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// uploadTimeout leaves room for the upload and the 5 s that OSS waits for a callback.
const uploadTimeout = 20 * time.Second

// Client is an ordinary OSS client with V4 signatures, as an uploader's backend has it.
func (s *Stack) Client() (*oss.Bucket, error) {
	client, err := oss.New(s.OSS.Endpoint(), AccessKeyID, AccessKeySecret,
		oss.AuthVersion(oss.AuthV4), oss.Region(Region), oss.HTTPClient(&http.Client{Timeout: uploadTimeout}))
	if err != nil {
		return nil, fmt.Errorf("stack: OSS client: %w", err)
	}
	return client.Bucket(Bucket)
}

// WithCallback are the options that make an upload call url, and put the answer into result.
func WithCallback(ctx context.Context, url, user string, result *[]byte) ([]oss.Option, error) {
	minted, err := Minted(url, user)
	return []oss.Option{oss.WithContext(ctx), oss.Callback(minted.Callback), oss.CallbackVar(minted.CallbackVar), oss.CallbackResult(result)}, err
}
