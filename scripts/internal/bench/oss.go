package bench

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// infoAnswer is what OSS's image/info says of the object.
var infoAnswer = []byte(fmt.Sprintf(`{"FileSize":{"value":"%d"},"Format":{"value":"jpg"},"ImageHeight":{"value":"3024"},"ImageWidth":{"value":"4032"},`+
	`"FrameCount":{"value":"1"},"Orientation":{"value":"1"}}`, size))

// instantOSS is an OSS that knows one image and answers everything with image info, after a while. It checks nothing, because its time is
// no part of what is measured.
type instantOSS struct {
	url    string
	server *http.Server
	open   atomic.Int64 // connections
}

func startOSS(delay time.Duration) (*instantOSS, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &instantOSS{url: "http://" + listener.Addr().String()}
	o.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, ConnState: o.count, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if delay > 0 {
			time.Sleep(delay)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(infoAnswer)))
		w.Header().Set("X-Oss-Request-Id", "5C1B138A109F4E405B2D0000")
		_, _ = w.Write(infoAnswer) // a client that left needs no answer
	})}
	go func() { _ = o.server.Serve(listener) }() // until stop
	return o, nil
}

func (o *instantOSS) stop() { _ = o.server.Close() }

func (o *instantOSS) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		o.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		o.open.Add(-1)
	}
}

// infoURL is what asks for image info, as far as the floor is concerned.
func infoURL(oss string) string {
	return oss + "/" + bucket + "/" + object + "?x-oss-process=image/info"
}
