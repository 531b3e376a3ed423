package check

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// client speaks as much of nsqd's protocol as it takes to be let in, or not.
type client struct{ net.Conn }

// login is how far a client goes to be let in.
type login struct {
	tls    *tls.Config // nil: without
	secret string
}

// connect returns what nsqd says to the last step of the login.
func (l login) connect(t *testing.T, address string) (client, string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "  V2"); err != nil {
		t.Fatal(err)
	}
	c := client{conn}
	said := c.command(t, "IDENTIFY", fmt.Sprintf(`{"feature_negotiation":true,"tls_v1":%v}`, l.tls != nil))
	if l.tls != nil {
		c = client{tls.Client(conn, l.tls)}
		said = c.answer(t)
	}
	if l.secret != "" {
		said = c.command(t, "AUTH", l.secret)
	}
	return c, said
}

func (c client) command(t *testing.T, line, body string) string {
	t.Helper()
	b := append([]byte(line), '\n')
	if body != "" {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
	}
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	return c.answer(t)
}

// answer is a response, or an error that nsqd reports.
func (c client) answer(t *testing.T) string {
	t.Helper()
	for {
		var head [8]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			t.Fatal(err)
		}
		size := binary.BigEndian.Uint32(head[:])
		if size < 4 || size > 1<<16 {
			t.Fatalf("a frame of %d bytes", size)
		}
		data := make([]byte, size-4)
		if _, err := io.ReadFull(c, data); err != nil {
			t.Fatal(err)
		}
		if s := string(data); !strings.HasPrefix(s, "_heartbeat_") {
			return s
		}
	}
}
