package osssim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

const (
	testID     = "local-id"
	testSecret = "local-secret"
	testBucket = "photos"
)

// harness is a simulator and what it recorded.
type harness struct {
	*Server
	mu        sync.Mutex
	exchanges []Exchange
}

func start(t *testing.T, change func(*Config)) *harness {
	t.Helper()
	h := &harness{}
	cfg := Config{
		AccessKeyID: testID, AccessKeySecret: testSecret, Buckets: []string{testBucket},
		OnCallback: func(x Exchange) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.exchanges = append(h.exchanges, x)
		},
		Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
			switch host {
			case "localhost", "example.com":
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			case "v6only.example":
				return []netip.Addr{netip.MustParseAddr("2001:db8::1")}, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		},
	}
	if change != nil {
		change(&cfg)
	}
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	h.Server = s
	return h
}

func (h *harness) recorded() []Exchange {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Exchange(nil), h.exchanges...)
}

// bucket is a real SDK client for the simulator.
func (h *harness) bucket(t *testing.T, options ...oss.ClientOption) *oss.Bucket {
	t.Helper()
	return h.bucketAs(t, testID, testSecret, options...)
}

func (h *harness) bucketAs(t *testing.T, id, secret string, options ...oss.ClientOption) *oss.Bucket {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := oss.New(h.Endpoint(), id, secret, append([]oss.ClientOption{
		oss.HTTPClient(&http.Client{Transport: transport, Timeout: time.Minute}), oss.Region("cn-hangzhou")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := client.Bucket(testBucket)
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

// wantServiceError checks which error an SDK call ended in.
func wantServiceError(t *testing.T, err error, status int, code string) oss.ServiceError {
	t.Helper()
	var service oss.ServiceError
	if !errors.As(err, &service) || service.StatusCode != status || service.Code != code {
		t.Fatalf("error = %v, want %d %s", err, status, code)
	}
	return service
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(text)
}

// endpoint serves callbacks on loopback with raw replies and counts as public. It records what it read.
type endpoint struct {
	url      string
	hostport string
	requests chan *http.Request
	bodies   chan string
}

// replyRaw starts an endpoint that reads each request to its end, writes reply byte for byte and closes.
func replyRaw(t *testing.T, h *harness, reply string) *endpoint {
	t.Helper()
	return serveRaw(t, h, func(conn net.Conn) { _, _ = io.WriteString(conn, reply) })
}

func serveRaw(t *testing.T, h *harness, answer func(net.Conn)) *endpoint {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{hostport: listener.Addr().String(), requests: make(chan *http.Request, 16), bodies: make(chan string, 16)}
	e.url = "http://" + e.hostport + "/callback"
	h.AllowPublic(e.hostport)
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				request, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				body, _ := io.ReadAll(request.Body)
				e.requests <- request
				e.bodies <- string(body)
				answer(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		served.Wait()
	})
	return e
}

func goodReply(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

func callbackTo(t *testing.T, url, body string) string {
	return encode(t, map[string]any{"callbackUrl": url, "callbackBody": body})
}

func pngImage(t *testing.T, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func reader(text string) io.Reader { return strings.NewReader(text) }
