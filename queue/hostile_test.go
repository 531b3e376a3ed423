package queue_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"oss-callback/queue"
)

// peer speaks nsqd's protocol, badly where it is told to. A real nsqd does none of this.
type peer struct {
	listener net.Listener
	identify []byte                       // the frame that answers IDENTIFY
	tls      *tls.Config                  // taken up after IDENTIFY; nil for none
	onPub    func(conn net.Conn, nth int) // nil for OK at once
	mute     bool                         // accepts, and says nothing

	mu    sync.Mutex
	conns []net.Conn
	heard string // all secrets and bodies that came in the clear
	pubs  int
}

func frame(text string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(text)))
	return append(binary.BigEndian.AppendUint32(b, 0), text...) // a response
}

func (p *peer) start(t *testing.T) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.listener = l
	if p.identify == nil {
		p.identify = frame("OK")
	}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, conn)
			p.mu.Unlock()
			if !p.mute {
				go p.serve(conn)
			}
		}
	}()
	return p
}

func (p *peer) addr() string { return p.listener.Addr().String() }

func (p *peer) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *peer) change(f func()) { p.mu.Lock(); defer p.mu.Unlock(); f() }

func (p *peer) serve(conn net.Conn) {
	p.mu.Lock()
	identify, secure, onPub := p.identify, p.tls, p.onPub
	p.mu.Unlock()
	r := bufio.NewReader(conn)
	io.ReadFull(r, make([]byte, 4)) // the magic
	body := func() string {
		var size [4]byte
		io.ReadFull(r, size[:])
		b := make([]byte, binary.BigEndian.Uint32(size[:]))
		io.ReadFull(r, b)
		if secure == nil {
			p.change(func() { p.heard += string(b) })
		}
		return string(b)
	}
	for n := 0; ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch command, _, _ := strings.Cut(strings.TrimSpace(line), " "); command {
		case "IDENTIFY":
			plain := secure
			secure = new(tls.Config) // what IDENTIFY tells is no secret
			body()
			secure = plain
			conn.Write(identify)
			if secure != nil {
				conn = tls.Server(conn, secure)
				r = bufio.NewReader(conn)
				conn.Write(frame("OK"))
			}
		case "AUTH":
			body()
			conn.Write(frame(`{"identity":"i"}`))
		case "PUB":
			body()
			n++
			p.change(func() { p.pubs++ })
			if onPub != nil {
				onPub(conn, n)
			} else {
				conn.Write(frame("OK"))
			}
		}
	}
}

// trusted is a server's certificate for 127.0.0.1 among the roots that this process trusts. Go reads SSL_CERT_FILE once, so there
// is one for all tests.
var trusted = sync.OnceValues(func() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "ca-*.pem")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name()) // read below
	if err := errors.Join(pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: der}), file.Close()); err != nil {
		return nil, err
	}
	os.Setenv("SSL_CERT_FILE", file.Name())
	defer os.Unsetenv("SSL_CERT_FILE")
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	_, err = certificate.Verify(x509.VerifyOptions{}) // loads the system's roots
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, err
})

