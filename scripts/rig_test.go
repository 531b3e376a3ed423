//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/queue"
	"oss-callback/scripts/internal/fcsim"
	"oss-callback/scripts/internal/nsqdproc"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/process"
	"oss-callback/scripts/internal/stack"
)

const (
	thumbs = queue.OutputPrefix
	outbox = ".outbox/"
	// rigPatience is only reached by something broken.
	rigPatience = 90 * time.Second
)

// rig is the whole of it in pieces that a test can break: nsqd processes behind relays, OSS, the function behind either door, workers.
// The test decides what runs.
type rig struct {
	t                *testing.T
	ctx              context.Context
	oss              *osssim.Server
	nsqds            []*nsqdproc.NSQD
	relays           []*relay
	function, worker *logs
	functionOut      io.Writer // where the function prints; default function
	bucket           *oss.Bucket
	mu               sync.Mutex
	exchanges        map[string]osssim.Exchange // by object
}

// newRig starts OSS and the nsqds, which have the worker's channel.
func newRig(t *testing.T, nsqds int) *rig {
	t.Helper()
	return newRigWith(t, nsqds, osssim.Config{})
}

// newRigWith is newRig with more to say about OSS.
func newRigWith(t *testing.T, nsqds int, c osssim.Config) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), rigPatience)
	t.Cleanup(cancel)
	r := &rig{t: t, ctx: ctx, function: new(logs), worker: new(logs), exchanges: map[string]osssim.Exchange{}}
	r.functionOut = r.function
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the function's log:\n%s\nend of the worker's log:\n%s", end(r.function), end(r.worker))
		}
	})
	var err error
	c.Region, c.Buckets, c.OnCallback = stack.Region, []string{stack.Bucket}, r.remember
	c.AccessKeyID, c.AccessKeySecret = stack.AccessKeyID, stack.AccessKeySecret
	if r.oss, err = osssim.Start(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.oss.Close() })
	for range nsqds {
		n, err := nsqdproc.Start(ctx, nsqdproc.Options{Path: command, Args: []string{"nsqd"}, Dir: t.TempDir(), Log: os.Stderr})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Kill)
		if err := n.CreateChannel(ctx, stack.Topic, stack.Channel); err != nil {
			t.Fatal(err)
		}
		r.nsqds = append(r.nsqds, n)
		r.relays = append(r.relays, newRelay(t, n.TCPAddr()))
	}
	client, err := oss.New(r.oss.Endpoint(), stack.AccessKeyID, stack.AccessKeySecret,
		oss.AuthVersion(oss.AuthV4), oss.Region(stack.Region), oss.HTTPClient(&http.Client{Timeout: 30 * time.Second}))
	if err == nil {
		r.bucket, err = client.Bucket(stack.Bucket)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func end(l *logs) string {
	s := l.String()
	return s[max(0, len(s)-4000):]
}

func (r *rig) remember(x osssim.Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges[x.Object] = x
}

func (r *rig) exchange(object string) osssim.Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exchanges[object]
}

// settings are those of function and worker alike.
func (r *rig) settings(more map[string]string) map[string]string {
	addrs := make([]string, len(r.relays))
	for i, relay := range r.relays {
		addrs[i] = relay.addr()
	}
	s := map[string]string{
		"OSS_ENDPOINT": r.oss.Endpoint(), "OSS_REGION": stack.Region, "ALLOWED_BUCKETS": stack.Bucket,
		"NSQD_ADDRS": strings.Join(addrs, ","), "NSQ_TOPIC": stack.Topic, "OUTBOX": "off",
	}
	maps.Copy(s, more)
	return s
}

// event starts the function behind FC's runtime API and returns its callback URL.
func (r *rig) event(c fcsim.Config, env map[string]string) string {
	r.t.Helper()
	c.Binary, c.Region, c.Stdout, c.Stderr = binaries.Function, stack.Region, r.functionOut, r.functionOut
	c.Credentials = fcsim.Credentials{AccessKeyID: stack.AccessKeyID, AccessKeySecret: stack.AccessKeySecret}
	c.Env = r.settings(env)
	c.Env["OSS_CALLBACK_PUBLIC_KEY"] = r.oss.PublicKeyPEM()
	fc, err := fcsim.Start(context.WithoutCancel(r.ctx), c)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { fc.Close() })
	r.oss.AllowPublic(fc.Addr())
	return fc.URL() + "/callback"
}

// web starts the function behind plain HTTP and returns its callback URL.
func (r *rig) web(env map[string]string) string {
	r.t.Helper()
	addr := freeAddr(r.t)
	host, port, _ := net.SplitHostPort(addr)
	s := r.settings(env)
	s["OSS_CALLBACK_PUBLIC_KEY"], s["LISTEN_HOST"], s["FC_CUSTOM_LISTEN_PORT"] = r.oss.PublicKeyPEM(), host, port
	r.start(binaries.Function, s, r.functionOut, "http://"+addr+"/healthz")
	r.oss.AllowPublic(addr)
	return "http://" + addr + "/callback"
}

