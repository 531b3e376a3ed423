package uploader

import (
	"context"
	"net/http"
	"os"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func (u *upload) put(ctx context.Context) (Result, error) {
	file, err := os.Open(u.File)
	if err != nil {
		return Result{}, err
	}
	defer file.Close()
	var (
		header http.Header
		reply  []byte
	)
	options := append(u.callbackOptions(ctx, &header, &reply), oss.Progress(progress{u}))
	if err := u.bucket.PutObject(u.Key, file, options...); err != nil {
		return Result{}, err
	}
	return result(header, reply), nil
}

// callbackOptions are those of the request that makes the callback.
func (u *upload) callbackOptions(ctx context.Context, header *http.Header, reply *[]byte) []oss.Option {
	options := []oss.Option{oss.WithContext(ctx), oss.GetResponseHeader(header)}
	if u.Callback != "" {
		options = append(options, oss.Callback(u.Callback), oss.CallbackResult(reply))
	}
	if u.CallbackVar != "" {
		options = append(options, oss.CallbackVar(u.CallbackVar))
	}
	return options
}

func result(header http.Header, reply []byte) Result {
	return Result{Reply: reply, ETag: strings.Trim(header.Get("ETag"), `"`), RequestID: header.Get("X-Oss-Request-Id")}
}

// progress hands the SDK's progress on.
type progress struct{ u *upload }

func (p progress) ProgressChanged(e *oss.ProgressEvent) {
	if p.u.OnProgress != nil {
		p.u.OnProgress(min(e.ConsumedBytes, p.u.size), p.u.size)
	}
}
