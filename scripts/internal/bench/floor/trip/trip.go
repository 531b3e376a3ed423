// Package trip is what the floors of both doors share: a callback's two network trips, image info and publishing, and nothing else. It
// verifies, logs, retries and decides nothing, and knows one object: the least time that a callback can take.
package trip

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
)

// job is as large as a job of ours.
var job = make([]byte, 450)

const answer = `{"Status":"OK"}`

type eventAnswer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

// Client keeps as many connections to OSS as there are callbacks at once.
func Client() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}, Timeout: 5 * time.Second}
}

// Drain reads an answer of OSS to its end, so that the connection is used again.
func Drain(body io.Reader) error {
	_, err := io.Copy(io.Discard, body)
	return err
}

// Serve answers callbacks behind the runtime API, or at LISTEN_ADDR, once info has asked OSS and the nsqd at NSQD_ADDR has the job. It
// ends with the program.
func Serve(info func(context.Context) error) {
	nsqd, err := dial(os.Getenv("NSQD_ADDR"), os.Getenv("NSQ_TOPIC"))
	if err != nil {
		log.Fatal(err)
	}
	trips := func(ctx context.Context) error {
		if err := info(ctx); err != nil {
			return err
		}
		return nsqd.publish(job)
	}
	headers := map[string]string{"Content-Type": "application/json", "Content-Length": strconv.Itoa(len(answer))}
	if os.Getenv("FC_RUNTIME_API") != "" {
		fc.Start(func(ctx context.Context, _ []byte) (eventAnswer, error) {
			return eventAnswer{200, headers, answer}, trips(ctx)
		})
		return
	}
	server := &http.Server{Addr: os.Getenv("LISTEN_ADDR"), ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_, _ = io.Copy(io.Discard, r.Body) // as far as it came
				if err := trips(r.Context()); err != nil {
					http.Error(w, err.Error(), http.StatusServiceUnavailable)
					return
				}
			}
			for name, value := range headers {
				w.Header().Set(name, value)
			}
			_, _ = io.WriteString(w, answer) // a client that left needs no answer
		})}
	log.Fatal(server.ListenAndServe())
}