// TestTLSCannotBeStripped: by a peer that never offers it, nor by one that stops offering it after a cut.
func TestTLSCannotBeStripped(t *testing.T) {
	const stripped = `{"max_rdy_count":2500,"auth_required":true,"tls_v1":false}`
	secure := queue.Conn{TLS: true, AuthSecret: "TOP-SECRET"}
	refused := func(t *testing.T, p *peer, publisher *queue.Publisher) {
		t.Helper()
		if _, err := publisher.Publish(within(t, 10*time.Second), upload); !errors.Is(err, queue.ErrUnavailable) {
			t.Errorf("published: %v", err)
		}
		p.change(func() {
			if p.heard != "" {
				t.Errorf("in the clear: %q", p.heard)
			}
		})
	}
	t.Run("never offered", func(t *testing.T) {
		p := (&peer{identify: frame(stripped)}).start(t)
		publisher, err := queue.NewPublisher(queue.PublisherConfig{Addrs: []string{p.addr()}, Topic: "uploads", Conn: secure})
		if err != nil {
			t.Fatal(err)
		}
		defer publisher.Close()
		refused(t, p, publisher)

		consumer, err := queue.NewConsumer(queue.ConsumerConfig{NSQDAddrs: []string{p.addr()}, Topic: "uploads", Channel: "c", Conn: secure,
			Process: func(context.Context, queue.Job) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if err := consumer.Run(within(t, 30*time.Second)); !errors.Is(err, queue.ErrNoTLS) {
			t.Errorf("consumer: %v", err)
		}
		p.change(func() {
			if p.heard != "" {
				t.Errorf("from a consumer, in the clear: %q", p.heard)
			}
		})
	})
	t.Run("not offered any more", func(t *testing.T) {
		certificate, err := trusted()
		if err != nil {
			t.Fatal(err)
		}
		p := (&peer{identify: frame(`{"tls_v1":true,"auth_required":true}`), tls: certificate}).start(t)
		publisher, err := queue.NewPublisher(queue.PublisherConfig{Addrs: []string{p.addr()}, Topic: "uploads", Conn: secure})
		if err != nil {
			t.Fatal(err)
		}
		defer publisher.Close()
		if _, err := publisher.Publish(within(t, 10*time.Second), upload); err != nil {
			t.Fatalf("over TLS: %v", err)
		}
		p.change(func() { p.identify, p.tls = frame(stripped), nil })
		p.cut()
		refused(t, p, publisher)
	})
}

// TestHurriedPublishLeavesOthersAlone: callbacks that arrived late share the connection with others that have time.
func TestHurriedPublishLeavesOthersAlone(t *testing.T) {
	release := make(chan struct{})
	var all sync.WaitGroup
	p := (&peer{onPub: func(conn net.Conn, n int) {
		all.Go(func() { <-release; conn.Write(frame("OK")) })
	}}).start(t)
	publisher := newPublisher(t, p.addr())
	results := make(chan error, 20)
	for range 20 {
		go func() {
			_, err := publisher.Publish(within(t, 10*time.Second), upload)
			results <- err
		}()
	}
	for {
		var pubs int
		p.change(func() { pubs = p.pubs })
		if pubs == 20 {
			break
		}
		runtime.Gosched()
	}
	if _, err := publisher.Publish(within(t, 30*time.Millisecond), upload); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	close(release)
	for range 20 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	p.change(func() {
		if p.pubs != 21 {
			t.Errorf("nsqd got %d messages of 21", p.pubs)
		}
	})
}

// TestPeersThatBreakTheProtocol must not break the process: go-nsq's own producer panics on some of these.
func TestPeersThatBreakTheProtocol(t *testing.T) {
	for name, p := range map[string]*peer{
		"empty answer to IDENTIFY": {identify: []byte{0, 0, 0, 4, 0, 0, 0, 0}},
		"short answer":             {identify: []byte{0, 0, 0, 1, 0}},
		"negative length":          {identify: []byte{255, 255, 255, 255}},
		"no JSON":                  {identify: frame(`{"max_rdy_count":`)},
		"HTTP":                     {identify: []byte("HTTP/1.1 400 Bad Request\r\n\r\n")},
	} {
		publisher := newPublisher(t, p.start(t).addr())
		if _, err := publisher.Publish(within(t, 300*time.Millisecond), upload); !errors.Is(err, queue.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Run("answers nobody asked for", func(t *testing.T) {
		p := (&peer{onPub: func(conn net.Conn, n int) { conn.Write(append(frame("OK"), frame("OK")...)) }}).start(t)
		publisher := newPublisher(t, p.addr())
		for range 10 {
			if _, err := publisher.Publish(within(t, 10*time.Second), upload); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestSilentPeerCostsLittle: however many publishes, only a few connections are being made.
func TestSilentPeerCostsLittle(t *testing.T) {
	p := (&peer{mute: true}).start(t)
	publisher := newPublisher(t, p.addr())
	before := runtime.NumGoroutine()
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() { publisher.Publish(within(t, 50*time.Millisecond), upload) })
	}
	all.Wait()
	if grown := runtime.NumGoroutine() - before; grown > 20 {
		t.Errorf("%d goroutines more", grown)
	}
	p.change(func() {
		if len(p.conns) > 3 {
			t.Errorf("%d connections", len(p.conns))
		}
	})
}
