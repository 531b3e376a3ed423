//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"oss-callback/queue/nsqtest"
	"oss-callback/scripts/internal/fcsim"
	"oss-callback/scripts/internal/nsqdproc"
	"oss-callback/scripts/internal/process"
	"oss-callback/scripts/internal/stack"
)

// lookupd is an nsqlookupd process.
type lookupd struct {
	tcp, http string
	proc      *process.Process
}

func (r *rig) startLookupd() lookupd {
	r.t.Helper()
	l := lookupd{tcp: freeAddr(r.t), http: freeAddr(r.t)}
	var err error
	if l.proc, err = process.Start(process.Options{Path: command, Args: []string{"nsqlookupd", "--tcp", l.tcp, "--http", l.http}, Stderr: os.Stderr}); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = l.proc.Kill() })
	r.await("an nsqlookupd", func() bool {
		select {
		case <-l.proc.Done():
			r.t.Fatal("nsqlookupd ended: ", l.proc.Wait())
		default:
		}
		return l.nodes(r.ctx) != nil
	})
	return l
}

// nodes are the TCP addresses of the nsqd that it knows, nil if it does not answer.
func (l lookupd) nodes(ctx context.Context) []string {
	answer, err := ask(ctx, http.MethodGet, "http://"+l.http+"/nodes", "")
	if err != nil {
		return nil
	}
	var known struct {
		Producers []struct {
			Address string `json:"broadcast_address"`
			Port    int    `json:"tcp_port"`
		}
	}
	if json.Unmarshal(answer, &known) != nil {
		return nil
	}
	nodes := []string{}
	for _, p := range known.Producers {
		nodes = append(nodes, fmt.Sprintf("%s:%d", p.Address, p.Port))
	}
	return nodes
}

// ask is one request to the HTTP API of nsqd or nsqlookupd.
func ask(ctx context.Context, method, url, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", url, resp.Status, answer)
	}
	return answer, err
}

// register tells an nsqd which nsqlookupd there are, as --lookupd-tcp-address does.
func (r *rig) register(n *nsqdproc.NSQD, lookupds []lookupd) {
	r.t.Helper()
	var addrs []string
	for _, l := range lookupds {
		addrs = append(addrs, l.tcp)
	}
	body, err := json.Marshal(addrs)
	if err == nil {
		_, err = ask(r.ctx, http.MethodPut, "http://"+n.HTTPAddr()+"/config/nsqlookupd_tcp_addresses", string(body))
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// awaitNodes waits until an nsqlookupd knows so many nsqd.
func (r *rig) awaitNodes(l lookupd, n int) {
	r.t.Helper()
	r.await(fmt.Sprintf("%d nsqd at nsqlookupd", n), func() bool { return len(l.nodes(r.ctx)) == n })
}

// addNSQD starts one more, empty, and without the worker's channel: nobody makes it by hand in production either.
func (r *rig) addNSQD() *nsqdproc.NSQD {
	r.t.Helper()
	n, err := nsqdproc.Start(r.ctx, nsqdproc.Options{Path: command, Args: []string{"nsqd"}, Dir: r.t.TempDir(), Log: os.Stderr})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(n.Kill)
	return n
}

func tcpAddrs(nsqds ...*nsqdproc.NSQD) string {
	var addrs []string
	for _, n := range nsqds {
		addrs = append(addrs, n.TCPAddr())
	}
	return strings.Join(addrs, ",")
}

// stream uploads one picture after the other, some at a time, each to the function that is deployed just then, until it is stopped.
type stream struct {
	rig  *rig
	url  atomic.Pointer[string]
	over atomic.Int64 // uploads
	stop func() []upload
}

func (r *rig) startStream(url string) *stream {
	s := &stream{rig: r}
	s.url.Store(&url)
	ctx, stop := context.WithCancel(r.ctx)
	var (
		uploaders sync.WaitGroup
		mu        sync.Mutex
		all       []upload
	)
	for i := range 6 {
		uploaders.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				object := fmt.Sprintf("topology/%d-%04d.jpg", i, n)
				u := r.upload(*s.url.Load(), object, tinyJPEG(r.t, object))
				mu.Lock()
				all = append(all, u)
				mu.Unlock()
				s.over.Add(1)
			}
		})
	}
	s.stop = func() []upload { stop(); uploaders.Wait(); return all }
	r.t.Cleanup(func() { s.stop() })
	return s
}

