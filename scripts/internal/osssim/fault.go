package osssim

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault makes matching requests fail or dawdle. What is set applies in this order: Hang, Delay, DropConnection, then Status and Code. With
// only Delay set the request is served after it.
//
// Two operations are not requests of clients: "Callback" matches an upload callback about to be sent, which then, after Delay, is refused with
// Message and EC, by default "Too many callback requests." (EC 0007-00000201), unless only Delay or Vanish is set; and "ImageInfo" also matches the look-up that a callbackBody with
// imageInfo variables causes, which then ends in "Get image info failed." (EC 0007-00000301).
type Fault struct {
	Operation      string        // "GetObject", "ImageInfo", "HeadObject", "PutObject", "ListObjectsV2", ...; "" is any request
	Key            string        // object key; "" is any
	Prefix         string        // of the object key; "" is any
	Times          int           // how many requests it hits; 0 is until removed
	Delay          time.Duration // wait before anything else happens
	Hang           bool          // give no answer until the client goes away
	DropConnection bool          // close the connection without an answer
	Status         int           // answer with this HTTP status, 500 if only Code is set
	Code           string        // the OSS error code in the answer, "InternalError" if only Status is set
	EC, Message    string        // of the answer
	Vanish         bool          // "Callback" only: the object is deleted before the callback is made, as by a lifecycle rule
}

func (f Fault) onlyDelays() bool {
	return !f.Hang && !f.DropConnection && f.Status == 0 && f.Code == "" && f.EC == "" && f.Message == ""
}

// Inject arms f. Earlier faults win over later ones. The function returned disarms it; it may be called more than once.
func (s *Server) Inject(f Fault) (remove func()) { return s.faults.add(f) }

type faults struct {
	mu    sync.Mutex
	armed []*Fault
}

func (fs *faults) add(f Fault) func() {
	armed := &f
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.armed = append(fs.armed, armed)
	return func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		fs.armed = slices.DeleteFunc(fs.armed, func(a *Fault) bool { return a == armed })
	}
}

// take returns the first fault that matches and counts the hit.
func (fs *faults) take(operation, key string) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, f := range fs.armed {
		anyRequest := f.Operation == "" && operation != "Callback"
		if (!anyRequest && f.Operation != operation) || (f.Key != "" && f.Key != key) || !strings.HasPrefix(key, f.Prefix) {
			continue
		}
		hit := *f
		if f.Times == 1 {
			fs.armed = slices.Delete(fs.armed, i, i+1)
		} else if f.Times > 1 {
			f.Times--
		}
		return hit, true
	}
	return Fault{}, false
}

// applyFault plays an armed fault; nil means that the request goes on.
func (s *Server) applyFault(c *call) error {
	f, ok := s.faults.take(c.operation, c.key)
	if !ok {
		return nil
	}
	if f.Hang {
		// net/http notices that the client has gone only once the body has been read.
		_, _ = io.Copy(io.Discard, io.LimitReader(c.r.Body, maxDrain))
		select {
		case <-c.r.Context().Done():
		case <-s.base.Done():
		}
		panic(http.ErrAbortHandler)
	}
	if !wait(s.base, f.Delay) || f.DropConnection {
		panic(http.ErrAbortHandler)
	}
	if f.onlyDelays() {
		return nil
	}
	e := &apiError{Status: f.Status, Code: f.Code, EC: f.EC, Message: cmp.Or(f.Message, "Injected fault.")}
	if e.Status == 0 {
		e.Status = http.StatusInternalServerError
	}
	if e.Code == "" {
		e.Code = "InternalError"
	}
	return e
}

// wait returns after d, or false as soon as ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
