package trip

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// link is a connection that publishes: one write and one answer for each message, in order.
type link struct {
	conn   net.Conn
	prefix string // of each command

	mu      sync.Mutex
	waiting chan chan error
}

const (
	maxWaiting = 1024
	heartbeat  = "_heartbeat_"
	frameError = 1
)

func dial(addr, topic string) (*link, error) {
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, "  V2"); err != nil {
		return nil, err
	}
	l := &link{conn: conn, prefix: "PUB " + topic + "\n", waiting: make(chan chan error, maxWaiting)}
	go l.read()
	return l, nil
}

func (l *link) publish(body []byte) error {
	command := make([]byte, 0, len(l.prefix)+4+len(body))
	command = append(command, l.prefix...)
	command = binary.BigEndian.AppendUint32(command, uint32(len(body)))
	command = append(command, body...)
	done := make(chan error, 1)
	l.mu.Lock()
	l.waiting <- done
	_, err := l.conn.Write(command)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return <-done
}

// read ends with the program: a floor does not mend anything.
func (l *link) read() {
	r := bufio.NewReader(l.conn)
	for {
		var head [8]byte // size and type
		if _, err := io.ReadFull(r, head[:]); err != nil {
			panic(fmt.Errorf("nsqd has gone: %w", err))
		}
		data := make([]byte, binary.BigEndian.Uint32(head[:4])-4)
		if _, err := io.ReadFull(r, data); err != nil {
			panic(fmt.Errorf("nsqd has gone: %w", err))
		}
		switch {
		case string(data) == heartbeat:
			l.mu.Lock()
			_, _ = io.WriteString(l.conn, "NOP\n") // reading tells when nsqd has gone
			l.mu.Unlock()
		case binary.BigEndian.Uint32(head[4:]) == frameError:
			(<-l.waiting) <- errors.New(string(data))
		default:
			(<-l.waiting) <- nil
		}
	}
}