// after waits until n more uploads are over.
func (s *stream) after(n int64) {
	s.rig.t.Helper()
	n += s.over.Load()
	s.rig.await("more uploads", func() bool { return s.over.Load() >= n })
}

// TestTopology is deploy/nsq/three in an eventful hour, as processes on this machine: three nsqd, two nsqlookupd, two workers that find
// nsqd through them, and the function with three NSQD_ADDRS and OUTBOX=always. While uploads go on, an nsqd is lost with its disk, an
// nsqlookupd dies, a new nsqd takes the lost one's place, and the function is deployed anew with its address. Every upload that was
// answered 200 has its thumbnail.
func TestTopology(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3)
	lookupds := []lookupd{r.startLookupd(), r.startLookupd()}
	for _, n := range r.nsqds {
		r.register(n, lookupds)
	}
	for _, l := range lookupds {
		r.awaitNodes(l, 3)
	}
	lost, second, third := r.nsqds[0], r.nsqds[1], r.nsqds[2]
	workerEnv := map[string]string{"NSQD_ADDRS": "", "NSQLOOKUPD_ADDRS": lookupds[0].http + "," + lookupds[1].http, "OUTBOX": "always"}
	workers := []*process.Process{r.startWorker(workerEnv), r.startWorker(workerEnv)}
	deploy := func(addrs string) string {
		return r.event(fcsim.Config{Freeze: true, MaxInstances: 6}, map[string]string{"OUTBOX": "always", "NSQD_ADDRS": addrs})
	}
	s := r.startStream(deploy(tcpAddrs(lost, second, third)))
	s.after(60)

	// Workers are behind: there are jobs on the nsqd that will be lost, and nowhere else but in the outbox.
	for _, w := range workers {
		if err := w.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	var behind nsqtest.Stats
	r.await("jobs on the first nsqd", func() bool {
		var err error
		behind, err = lost.Stats(r.ctx, stack.Topic, stack.Channel)
		return err == nil && behind.Depth+behind.InFlight >= 5
	})
	lost.Kill()
	if err := os.RemoveAll(lost.Dir()); err != nil {
		t.Fatal(err)
	}
	for _, w := range workers {
		if err := w.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
	s.after(60)

	_ = lookupds[0].proc.Kill()
	s.after(60)

	added := r.addNSQD()
	r.register(added, lookupds) // the dead nsqlookupd among them
	r.awaitNodes(lookupds[1], 3)
	url := deploy(tcpAddrs(added, second, third))
	s.url.Store(&url)
	s.after(60)

	all := s.stop()
	var answered []upload
	for _, u := range all {
		if u.status == http.StatusOK {
			answered = append(answered, u)
		} else if u.status != http.StatusNonAuthoritativeInfo {
			t.Errorf("%s: neither yes nor no: %d, %v", u.object, u.status, u.err)
		}
	}
	r.thumbnails(answered...)

	took, err := added.Stats(r.ctx, stack.Topic, "")
	if err != nil || took.Messages == 0 {
		t.Errorf("the new nsqd had no jobs: %+v, %v", took, err)
	}
	if len(answered) < len(all)*9/10 {
		t.Errorf("%d of %d uploads were answered: that proves little", len(answered), len(all))
	}
	if left, err := filepath.Glob(filepath.Join(lost.Dir(), "*")); err != nil || len(left) > 0 {
		t.Errorf("the lost disk is still there: %q, %v", left, err)
	}
	t.Logf("%d of %d uploads answered 200; %d jobs lost with nsqd, %d on the new one", len(answered), len(all), behind.Depth+behind.InFlight, took.Messages)
}

func TestNSQLookupdListensOnLoopbackOnly(t *testing.T) {
	for _, addrs := range [][2]string{{"0.0.0.0:0", "127.0.0.1:0"}, {"127.0.0.1:0", ":0"}, {"127.0.0.1:0", "localhost:0"}, {"", "127.0.0.1:0"}} {
		if err := runNSQLookupd(t.Context(), addrs[0], addrs[1]); err == nil || !strings.Contains(err.Error(), "is no loopback ip:port") {
			t.Errorf("%q: %v", addrs, err)
		}
	}
}
