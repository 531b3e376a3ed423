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
)

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

// Credentials sign the requests. SecurityToken is empty for long-lived keys.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// Config configures New.
type Config struct {
	Endpoint  string            // such as https://oss-cn-hangzhou-internal.aliyuncs.com; an IP:port gets path-style requests
	Region    string            // such as cn-hangzhou, for V4 signatures
	Transport http.RoundTripper // nil for one that suits Function Compute
}

// Fetcher asks one OSS endpoint. It is safe for concurrent use.
type Fetcher struct {
	endpoint, region string
	client           *http.Client
}

// New checks the settings; it does not connect.
func New(c Config) (*Fetcher, error) {
	if c.Endpoint == "" || c.Region == "" {
		return nil, errors.New("imageinfo: an endpoint and a region are needed")
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	f := &Fetcher{endpoint: c.Endpoint, region: c.Region, client: &http.Client{
		Transport:     cappedTransport{c.Transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	_, err := f.bucket(Credentials{}, "bucket")
	return f, err
}

// Fetch asks until it has an answer, a final error, or no time left for another attempt: the context's deadline is the time for
// all attempts together. It also returns how many attempts it made. See the errors of this package for which are retried.
func (f *Fetcher) Fetch(ctx context.Context, keys Credentials, bucket, object string) (Info, int, error) {
	b, err := f.bucket(keys, bucket)
	if err != nil {
		return Info{}, 0, fmt.Errorf("%w: %v", ErrDenied, err)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return Info{}, 0, errors.New("imageinfo: Fetch needs a context with a deadline")
	}
	schedule := newSchedule()
	for attempt := 1; ; attempt++ {
		info, err := ask(ctx, b, object)
		if err == nil || errors.Is(err, ErrNotAnImage) || errors.Is(err, ErrDenied) {
			return info, attempt, err
		}
		if errors.Is(err, ErrGone) && attempt > goneRetries {
			return Info{}, attempt, err
		}
		pause := schedule.NextBackOff()
		if time.Until(deadline) < pause+minAttempt {
			return Info{}, attempt, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Info{}, attempt, err
		}
	}
}

// bucket is cheap: the SDK's client holds settings, the connections are the http.Client's.
func (f *Fetcher) bucket(keys Credentials, name string) (*oss.Bucket, error) {
	client, err := oss.New(f.endpoint, keys.AccessKeyID, keys.AccessKeySecret,
		oss.SecurityToken(keys.SecurityToken), oss.HTTPClient(f.client), oss.AuthVersion(oss.AuthV4), oss.Region(f.region))
	if err != nil {
		return nil, err
	}
	return client.Bucket(name)
}

// ask makes one attempt.
func ask(ctx context.Context, b *oss.Bucket, object string) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	body, err := b.GetObject(object, oss.Process("image/info"), oss.WithContext(ctx))
	if err != nil {
		return Info{}, classify(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body) // capped by the transport
	if err != nil {
		return Info{}, classify(err)
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
