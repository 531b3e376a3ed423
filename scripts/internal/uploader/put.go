package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func (u *upload) put(ctx context.Context) (Result, *answer, error) {
	file, err := os.Open(u.File)
	if err != nil {
		return Result{}, &answer{}, localError{err}
	}
	defer file.Close()
	ctx, a := expectAnswer(ctx)
	body := u.counted(io.NewSectionReader(file, 0, u.size), new(atomic.Int64))
	u.sending()
	// A LimitedReader is what the SDK takes a length from.
	err = u.bucket.PutObject(u.Key, &io.LimitedReader{R: body, N: u.size}, append(u.callbackOptions(ctx), oss.ContentType(u.contentType()))...)
	if err := errors.Join(body.broken, err); err != nil {
		return Result{}, a, err
	}
	result, err := a.success(u.Callback != "")
	return result, a, err
}

// callbackOptions are those of the request that makes the callback.
func (u *upload) callbackOptions(ctx context.Context) []oss.Option {
	options := []oss.Option{oss.WithContext(ctx)}
	if u.Callback != "" {
		options = append(options, oss.Callback(u.Callback))
	}
	if u.CallbackVar != "" {
		options = append(options, oss.CallbackVar(u.CallbackVar))
	}
	return options
}

// contentType goes by the key's extension in every way of uploading.
func (u *upload) contentType() string {
	if t := oss.TypeByExtension(u.Key); t != "" {
		return t
	}
	return "application/octet-stream"
}

// counter reports what has been read of the file, and notices when that has become shorter.
type counter struct {
	u      *upload
	r      *io.SectionReader
	total  *atomic.Int64 // over all parts
	read   int64
	broken error
}

func (u *upload) counted(r *io.SectionReader, total *atomic.Int64) *counter {
	return &counter{u: u, r: r, total: total}
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.read += int64(n)
	if sent := c.total.Add(int64(n)); c.u.OnProgress != nil && n > 0 {
		c.u.OnProgress(sent, c.u.size)
	}
	if err != nil && c.read < c.r.Size() {
		c.broken = localError{fmt.Errorf("%s was changed or cannot be read any more: %w", c.u.File, err)}
		return n, c.broken
	}
	return n, err
}

// takeBack uncounts what will be sent again.
func (c *counter) takeBack() { c.total.Add(-c.read) }
