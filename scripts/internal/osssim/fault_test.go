package osssim

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func TestFaults(t *testing.T) {
	h := start(t, nil)
	bucket := h.bucket(t)
	h.Put(testBucket, "a", "", []byte("x"))
	h.Put(testBucket, "b", "", []byte("x"))

	remove := h.Inject(Fault{Operation: "GetObject", Key: "a", Times: 2, Status: 503, Code: "ServiceUnavailable"})
	for range 2 {
		_, err := bucket.GetObject("a")
		wantServiceError(t, err, 503, "ServiceUnavailable")
	}
	read(t, bucket, "a") // used up
	remove()             // harmless

	remove = h.Inject(Fault{Operation: "GetObject", Code: "Throttled"})
	_, err := bucket.GetObject("b")
	wantServiceError(t, err, 500, "Throttled")
	if _, err := bucket.GetObjectDetailedMeta("b"); err != nil {
		t.Errorf("another operation: %v", err)
	}
	remove()
	read(t, bucket, "b")

	remove = h.Inject(Fault{Operation: "GetObject", Prefix: "b", Status: 503})
	read(t, bucket, "a")
	_, err = bucket.GetObject("b")
	wantServiceError(t, err, 503, "InternalError")
	remove()

	h.Inject(Fault{Key: "b", Times: 1, DropConnection: true})
	// The transport may send an idempotent request again by itself, so a PUT with a body it cannot rewind.
	if err := bucket.PutObject("b", io.MultiReader(reader("new"))); err == nil {
		t.Error("no error from a dropped connection")
	} else if service := new(oss.ServiceError); errors.As(err, service) {
		t.Errorf("an answer came: %v", service)
	}
	if o, _ := h.Get(testBucket, "b"); string(o.Body) != "x" {
		t.Errorf("stored %q", o.Body)
	}

	h.Inject(Fault{Operation: "HeadObject", Times: 1, Delay: time.Millisecond})
	if _, err := bucket.GetObjectDetailedMeta("a"); err != nil {
		t.Errorf("delayed: %v", err)
	}
}

func TestFaultHangsUntilTheClientGoes(t *testing.T) {
	entered := make(chan struct{})
	h := start(t, func(c *Config) {
		c.Now = func() time.Time { close(entered); return time.Now() }
	})
	h.Inject(Fault{Operation: "PutObject", Hang: true})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-entered
		cancel()
	}()
	if err := h.bucket(t).PutObject("k", reader("x"), oss.WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	h.active.Wait() // the handler has noticed
}

func TestCloseEndsHangingRequests(t *testing.T) {
	entered := make(chan struct{})
	h := start(t, func(c *Config) {
		c.Now = func() time.Time { close(entered); return time.Now() }
	})
	h.Inject(Fault{Operation: "GetObject", Hang: true})
	failed := make(chan error, 1)
	bucket := h.bucket(t)
	go func() {
		_, err := bucket.GetObject("k")
		failed <- err
	}()
	<-entered
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("no error")
	}
}

func TestTooManyCallbacks(t *testing.T) {
	h := start(t, nil)
	e := replyRaw(t, h, goodReply(`{}`))
	h.Inject(Fault{Operation: "Callback", Times: 1, Status: 203})
	callback := oss.Callback(callbackTo(t, e.url, "a"))
	service := wantServiceError(t, h.bucket(t).PutObject("k", reader("x"), callback), 203, "CallbackFailed")
	if service.Ec != "0007-00000201" || service.Message != "Too many callback requests." {
		t.Errorf("%s %q", service.Ec, service.Message)
	}
	if err := h.bucket(t).PutObject("k", reader("x"), callback); err != nil {
		t.Errorf("second try: %v", err)
	}
}

func TestSlowCallbackByFault(t *testing.T) {
	h := start(t, func(c *Config) { c.CallbackTimeout = 20 * time.Millisecond })
	e := replyRaw(t, h, goodReply(`{}`))
	h.Inject(Fault{Operation: "Callback", Delay: time.Minute})
	wantCallbackFailed(t, h, e.url, "202", "Cost too long time.")
}
