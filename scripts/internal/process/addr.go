package process

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const (
	// Ports from firstPort to lastPort lie below those that systems give to outgoing connections and to whoever asks for any port, one of
	// which could otherwise sit on the port before the child does, or while it is down.
	firstPort, lastPort = 15000, 30000
	portTries           = 100
)

// FreeAddr is a loopback host:port for a child to listen on, which was free a moment ago. A child that finds it taken ends with an error.
func FreeAddr() (string, error) {
	var last error
	for range portTries {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(lastPort-firstPort)))
		l, err := net.Listen("tcp", addr)
		if err == nil {
			return addr, l.Close()
		}
		last = err
	}
	return "", fmt.Errorf("process: find a free port: %w", last)
}
