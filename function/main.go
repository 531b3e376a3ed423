// Command function is the OSS upload-callback endpoint, the only thing deployed to Function Compute. One binary serves both
// doors: events of the built-in runtime go1, and plain HTTP for custom runtimes and containers.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"

	"oss-callback/function/callback"
	"oss-callback/function/endpoint"
	"oss-callback/function/imageinfo"
	"oss-callback/function/logsink"
	"oss-callback/function/trigger"
	"oss-callback/queue"
	"oss-callback/queue/ossclient"
)

// ossTimeouts suit an instance that is frozen between requests: connections that have idled are not trusted for long, and one
// that died meanwhile costs a retry and not the deadline.
var ossTimeouts = ossclient.Timeouts{
	Dial: 500 * time.Millisecond, TLS: 700 * time.Millisecond, Header: imageinfo.AttemptTimeout, Idle: 20 * time.Second,
}

// gcPercent lets the heap grow to three times what is in use before it is collected. It is a few megabytes, which Go would collect again
// and again: a fifth of the time under load. 256 callbacks at once take about 56 MB, about 65 MB over https to OSS. GOGC wins.
const gcPercent = 200

func main() {
	tuneHeap()
	level := new(slog.LevelVar)
	log := slog.New(slog.NewJSONHandler(logsink.Take(), &slog.HandlerOptions{Level: level}))
	c, err := readConfig()
	level.Set(c.Level)
	var ep *endpoint.Endpoint
	if err == nil {
		ep, err = build(c, log)
	}
	if err != nil {
		ep = endpoint.Misconfigured(err, log)
	}
	if os.Getenv("FC_RUNTIME_API") != "" {
		fc.Start(trigger.Event(ep.Handle))
		return
	}
	if err := serve(c.addr(), ep, log); err != nil {
		log.Error("cannot serve", "cause", err.Error())
		os.Exit(1)
	}
}

func tuneHeap() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// build makes the parts from checked settings. It waits for nothing: nsqd are connected to while the platform brings the first callback.
func build(c config, log *slog.Logger) (*endpoint.Endpoint, error) {
	verifier, err := callback.NewVerifier(callback.Config{
		Buckets: c.Buckets, TokenSecrets: c.tokenSecrets(), PublicKey: c.PublicKey,
	})
	if errors.Is(err, callback.ErrSelfTest) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("OSS_CALLBACK_PUBLIC_KEY: %w", err)
	}
	client, err := ossclient.New(ossclient.Config{Endpoint: c.Endpoint, Region: c.Region, Transport: ossclient.Transport(ossTimeouts)})
	if err != nil {
		return nil, err
	}
	outbox, err := queue.NewOutbox(client, c.OutboxPrefix, c.Topic)
	if err != nil {
		return nil, err
	}
	publisher, err := queue.NewPublisher(queue.PublisherConfig{
		Addrs: c.Addrs, Topic: c.Topic, Conn: queue.Conn{TLS: c.TLS, AuthSecret: c.AuthSecret}, Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("NSQ_TOPIC: %w", err)
	}
	publisher.Connect()
	return endpoint.New(endpoint.Config{
		Verifier:     verifier,
		Images:       imageinfo.New(client),
		Queue:        publisher,
		Outbox:       outbox,
		OutboxMode:   c.Outbox,
		OwnPrefixes:  []string{c.OutboxPrefix, queue.OutputPrefix},
		Budget:       c.Budget,
		RequireImage: c.RequireImage,
		Keys:         ossclient.Credentials{AccessKeyID: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken},
		Logger:       log,
	}), nil
}

// serve is the web door. It ends when the process is told to, after the requests under way.
func serve(addr string, ep *endpoint.Endpoint, log *slog.Logger) error {
	server := trigger.NewServer(addr, trigger.Web(ep.Handle, ep.Health, callback.MaxBody))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		timeout, cancel := context.WithTimeout(context.Background(), 6*time.Second)
		defer cancel()
		drained <- server.Shutdown(timeout)
	}()
	log.Info("listening", "addr", addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}
