// Package imageinfo asks OSS what it knows of an uploaded image: GET <object>?x-oss-process=image/info, through the OSS Go SDK.
//
// The answer also proves that the object exists in a bucket that our own credentials can read, which no callback proves by itself.
package imageinfo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/queue/ossclient"
)

// maxAnswer bounds what is read of image/info, in bytes. With all its EXIF data it stays below 64 KiB.
const maxAnswer = 256 << 10

// What Fetch can find. Each comes wrapped with its cause.
var (
	ErrGone        = errors.New("imageinfo: object does not exist")                     // retried for a short while
	ErrNotAnImage  = errors.New("imageinfo: OSS cannot read the object as an image")    // not retried: no, broken or too large an image
	ErrDenied      = errors.New("imageinfo: OSS refused the request")                   // not retried: permissions, keys, region or endpoint
	ErrUnavailable = errors.New("imageinfo: OSS gave no answer within the time for it") // retried as long as there was time
)

// Info is what OSS tells of an image. EXIF data other than the orientation is dropped as it arrives: it holds positions.
type Info struct {
	Format        string // jpg, png, gif, webp, bmp, tiff, heic, avif
	Width, Height int    // pixels, before Orientation is applied
	Size          int64  // bytes of the object
	Orientation   int    // 1 to 8; 0 if the image does not tell
}

// Fetcher asks OSS. It is safe for concurrent use.
type Fetcher struct{ client *ossclient.Client }

// New makes a Fetcher.
func New(client *ossclient.Client) *Fetcher { return &Fetcher{client} }

// Fetch asks until it has an answer, a final error, or no time left for another attempt: the context's deadline is the time for
// all attempts together. It also returns how many attempts it made. See the errors of this package for which are retried.
func (f *Fetcher) Fetch(ctx context.Context, keys ossclient.Credentials, bucket, object string) (Info, int, error) {
	b, err := f.client.Bucket(keys, bucket)
	if err != nil {
		return Info{}, 0, fmt.Errorf("%w: %v", ErrDenied, err)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return Info{}, 0, errors.New("imageinfo: Fetch needs a context with a deadline")
	}
	schedule, gone := newSchedule(), 0
	last, pause := fmt.Errorf("%w: no time for an attempt", ErrUnavailable), time.Duration(0)
	for attempts := 0; ; attempts++ {
		if time.Until(deadline) < pause+minAttempt {
			return Info{}, attempts, last
		}
		if err := sleep(ctx, pause); err != nil {
			return Info{}, attempts, last
		}
		info, err := ask(ctx, b, object)
		if errors.Is(err, ErrGone) {
			gone++
		}
		if err == nil || gone > goneRetries || errors.Is(err, ErrNotAnImage) || errors.Is(err, ErrDenied) {
			return info, attempts + 1, err
		}
		last, pause = err, schedule.NextBackOff()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// process is the query of image/info.
var process = map[string]any{"x-oss-process": "image/info"}

// ask makes one attempt.
func ask(ctx context.Context, b *oss.Bucket, object string) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, AttemptTimeout)
	defer cancel()
	if err := oss.CheckObjectName(object); err != nil { // a bucket would be listed
		return Info{}, fmt.Errorf("%w: %w", ErrGone, err)
	}
	// Not GetObject, which spends as much time again on its options.
	resp, err := b.Client.Conn.DoWithContext(ctx, http.MethodGet, b.BucketName, object, process, nil, nil, 0, nil)
	if resp != nil {
		defer resp.Body.Close()
	}
	if err != nil && resp != nil && resp.StatusCode/100 == 3 { // which the SDK makes no ServiceError of
		return Info{}, fmt.Errorf("%w: redirected, to another region's endpoint perhaps: %w", ErrDenied, err)
	}
	if err != nil {
		return Info{}, classify(err)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return Info{}, classify(err)
	}
	if len(text) > maxAnswer {
		return Info{}, fmt.Errorf("%w: the answer is longer than %d bytes", ErrUnavailable, maxAnswer)
	}
	return parse(text)
}

// parse reads {"FileSize":{"value":"21839"},"Format":{"value":"jpg"},…}: every value is a string.
func parse(text []byte) (Info, error) {
	type value struct {
		Value string `json:"value"`
	}
	var v struct{ FileSize, Format, ImageWidth, ImageHeight, Orientation value }
	if err := json.Unmarshal(text, &v); err != nil {
		return Info{}, fmt.Errorf("%w: the answer is not image/info", ErrUnavailable)
	}
	size, err1 := strconv.ParseInt(v.FileSize.Value, 10, 64)
	width, err2 := strconv.Atoi(v.ImageWidth.Value)
	height, err3 := strconv.Atoi(v.ImageHeight.Value)
	if err1 != nil || err2 != nil || err3 != nil || width <= 0 || height <= 0 || v.Format.Value == "" || len(v.Format.Value) > 16 {
		return Info{}, fmt.Errorf("%w: the answer is not image/info", ErrUnavailable)
	}
	orientation, err := strconv.Atoi(v.Orientation.Value)
	if err != nil || orientation < 1 || orientation > 8 {
		orientation = 0
	}
	return Info{Format: v.Format.Value, Width: width, Height: height, Size: size, Orientation: orientation}, nil
}