// bothDoors starts the function behind each.
func (r *rig) bothDoors(env map[string]string) map[string]string {
	r.t.Helper()
	return map[string]string{"event": r.event(fcsim.Config{Freeze: true}, env), "web": r.web(env)}
}

// startWorker starts a worker whose sweep, if OUTBOX is on, is fast: what was published and is not done comes again after 2 s.
func (r *rig) startWorker(env map[string]string) *process.Process {
	r.t.Helper()
	s := r.settings(map[string]string{"METRICS_ADDR": freeAddr(r.t), "NSQ_CHANNEL": stack.Channel, "SWEEP_INTERVAL": "200ms"})
	maps.Copy(s, env)
	return r.start(binaries.Worker, s, r.worker, "http://"+s["METRICS_ADDR"]+"/healthz")
}

// start starts a process, which ends with the test, and returns when it is healthy.
func (r *rig) start(path string, settings map[string]string, log io.Writer, health string) *process.Process {
	r.t.Helper()
	p, err := r.launch(path, settings, log)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { p.Kill() })
	r.await("a healthy "+path, func() bool {
		resp, err := http.Get(health)
		if err == nil {
			resp.Body.Close()
		}
		select {
		case <-p.Done():
			r.t.Fatalf("%s ended: %v\n%s\n%s", path, p.Wait(), end(r.function), end(r.worker))
		default:
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return p
}

// launch only starts it. The caller ends it.
func (r *rig) launch(path string, settings map[string]string, log io.Writer) (*process.Process, error) {
	env := []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=" + stack.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + stack.AccessKeySecret}
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	return process.Start(process.Options{Path: path, Env: env, Stdout: log, Stderr: log})
}

// await polls what nobody tells.
func (r *rig) await(what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			r.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := process.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// upload is one PutObject with a callback, by the real SDK, and what the uploader got.
type upload struct {
	object string
	etag   string // of what was uploaded, also if OSS refused it
	status int    // 0: no answer from OSS
	ec     string // of a 203
	answer string // the function's
	err    error
}

func (r *rig) upload(url, object string, body []byte) upload {
	u := upload{object: object}
	var answer []byte
	options, err := stack.WithCallback(r.ctx, url, "rig", &answer)
	if err != nil {
		r.t.Error(err)
	}
	u.err = r.bucket.PutObject(object, bytes.NewReader(body), options...)
	u.answer = string(answer)
	fault, isFault := errors.AsType[oss.ServiceError](u.err)
	switch {
	case u.err == nil:
		u.status = http.StatusOK
	case isFault:
		u.status, u.ec = fault.StatusCode, fault.Ec
	}
	u.etag = fmt.Sprintf("%X", md5.Sum(body))
	return u
}

// queued uploads a picture of its own and fails the test unless the function takes it.
func (r *rig) queued(url, object string) upload {
	r.t.Helper()
	u := r.upload(url, object, tinyJPEG(r.t, object))
	if u.status != http.StatusOK || !strings.Contains(u.answer, `"status":"queued"`) {
		x := r.exchange(object)
		r.t.Fatalf("%s: %v; the function answered %d %s after %v", object, u.err, x.Status, x.Body, x.Elapsed)
	}
	return u
}

// manyQueued uploads so many pictures, eight at a time.
func (r *rig) manyQueued(url string, n int) []upload {
	r.t.Helper()
	all := make([]upload, n)
	next := make(chan int)
	var uploaders sync.WaitGroup
	for range 8 {
		uploaders.Go(func() {
			for i := range next {
				object := fmt.Sprintf("many/%04d.jpg", i)
				all[i] = r.upload(url, object, tinyJPEG(r.t, object))
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	uploaders.Wait()
	for _, u := range all {
		if u.status != http.StatusOK {
			r.t.Fatalf("%s: %v; the function answered %s", u.object, u.err, r.exchange(u.object).Body)
		}
	}
	return all
}

// thumbnails waits until each upload has its thumbnail, and the outbox is empty.
func (r *rig) thumbnails(all ...upload) {
	r.t.Helper()
	r.await("the thumbnails, and an empty outbox", func() bool {
		keys := r.oss.Keys(stack.Bucket)
		for _, u := range all {
			if _, found := slices.BinarySearch(keys, u.thumbnail()); !found {
				return false
			}
		}
		return !slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, outbox) })
	})
}

func (u upload) thumbnail() string { return thumbs + u.object + "." + u.etag + ".jpg" }

func (r *rig) under(prefix string) []string {
	return slices.DeleteFunc(r.oss.Keys(stack.Bucket), func(k string) bool { return !strings.HasPrefix(k, prefix) })
}

// tinyJPEG is a picture that no other name has.
func tinyJPEG(t *testing.T, name string) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for i, c := range []byte(name) {
		img.SetRGBA(i%8, i/8%8, color.RGBA{c, 255 - c, byte(i), 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Error(err)
	}
	// A comment segment makes it unique.
	comment := append([]byte{0xff, 0xfe, 0, byte(len(name) + 2)}, name...)
	return slices.Concat(b.Bytes()[:2], comment, b.Bytes()[2:])
}
