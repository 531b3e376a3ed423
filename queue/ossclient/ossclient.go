// Package ossclient opens buckets with the OSS Go SDK in the one way that the function and the worker need: V4 signatures, no
// redirects, bounded error answers, and credentials that may differ from call to call.
package ossclient

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// What the SDK reads whole is bounded, in bytes: answers other than 200, and lists of 1000 keys of 1023 bytes, escaped.
const (
	maxErrorBody = 64 << 10
	maxList      = 4 << 20
)

// Credentials sign requests. SecurityToken is empty for long-lived keys. They are never logged.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// Config configures New.
type Config struct {
	Endpoint  string            // such as https://oss-cn-hangzhou-internal.aliyuncs.com; an IP:port gets path-style requests
	Region    string            // such as cn-hangzhou
	Transport http.RoundTripper // required: Transport makes a good one
}

// Client reaches the buckets behind one endpoint. It is safe for concurrent use.
type Client struct {
	endpoint, region string
	http             *http.Client
	last             atomic.Pointer[signed]
}

// signed is the SDK's client for the credentials of the last call. They change about once an hour, and a new one costs more than all else
// that is done before a request.
type signed struct {
	keys Credentials
	sdk  *oss.Client
}

// New checks the settings; it does not connect.
func New(c Config) (*Client, error) {
	if c.Endpoint == "" || c.Region == "" || c.Transport == nil {
		return nil, errors.New("ossclient: endpoint, region and transport are required")
	}
	client := &Client{endpoint: c.Endpoint, region: c.Region, http: &http.Client{
		Transport:     capped{c.Transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	_, err := client.Bucket(Credentials{}, "bucket")
	return client, err
}

// Bucket is cheap: connections are shared, whatever the credentials. Give every call oss.WithContext.
func (c *Client) Bucket(keys Credentials, name string) (*oss.Bucket, error) {
	client, err := c.signing(keys)
	if err != nil {
		return nil, fmt.Errorf("ossclient: %w", err)
	}
	bucket, err := client.Bucket(name)
	if err != nil {
		return nil, fmt.Errorf("ossclient: %w", err)
	}
	return bucket, nil
}

// signing is the SDK's client that signs with keys. It holds nothing but settings.
func (c *Client) signing(keys Credentials) (*oss.Client, error) {
	if last := c.last.Load(); last != nil && last.keys == keys {
		return last.sdk, nil
	}
	sdk, err := oss.New(c.endpoint, keys.AccessKeyID, keys.AccessKeySecret, oss.SecurityToken(keys.SecurityToken),
		oss.HTTPClient(c.http), oss.AuthVersion(oss.AuthV4), oss.Region(c.region),
		oss.VerifyObjectStrict(false)) // a key may begin with "?"
	if err == nil {
		c.last.Store(&signed{keys, sdk})
	}
	return sdk, err
}

// Timeouts bound the steps of a request; its context bounds the whole.
type Timeouts struct{ Dial, TLS, Header, Idle time.Duration }

// Transport is for bodies as they are stored, and for as many connections as there are requests at once.
func Transport(t Timeouts) http.RoundTripper {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: t.Dial, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   t.TLS,
		ResponseHeaderTimeout: t.Header,
		IdleConnTimeout:       t.Idle,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   256,
		DisableCompression:    true,
	}
}

// Status is the HTTP status of OSS's answer, and the code in it; 0 if err is none of OSS's.
func Status(err error) (status int, code string) {
	var answer oss.ServiceError
	if errors.As(err, &answer) {
		return answer.StatusCode, answer.Code
	}
	return 0, ""
}

type capped struct{ next http.RoundTripper }

func (t capped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	switch {
	case err != nil:
	case resp.StatusCode != http.StatusOK:
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxErrorBody) // says so when there is more
	case strings.Contains(r.URL.RawQuery, "list-type="):
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxList)
	}
	return resp, err
}
