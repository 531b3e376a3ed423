package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nsqio/nsq/nsqd"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
	"oss-callback/queue/osstest"
	"oss-callback/queue/settings"
)

const (
	testPrefix = ".outbox/"
	testTopic  = "oss_upload"
)

const patience = 3 * time.Minute // only reached by a broken worker: hostile images take one on a busy machine

// TestMain makes the test binary the worker itself for the tests that need a process of their own.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_WORKER") != "" {
		main()
	}
	os.Exit(m.Run())
}

type logLine struct {
	Level, Msg, Outcome, Job, Bucket, Object, Reason, Error, Metrics string
	Attempts                                                         int
	MS                                                               *int64
}

// system is a real nsqd, a fake OSS and one or more workers.
type system struct {
	t     *testing.T
	ctx   context.Context
	nsqd  *nsqtest.NSQD
	oss   *osstest.Server
	lines chan logLine
	sweep time.Duration // 0: never
}

func newSystem(t *testing.T, configure ...func(*nsqd.Options)) *system {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	s := &system{t: t, ctx: ctx, nsqd: nsqtest.New(t, configure...), oss: osstest.New(t), lines: make(chan logLine, 100)}
	if err := s.nsqd.CreateChannel(ctx, testTopic, "worker"); err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs a worker in this process and returns its metrics' address; stop gives its error.
func (s *system) start() (metrics string, stop func() error) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	out, in := io.Pipe()
	done := make(chan error, 1)
	conf := testConfig(s.oss)
	conf.NSQ = settings.NSQ{Addrs: []string{s.nsqd.TCPAddr()}, Topic: testTopic}
	conf.Channel, conf.MetricsAddr, conf.MaxAttempts = "worker", "127.0.0.1:0", 2
	conf.Outbox, conf.OutboxPrefix, conf.SweepInterval = "on-failure", testPrefix, s.sweep
	go func() { done <- work(ctx, conf, slog.New(slog.NewJSONHandler(in, nil))); in.Close() }()
	go s.read(out)
	s.t.Cleanup(cancel)
	return s.want("worker started").Metrics, func() error { cancel(); return <-done }
}

// spawn runs a worker in a process of its own, this binary if none is named; read is closed at the end of its log.
func (s *system) spawn(binary string, settings map[string]string) (cmd *exec.Cmd, read chan struct{}) {
	s.t.Helper()
	if binary == "" {
		self, err := os.Executable()
		if err != nil {
			s.t.Fatal(err)
		}
		binary = self
	}
	cmd = exec.CommandContext(s.ctx, binary)
	cmd.Env = append(os.Environ(), "TEST_AS_WORKER=1")
	env := goodEnv()
	env["NSQD_ADDRS"], env["OSS_ENDPOINT"], env["OSS_REGION"] = s.nsqd.TCPAddr(), s.oss.URL, osstest.Region
	env["METRICS_ADDR"], env["SWEEP_INTERVAL"] = "127.0.0.1:0", "0"
	maps.Copy(env, settings)
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	read = make(chan struct{})
	go func() { defer close(read); s.read(stderr) }()
	return cmd, read
}

func (s *system) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var l logLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			s.t.Errorf("log line %q: %v", lines.Text(), err)
		}
		s.lines <- l
	}
}

func (s *system) want(msg string) logLine {
	s.t.Helper()
	for {
		select {
		case l := <-s.lines:
			if l.Msg == msg {
				return l
			}
		case <-s.ctx.Done():
			s.t.Fatalf("never logged %q", msg)
		}
	}
}

func (s *system) publish(jobs ...queue.Job) {
	s.t.Helper()
	p, err := queue.NewPublisher(queue.PublisherConfig{Addrs: []string{s.nsqd.TCPAddr()}, Topic: testTopic})
	if err != nil {
		s.t.Fatal(err)
	}
	defer p.Close()
	for _, job := range jobs {
		if _, err := p.Publish(s.ctx, job); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *system) get(url string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(b)
}

func TestWorkerEndToEnd(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	metrics, stop := s.start()
	photo := withEXIF(jpegOf(t, plain(400, 300, red)), exifOf(6))
	s.oss.Put(testBucket, "a.jpg", photo)
	good, broken := jobFor("a.jpg", photo), jobFor("broken.jpg", nil)
	s.oss.Put(testBucket, "broken.jpg", nil)

	s.publish(good)
	l := s.want("job")
	if l.Outcome != "done" || l.Job != good.ID || l.Bucket != testBucket || l.Object != "a.jpg" || l.Attempts != 1 || l.MS == nil || l.Error != "" {
		t.Errorf("logged %+v", l)
	}
	if len(s.oss.Objects(testBucket, "thumbs/")) != 1 {
		t.Errorf("got thumbnails %v", s.oss.Objects(testBucket, "thumbs/"))
	}
	s.publish(broken)
	if l := s.want("job"); l.Outcome != "dead" || l.Reason != "permanent" || !strings.Contains(l.Error, errNotAnImage.Error()) {
		t.Errorf("logged %+v", l)
	}
	body, err := s.nsqd.Receive(s.ctx, queue.DeadTopic("oss_upload"), "test")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := queue.DecodeDeadLetter(body); err != nil || d.Reason != queue.ReasonPermanent {
		t.Errorf("dead letter %s, %v", body, err)
	}

	if got := s.get("http://" + metrics + "/healthz"); got != "ok\n" {
		t.Errorf("healthz says %q", got)
	}
	text := s.get("http://" + metrics + "/metrics")
	for _, line := range []string{
		`osscallback_worker_jobs_total\{outcome="done"\} 1`, `osscallback_worker_jobs_total\{outcome="dead"\} 1`,
		`osscallback_worker_dead_letters_total\{reason="permanent"\} 1`, `osscallback_worker_job_duration_seconds_count 2`,
		`osscallback_worker_in_flight 0`, `osscallback_worker_redelivered_total 0`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(text) {
			t.Errorf("metrics lack %s", line)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Two workers and the same job twice: whoever comes second finds the thumbnail, or loses the write.
func TestTwoWorkersLeaveOneThumbnail(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	_, stop1 := s.start()
	_, stop2 := s.start()
	photo := jpegOf(t, plain(400, 300, red))
	s.oss.Put(testBucket, "a.jpg", photo)
	for range 2 {
		s.publish(jobFor("a.jpg", photo))
	}
	for done := 0; done < 2; {
		switch l := s.want("job"); l.Outcome {
		case "done":
			done++
		case "put_back", "parked":
		default:
			t.Fatalf("logged %+v", l)
		}
	}
	if n := len(s.oss.Objects(testBucket, "thumbs/")); n != 1 || s.oss.Stored() != 1 {
		t.Errorf("%d writes left %d thumbnails", s.oss.Stored(), n)
	}
	if err := errors.Join(stop1(), stop2()); err != nil {
		t.Error(err)
	}
}

// SIGTERM lets a running job finish, and the process exits 0.
func TestSIGTERMDrains(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	reading, release := make(chan struct{}), make(chan struct{})
	s.oss.Intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			close(reading)
			<-release
		}
		return false
	}
	photo := jpegOf(t, plain(400, 300, red))
	s.oss.Put(testBucket, "a.jpg", photo)

	cmd, read := s.spawn("", nil)
	s.want("worker started")
	s.publish(jobFor("a.jpg", photo))
	<-reading
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	close(release)
	if l := s.want("job"); l.Outcome != "done" {
		t.Errorf("logged %+v", l)
	}
	s.want("worker stopped")
	<-read
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if len(s.oss.Objects(testBucket, "thumbs/")) != 1 {
		t.Error("no thumbnail")
	}
}
