// Command probe is a function for tests: the first part of the request's path says how to behave.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

type event struct {
	RawPath         string            `json:"rawPath"`
	Body            string            `json:"body"`
	QueryParameters map[string]string `json:"queryParameters"`
}

func main() {
	switch os.Getenv("PROBE_START") {
	case "silent": // never asks for an invocation
		<-time.After(time.Hour)
	case "exit":
		os.Exit(1)
	}
	count := 0 // one invocation at a time; the race detector of the simulator's side sees to the rest
	fc.Start(func(ctx context.Context, raw json.RawMessage) (json.RawMessage, error) {
		count++
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, err
		}
		what, _, _ := strings.Cut(strings.TrimPrefix(e.RawPath, "/"), "/")
		switch what {
		case "result": // the body is the result
			return json.RawMessage(e.Body), nil
		case "event":
			return reply(string(raw)), nil
		case "who":
			return reply(fmt.Sprintf("%d %d", os.Getpid(), count)), nil
		case "context":
			deadline, _ := ctx.Deadline()
			fcc, _ := fccontext.FromContext(ctx)
			b, err := json.Marshal(map[string]any{"context": fcc, "environment": os.Environ(), "left": time.Until(deadline).Milliseconds()})
			return reply(string(b)), err
		case "error":
			return nil, errors.New("handler failed")
		case "panic":
			panic("handler panicked")
		case "exit":
			os.Exit(7)
		case "hang":
			fmt.Println("probe hangs")
			select {}
		case "tick": // writes to the log from the background until the process is stopped
			go func() {
				for range time.Tick(time.Millisecond) {
					fmt.Println("tick")
				}
			}()
			return reply("ticking"), nil
		}
		return nil, fmt.Errorf("unknown path %q", e.RawPath)
	})
}

func reply(body string) json.RawMessage {
	b, _ := json.Marshal(map[string]any{"statusCode": 200, "headers": map[string]string{"Content-Type": "text/plain"}, "isBase64Encoded": false, "body": body})
	return b
}
