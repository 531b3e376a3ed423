package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
	"oss-callback/queue/osstest"
	"oss-callback/queue/settings"
)

// sweepRig is a sweeper between a real nsqd and a fake OSS.
type sweepRig struct {
	*sweeper
	oss  *osstest.Server
	nsqd *nsqtest.NSQD
	log  *bytes.Buffer
}

func newSweepRig(t *testing.T, buckets ...string) *sweepRig {
	t.Helper()
	r := &sweepRig{oss: osstest.New(t), nsqd: nsqtest.New(t), log: &bytes.Buffer{}}
	for _, topic := range []string{testTopic, testTopic + ".dead"} {
		if err := r.nsqd.CreateChannel(t.Context(), topic, "worker"); err != nil {
			t.Fatal(err)
		}
	}
	conf := testConfig(r.oss)
	conf.NSQ = settings.NSQ{Addrs: []string{r.nsqd.TCPAddr()}, Topic: testTopic}
	conf.OutboxPrefix, conf.SweepInterval = testPrefix, 30*time.Second
	conf.Buckets = append(buckets, testBucket)
	client, err := newClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	r.sweeper, err = newSweeper(conf, client, newMetrics(), slog.New(slog.NewTextHandler(r.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// put writes an entry as the function does.
func (r *sweepRig) put(t *testing.T, key string, published int, age time.Duration) queue.Job {
	t.Helper()
	job, err := r.outbox.Put(t.Context(), r.keys, jobFor(key, []byte(key)), published)
	if err != nil {
		t.Fatal(err)
	}
	r.oss.Age(testBucket, job.Outbox, age)
	return job
}

// metric is the value of a counter or gauge, over all labels.
func (r *sweepRig) metric(t *testing.T, name string) (sum float64) {
	t.Helper()
	families, err := r.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "osscallback_worker_"+name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func (r *sweepRig) keysLeft() []string {
	var keys []string
	for key := range r.oss.Objects(testBucket, testPrefix) {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (r *sweepRig) receive(t *testing.T, topic string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	body, err := r.nsqd.Receive(ctx, topic, "worker")
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (r *sweepRig) published(t *testing.T) uint64 {
	t.Helper()
	stats, err := r.nsqd.Stats(t.Context(), "oss_upload", "")
	if err != nil {
		t.Fatal(err)
	}
	return stats.Messages
}

func TestSweepPublishesWhatNobodyTook(t *testing.T) {
	r := newSweepRig(t)
	job := r.put(t, "a.jpg", 0, 0)
	r.sweep(t.Context())
	got, err := queue.DecodeJob(r.receive(t, "oss_upload"))
	if err != nil {
		t.Fatal(err)
	}
	left := r.keysLeft()
	if len(left) != 1 || left[0] != got.Outbox || !strings.HasSuffix(got.Outbox, "/"+job.ID+"-1.json") {
		t.Errorf("published with entry %q, left %q", got.Outbox, left)
	}
	want := job
	want.Outbox = got.Outbox
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if kept, _, found, err := r.outbox.Read(t.Context(), r.keys, queue.Entry{Bucket: testBucket, Key: got.Outbox, JobID: job.ID}); err != nil || !found ||
		!cmp.Equal(kept, got) {
		t.Errorf("the new entry holds %+v, %v", kept, err)
	}
	// What a crash would interrupt: the new entry is written before the old one goes.
	steps := slices.DeleteFunc(r.oss.Requests(), func(s string) bool { return !strings.HasPrefix(s, "PUT") && !strings.HasPrefix(s, "DELETE") })
	if want := []string{"PUT /photos/" + job.Outbox, "PUT /photos/" + got.Outbox, "DELETE /photos/" + job.Outbox}; !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	r.sweep(t.Context()) // the worker has its chance now
	if n := r.published(t); n != 1 {
		t.Errorf("published %d times", n)
	}
	if n := r.metric(t, "swept_total"); n != 1 {
		t.Errorf("swept_total is %v", n)
	}
	if n := r.metric(t, "outbox_entries"); n != 1 {
		t.Errorf("outbox_entries is %v", n)
	}
}

func TestDue(t *testing.T) {
	written := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		published   int
		every, want time.Duration
	}{
		{0, 30 * time.Second, 0}, {1, 30 * time.Second, 5 * time.Minute}, {2, 30 * time.Second, 10 * time.Minute},
		{5, 30 * time.Second, 80 * time.Minute}, {10, 30 * time.Second, 24 * time.Hour}, {999_999_999, 30 * time.Second, 24 * time.Hour},
		{1, 24 * time.Hour, 24 * time.Hour}, {1, 100 * time.Millisecond, time.Second}, {30, 100 * time.Millisecond, 24 * time.Hour},
	} {
		if got := due(queue.Entry{Written: written, Published: c.published}, c.every).Sub(written); got != c.want {
			t.Errorf("published %d times, every %v: due after %v, want %v", c.published, c.every, got, c.want)
		}
	}
}

// A job that was published long ago and is still not done comes again; a younger one has its time.
func TestSweepPublishesAgain(t *testing.T) {
	r := newSweepRig(t)
	old, young := r.put(t, "old.jpg", 1, 6*time.Minute), r.put(t, "young.jpg", 1, 4*time.Minute)
	r.sweep(t.Context())
	got, err := queue.DecodeJob(r.receive(t, "oss_upload"))
	if err != nil || got.ID != old.ID || !strings.HasSuffix(got.Outbox, "-2.json") {
		t.Errorf("published %+v, %v", got, err)
	}
	if left := r.keysLeft(); !slices.Contains(left, young.Outbox) || len(left) != 2 || r.published(t) != 1 {
		t.Errorf("left %q", left)
	}
	if age := r.metric(t, "outbox_oldest_seconds"); age < 360 || age > 3600 {
		t.Errorf("outbox_oldest_seconds is %v", age)
	}
}

// Without an nsqd nothing changes, and the next sweep does it all.
func TestSweepWaitsForNSQD(t *testing.T) {
	r := newSweepRig(t)
	for i := range 20 {
		r.put(t, fmt.Sprint(i), 0, time.Minute)
	}
	before := r.keysLeft()
	r.nsqd.Stop()
	r.sweep(t.Context())
	if d := cmp.Diff(before, r.keysLeft()); d != "" {
		t.Error(d)
	}
	if n := r.metric(t, "sweep_errors_total"); n < 1 || n > sweepAtOnce {
		t.Errorf("sweep_errors_total is %v", n)
	}
	if err := r.nsqd.Restart(); err != nil {
		t.Fatal(err)
	}
	r.sweep(t.Context())
	if n := r.metric(t, "swept_total"); n != 20 {
		t.Errorf("%v of 20 were published", n)
	}
}

func TestSweepBuriesWhatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		reason queue.Reason
	}{
		"garbage": {"\x00", queue.ReasonMalformedJob},
		"newer":   {`{"v":2,"new":"<>"}`, queue.ReasonUnknownVersion},
	} {
		t.Run(name, func(t *testing.T) {
			r := newSweepRig(t)
			job := r.put(t, "a.jpg", 0, 0)
			r.oss.Put(testBucket, job.Outbox, []byte(c.body))
			r.sweep(t.Context())
			l, err := queue.DecodeDeadLetter(r.receive(t, "oss_upload.dead"))
			if err != nil || l.Reason != c.reason || string(l.Job)+string(l.Raw) != c.body || l.Topic != "oss_upload" {
				t.Errorf("dead letter %+v, %v", l, err)
			}
			if left := r.keysLeft(); len(left) != 0 || r.published(t) != 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

// Without the dead letter published the entry must stay.
func TestSweepKeepsWhatItCannotBury(t *testing.T) {
	r := newSweepRig(t)
	job := r.put(t, "a.jpg", 0, 0)
	r.oss.Put(testBucket, job.Outbox, []byte("x"))
	r.nsqd.Stop()
	r.sweep(t.Context())
	if left := r.keysLeft(); len(left) != 1 {
		t.Errorf("left %q", left)
	}
}

func TestSweepLeavesStrangersAlone(t *testing.T) {
	r := newSweepRig(t)
	for i := range 3 {
		r.oss.Put(testBucket, fmt.Sprint(testPrefix, testTopic, "/stranger", i), []byte("x"))
	}
	r.sweep(t.Context())
	if len(r.keysLeft()) != 3 || r.metric(t, "outbox_strangers") != 3 || strings.Count(r.log.String(), "level=WARN") != 1 {
		t.Errorf("left %q, said %s", r.keysLeft(), r.log)
	}
	if requests := r.oss.Requests(); len(requests) != 1 {
		t.Errorf("asked for %q", requests)
	}
}

// A bucket that is denied is named with the cure, and the next one is swept all the same.
func TestSweepGoesOnAfterDenial(t *testing.T) {
	for _, method := range []string{"list", http.MethodGet, http.MethodPut, http.MethodDelete} {
		t.Run(method, func(t *testing.T) {
			r := newSweepRig(t, "denied")
			good := r.put(t, "a.jpg", 0, 0)
			for i := range 3 {
				bad := jobFor(fmt.Sprint(i), []byte("x"))
				bad.Bucket = "denied"
				if _, err := r.outbox.Put(t.Context(), r.keys, bad, 0); err != nil {
					t.Fatal(err)
				}
			}
			r.oss.Intercept = func(w http.ResponseWriter, req *http.Request) bool {
				listing := req.URL.Query().Has("list-type")
				if !strings.HasPrefix(req.URL.Path, "/denied/") || (method == "list") != listing || (!listing && req.Method != method) {
					return false
				}
				osstest.Error(w, http.StatusForbidden, "AccessDenied")
				return true
			}
			r.sweep(t.Context())
			if left := r.keysLeft(); len(left) != 1 || left[0] == good.Outbox {
				t.Errorf("the other bucket was not swept: %q", left)
			}
			for entry := range r.oss.Objects("denied", testPrefix) {
				if !strings.HasSuffix(entry, "-0.json") && method != http.MethodDelete {
					t.Errorf("left %q", entry)
				}
			}
			if n := len(r.oss.Objects("denied", testPrefix)); n < 3 {
				t.Errorf("%d entries of 3 are left", n)
			}
			if said := r.log.String(); strings.Count(said, "oss:ListObjects") != 1 || !strings.Contains(said, "bucket=denied") {
				t.Errorf("said %s", said)
			}
		})
	}
}

// Entries that fail by themselves do not keep the others waiting.
func TestSweepGoesPastBadEntries(t *testing.T) {
	r := newSweepRig(t)
	bad := map[string]bool{}
	for i := range maxFaults - 1 {
		bad["/photos/"+r.put(t, fmt.Sprint("bad", i), 0, time.Hour).Outbox] = true
	}
	good := r.put(t, "good", 0, 0)
	r.oss.Intercept = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodGet && bad[req.URL.Path] {
			osstest.Error(w, http.StatusForbidden, "InvalidObjectState")
			return true
		}
		return false
	}
	r.sweep(t.Context())
	if got, err := queue.DecodeJob(r.receive(t, "oss_upload")); err != nil || got.ID != good.ID {
		t.Errorf("published %+v, %v", got, err)
	}
	if n := r.metric(t, "sweep_errors_total"); n != maxFaults-1 {
		t.Errorf("sweep_errors_total is %v", n)
	}
}

// Several workers sweep at once: every job is published, none is lost, and one entry each is left.
func TestSweepsAtOnce(t *testing.T) {
	r := newSweepRig(t)
	const jobs = 30
	ids := map[string]bool{}
	for i := range jobs {
		ids[r.put(t, fmt.Sprint(i), 0, 0).ID] = true
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { s := *r.sweeper; s.log = slog.New(slog.DiscardHandler); s.sweep(t.Context()) })
	}
	all.Wait()
	if n := r.published(t); n < jobs || n > 3*jobs {
		t.Errorf("published %d times", n)
	}
	if n := len(r.keysLeft()); n != jobs {
		t.Errorf("%d entries are left of %d", n, jobs)
	}
	left := map[string]bool{}
	entries, _, err := r.outbox.List(t.Context(), r.keys, testBucket)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Published != 1 {
			t.Errorf("left %s", e.Key)
		}
		left[e.JobID] = true
	}
	if !cmp.Equal(ids, left) {
		t.Errorf("%d of %d jobs have an entry", len(left), jobs)
	}
}

// A sweep that is told to stop leaves entries, never gaps.
func TestSweepEnds(t *testing.T) {
	r := newSweepRig(t)
	r.put(t, "a.jpg", 0, 0)
	ctx, cancel := context.WithCancel(t.Context())
	r.oss.Intercept = func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodGet {
			cancel()
			<-req.Context().Done()
			return true
		}
		return false
	}
	r.every = 100 * time.Millisecond
	r.run(ctx)
	if len(r.keysLeft()) != 1 {
		t.Errorf("left %q", r.keysLeft())
	}
}

func TestEndedRemovesTheEntry(t *testing.T) {
	for outcome, removed := range map[queue.Outcome]bool{
		queue.OutcomeDone: true, queue.OutcomeDead: true, queue.OutcomeRetried: false, queue.OutcomePostponed: false,
		queue.OutcomePutBack: false, queue.OutcomeParked: false,
	} {
		r := newSweepRig(t)
		job := r.put(t, "a.jpg", 1, 0)
		r.ended(t.Context(), queue.Result{Job: job, Outcome: outcome})
		if left := r.keysLeft(); (len(left) == 0) != removed {
			t.Errorf("%s: left %q", outcome, left)
		}
	}
	r := newSweepRig(t)
	photo := jobFor("a.jpg", nil)
	photo.Outbox = "a.jpg" // a hostile message
	r.oss.Put(testBucket, "a.jpg", []byte("x"))
	r.ended(t.Context(), queue.Result{Job: photo, Outcome: queue.OutcomeDone})
	if len(r.oss.Objects(testBucket, "a.jpg")) != 1 {
		t.Error("removed an upload")
	}
	elsewhere := r.put(t, "a.jpg", 1, 0)
	elsewhere.Bucket = "other"
	before := len(r.oss.Requests())
	r.ended(t.Context(), queue.Result{Job: elsewhere, Outcome: queue.OutcomeDead})
	if len(r.oss.Requests()) != before {
		t.Error("asked for a bucket that is not ours")
	}
}

// The whole way: no nsqd took the job, the worker's sweep publishes it, the worker does it, and the entry goes.
func TestWorkerEmptiesTheOutbox(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.sweep = 200 * time.Millisecond
	photo := jpegOf(t, plain(400, 300, red))
	s.oss.Put(testBucket, "a.jpg", photo)
	client, err := newClient(testConfig(s.oss))
	if err != nil {
		t.Fatal(err)
	}
	outbox, err := queue.NewOutbox(client, testPrefix, testTopic)
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range []queue.Job{jobFor("a.jpg", photo), jobFor("gone.jpg", photo)} {
		if _, err := outbox.Put(s.ctx, testConfig(s.oss).keys(), job, 0); err != nil {
			t.Fatal(err)
		}
	}
	_, stop := s.start()
	for outcomes := map[string]bool{}; !outcomes["done"] || !outcomes["dead"]; {
		outcomes[s.want("job").Outcome] = true
	}
	for tick := time.NewTicker(10 * time.Millisecond); len(s.oss.Objects(testBucket, testPrefix)) > 0; {
		select {
		case <-tick.C:
		case <-s.lines:
		case <-s.ctx.Done():
			t.Fatalf("left %q", s.oss.Objects(testBucket, testPrefix))
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if n := len(s.oss.Objects(testBucket, "thumbs/")); n != 1 {
		t.Errorf("%d thumbnails", n)
	}
}

func TestLookup(t *testing.T) {
	serve := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/nodes" {
				t.Errorf("asked for %s", r.URL)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	two := serve(200, `{"producers":[{"broadcast_address":"a","tcp_port":1},{"broadcast_address":"::1","tcp_port":2},{"tcp_port":3}]}`)
	one := serve(200, `{"producers":[{"broadcast_address":"a","tcp_port":1}]}`)
	for name, c := range map[string]struct {
		lookupds []string
		want     []string
		err      error
		says     string
	}{
		"one answers":  {[]string{"127.0.0.1:1", two}, []string{"[::1]:2", "a:1"}, nil, ""},
		"both answer":  {[]string{one, two}, []string{"[::1]:2", "a:1"}, nil, ""},
		"none known":   {[]string{serve(200, `{"producers":[]}`)}, nil, errNoNSQD, ""},
		"none answers": {[]string{"127.0.0.1:1"}, nil, errNoNSQD, "refused"},
		"fails":        {[]string{serve(500, "")}, nil, errNoNSQD, "500"},
		"no JSON":      {[]string{serve(200, "<html>")}, nil, errNoNSQD, "invalid character"},
		"endless":      {[]string{serve(200, strings.Repeat(" ", maxNodes+1))}, nil, errNoNSQD, "exceeds"},
		"bad port":     {[]string{serve(200, `{"producers":[{"broadcast_address":"a","tcp_port":70000}]}`)}, nil, errNoNSQD, "70000"},
	} {
		got, err := lookup(t.Context(), c.lookupds)
		if !slices.Equal(got, c.want) || !errors.Is(err, c.err) || (err != nil && !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// The gauges tell of every bucket while there is no nsqd, and keep what they know when a bucket cannot be listed.
func TestSweepGaugesOutliveFaults(t *testing.T) {
	r := newSweepRig(t, "other")
	r.put(t, "a.jpg", 0, time.Minute)
	job := jobFor("b.jpg", []byte("x"))
	job.Bucket = "other"
	old, err := r.outbox.Put(t.Context(), r.keys, job, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.oss.Age("other", old.Outbox, time.Hour)
	r.nsqd.Stop()
	check := func(when string) {
		t.Helper()
		r.sweep(t.Context())
		if n, age := r.metric(t, "outbox_entries"), r.metric(t, "outbox_oldest_seconds"); n != 2 || age < 3600 {
			t.Errorf("%s: %v entries, the oldest %v s", when, n, age)
		}
	}
	check("no nsqd")
	r.oss.Intercept = func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Query().Has("list-type") {
			osstest.Error(w, http.StatusForbidden, "AccessDenied")
			return true
		}
		return false
	}
	check("no right to list")
}

// An entry whose name cannot count further is written anew under the same name, and stays.
func TestSweepKeepsTheLastName(t *testing.T) {
	r := newSweepRig(t)
	job := r.put(t, "a.jpg", 999_999_999, 48*time.Hour)
	r.sweep(t.Context())
	if left := r.keysLeft(); len(left) != 1 || left[0] != job.Outbox || r.published(t) != 1 {
		t.Errorf("left %q, published %d times", left, r.published(t))
	}
}
