package fcsim

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// invocation is one event on its way through an instance.
type invocation struct {
	id    string
	event []byte
	done  chan outcome // capacity 1
}

// runtimeAPI is the loopback service a go1 process lives on: it asks for the next event, works, and posts the result.
type runtimeAPI struct {
	cfg  Config
	next chan *invocation // unbuffered: a send succeeds only while the process is asking

	mu      sync.Mutex
	current *invocation
}

func newRuntimeAPI(cfg Config) *runtimeAPI {
	return &runtimeAPI{cfg: cfg, next: make(chan *invocation)}
}

func (a *runtimeAPI) handler() http.Handler {
	const base = "/2020-11-11/runtime/invocation/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"next", a.serveNext)
	mux.HandleFunc("POST "+base+"{id}/response", a.serveDone(func(body []byte) outcome { return outcome{result: body} }))
	mux.HandleFunc("POST "+base+"{id}/error", a.serveDone(func(body []byte) outcome {
		if !json.Valid(body) {
			return failed(errorTypeUnhandled, errorTypeUnhandled, "the runtime reported an error that is no JSON")
		}
		return outcome{errorType: errorTypeUnhandled, failure: body}
	}))
	return mux
}

// serveNext keeps the process waiting until there is work. The SDK asks again while it still works on an event; it gets the next
// one only after its answer, because the pool lends an instance to one request at a time.
func (a *runtimeAPI) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case inv := <-a.next:
		a.mu.Lock()
		a.current = inv
		a.mu.Unlock()
		a.describe(w.Header(), inv)
		_, _ = w.Write(inv.event) // a process that has gone meanwhile is noticed by its end
	case <-r.Context().Done():
	}
}

// describe sets the headers from which the SDK makes the invocation's context. Without the deadline and the timeout it would never
// answer.
func (a *runtimeAPI) describe(h http.Header, inv *invocation) {
	seconds := int((a.cfg.Timeout + time.Second - 1) / time.Second)
	for name, value := range map[string]string{
		"content-type":            contentTypeJSON,
		"x-fc-request-id":         inv.id,
		"x-fc-function-deadline":  strconv.FormatInt(time.Now().Add(a.cfg.Timeout).UnixMilli(), 10),
		"x-fc-function-timeout":   strconv.Itoa(seconds),
		"x-fc-function-type":      "0",
		"x-fc-function-name":      a.cfg.FunctionName,
		"x-fc-function-handler":   functionHandler,
		"x-fc-function-memory":    functionMemory,
		"x-fc-access-key-id":      a.cfg.Credentials.AccessKeyID,
		"x-fc-access-key-secret":  a.cfg.Credentials.AccessKeySecret,
		"x-fc-security-token":     a.cfg.Credentials.SecurityToken,
		"x-fc-region":             a.cfg.Region,
		"x-fc-account-id":         accountID,
		"x-fc-qualifier":          "LATEST",
		"x-fc-version-id":         "LATEST",
		"x-fc-retry-count":        "0",
		"x-fc-service-name":       "",
		"x-fc-service-logproject": "",
	} {
		h.Set(name, value)
	}
}

// serveDone takes a result or an error. The SDK wants exactly 200.
func (a *runtimeAPI) serveDone(read func([]byte) outcome) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := readCapped(r.Body, maxResultBytes)
		var out outcome
		switch {
		case errors.Is(err, errTooBig):
			out = failed(errorTypeUnhandled, "ResponseTooLarge", "the result is larger than 32 MiB")
		case err != nil:
			http.Error(w, "unreadable body", http.StatusBadRequest)
			return
		default:
			out = read(body)
		}
		inv := a.finish(r.PathValue("id"))
		if inv == nil {
			http.Error(w, "no such invocation", http.StatusNotFound)
			return
		}
		inv.done <- out
		w.WriteHeader(http.StatusOK)
	}
}

// finish hands out the current invocation once, and only under its own id.
func (a *runtimeAPI) finish(id string) *invocation {
	a.mu.Lock()
	defer a.mu.Unlock()
	inv := a.current
	if inv == nil || inv.id != id {
		return nil
	}
	a.current = nil
	return inv
}
