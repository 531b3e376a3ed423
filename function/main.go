// Command function is the OSS upload-callback endpoint, the only thing deployed to Function Compute. One binary serves both
// doors: events of the built-in runtime go1, and plain HTTP for custom runtimes and containers.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"

	"oss-callback/function/callback"
	"oss-callback/function/endpoint"
	"oss-callback/function/imageinfo"
	"oss-callback/function/trigger"
	"oss-callback/queue"
)

func main() {
	level := new(slog.LevelVar)
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
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

// build makes the parts from checked settings. It connects to nothing.
func build(c config, log *slog.Logger) (*endpoint.Endpoint, error) {
	verifier, err := callback.NewVerifier(callback.Config{
		Buckets: c.Buckets, TokenSecrets: c.tokenSecrets(), PublicKey: c.PublicKey,
	})
	if err != nil {
		return nil, err
	}
	images, err := imageinfo.New(imageinfo.Config{Endpoint: c.Endpoint, Region: c.Region})
	if err != nil {
		return nil, err
	}
	publisher, err := queue.NewPublisher(queue.PublisherConfig{
		Addrs: c.Addrs, Topic: c.Topic, Conn: queue.Conn{TLS: c.TLS, AuthSecret: c.AuthSecret}, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	return endpoint.New(endpoint.Config{
		Verifier:     verifier,
		Images:       images,
		Queue:        publisher,
		Budget:       c.Budget,
		RequireImage: c.RequireImage,
		Keys:         imageinfo.Credentials{AccessKeyID: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken},
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
