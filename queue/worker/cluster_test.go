package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nsqio/nsq/nsqd"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
)

// certificate makes a self-signed certificate for loopback, in files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nsqd"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret)
}

// The worker consumes, and publishes dead letters, over TLS to an nsqd that takes nothing else, by the roots in SSL_CERT_FILE.
func TestWorkerOverTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := newSystem(t, func(o *nsqd.Options) { o.TLSCert, o.TLSKey, o.TLSRequired = cert, key, nsqd.TLSRequiredExceptHTTP })
	photo := jpegOf(t, plain(400, 300, red))
	s.oss.Put(testBucket, "a.jpg", photo)
	for _, job := range []queue.Job{jobFor("a.jpg", photo), jobFor("gone.jpg", photo)} {
		body, err := job.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.nsqd.Publish(s.ctx, "oss_upload", body); err != nil { // through HTTP
			t.Fatal(err)
		}
	}
	cmd, read := s.spawn("", map[string]string{"NSQ_TLS": "true", "SSL_CERT_FILE": cert})
	outcomes := map[string]string{}
	for len(outcomes) < 2 {
		l := s.want("job")
		outcomes[l.Object] = l.Outcome
	}
	if outcomes["a.jpg"] != "done" || outcomes["gone.jpg"] != "dead" {
		t.Errorf("outcomes %v", outcomes)
	}
	if stats, err := s.nsqd.Stats(s.ctx, queue.DeadTopic("oss_upload"), ""); err != nil || stats.Messages != 1 {
		t.Errorf("dead letters: %+v, %v", stats, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-read
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// An nsqd whose certificate nobody vouches for gets nothing, and the log says why.
func TestWorkerRefusesUnknownCertificate(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	other, _ := certificate(t)
	s := newSystem(t, func(o *nsqd.Options) { o.TLSCert, o.TLSKey = cert, key })
	s.publish(jobFor("a.jpg", nil))
	cmd, _ := s.spawn("", map[string]string{"NSQ_TLS": "true", "SSL_CERT_FILE": other})
	if l := s.want("nsqd cannot be reached, trying again"); !strings.Contains(l.Error, "certificate") {
		t.Errorf("logged %+v", l)
	}
	if stats, err := s.nsqd.Stats(s.ctx, "oss_upload", "worker"); err != nil || stats.Depth != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

// One nsqd with TLS does not vouch for another without: the worker ends rather than tell it anything.
func TestWorkerRefusesPlainNSQDAmongOthers(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := newSystem(t, func(o *nsqd.Options) { o.TLSCert, o.TLSKey = cert, key })
	plain := nsqtest.New(t)
	if err := plain.CreateChannel(s.ctx, "oss_upload", "worker"); err != nil {
		t.Fatal(err)
	}
	body, err := jobFor("gone.jpg", nil).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Publish(s.ctx, "oss_upload", body); err != nil {
		t.Fatal(err)
	}
	cmd, _ := s.spawn("", map[string]string{
		"NSQ_TLS": "true", "SSL_CERT_FILE": cert, "NSQD_ADDRS": s.nsqd.TCPAddr() + "," + plain.TCPAddr(),
	})
	if l := s.want("worker failed"); !strings.Contains(l.Error, "offers no TLS") {
		t.Errorf("logged %+v", l)
	}
	if _, err := plain.Wait(s.ctx, "oss_upload", "worker", func(s nsqtest.Stats) bool { return s.Depth == 1 && s.Clients == 0 }); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
}

// With nsqlookupd only, both the consumer and the sweep find the nsqd that are there.
func TestWorkerFindsNSQDThroughLookupd(t *testing.T) {
	t.Parallel()
	lookupd := nsqtest.NewLookupd(t)
	s := newSystem(t, lookupd.Registers)
	client, err := newClient(testConfig(s.oss))
	if err != nil {
		t.Fatal(err)
	}
	outbox, err := queue.NewOutbox(client, testPrefix, testTopic)
	if err != nil {
		t.Fatal(err)
	}
	photo := jpegOf(t, plain(400, 300, red))
	s.oss.Put(testBucket, "a.jpg", photo)
	if _, err := outbox.Put(s.ctx, testConfig(s.oss).keys(), jobFor("a.jpg", photo), 0); err != nil {
		t.Fatal(err)
	}
	cmd, read := s.spawn("", map[string]string{"NSQD_ADDRS": "", "NSQLOOKUPD_ADDRS": lookupd.HTTPAddr(), "SWEEP_INTERVAL": "200ms"})
	if l := s.want("job"); l.Outcome != "done" {
		t.Errorf("logged %+v", l)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	go func() {
		for range s.lines { // what is left of the log
		}
	}()
	<-read
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
