package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"oss-callback/queue"
	"oss-callback/queue/ossclient"
	"oss-callback/queue/osstest"
)

var (
	outboxKeys = ossclient.Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}
)

const (
	outboxPrefix = ".outbox/"
	outboxTopic  = "uploads"
	outboxFolder = outboxPrefix + outboxTopic + "/"
)

func newOutbox(t *testing.T, s *osstest.Server) *queue.Outbox {
	t.Helper()
	return newOutboxOf(t, s, outboxTopic)
}

func newOutboxOf(t *testing.T, s *osstest.Server, topic string) *queue.Outbox {
	t.Helper()
	client, err := ossclient.New(ossclient.Config{Endpoint: s.URL, Region: osstest.Region,
		Transport: ossclient.Transport(ossclient.Timeouts{Dial: time.Second, Header: 10 * time.Second})})
	if err != nil {
		t.Fatal(err)
	}
	o, err := queue.NewOutbox(client, outboxPrefix, topic)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOutboxKeepsAJob(t *testing.T) {
	s := osstest.New(t)
	o := newOutbox(t, s)
	job := goldenJob()
	put, err := o.Put(t.Context(), outboxKeys, job, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := job
	want.Outbox = ".outbox/uploads/" + job.ID + "-0.json"
	if d := cmp.Diff(want, put); d != "" {
		t.Error(d)
	}
	entries, strangers, err := o.List(t.Context(), outboxKeys, job.Bucket)
	if err != nil || strangers != 0 {
		t.Fatal(strangers, err)
	}
	e := queue.Entry{Bucket: job.Bucket, Key: want.Outbox, JobID: job.ID}
	if d := cmp.Diff([]queue.Entry{e}, entries, cmpopts.IgnoreFields(e, "Written")); d != "" || time.Since(entries[0].Written) > time.Hour {
		t.Fatal(d, entries)
	}
	got, body, found, err := o.Read(t.Context(), outboxKeys, e)
	if err != nil || !found || len(body) == 0 {
		t.Fatal(found, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for range 2 {
		if err := o.Remove(t.Context(), outboxKeys, job.Bucket, e.Key); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, found, err := o.Read(t.Context(), outboxKeys, e); found || err != nil {
		t.Errorf("a removed entry: %v, %v", found, err)
	}
}

// Whatever a forker or an uploader left under the prefix is counted, and never taken for an entry.
func TestOutboxTellsStrangers(t *testing.T) {
	s := osstest.New(t)
	o := newOutbox(t, s)
	id := goldenJob().ID
	strangers := []string{
		"", "readme.txt", id + ".json", id + "-0.json.bak", "x" + id + "-0.json", id + "--1.json", "../x-0.json",
		id + "-9999999999.json", "sub/" + id + "-0.json",
	}
	for _, name := range strangers {
		s.Put("photos", outboxFolder+name, []byte("{}"))
	}
	s.Put("photos", id+"-0.json", nil) // not under the prefix
	s.Put("photos", outboxFolder+id+"-12.json", nil)
	entries, n, err := o.List(t.Context(), outboxKeys, "photos")
	if err != nil || n != len(strangers) || len(entries) != 1 || entries[0].Published != 12 {
		t.Errorf("%d strangers, want %d; entries %+v, %v", n, len(strangers), entries, err)
	}
	for _, name := range append(strangers, "../cat.jpg") {
		if err := o.Remove(t.Context(), outboxKeys, "photos", outboxFolder+name); !errors.Is(err, queue.ErrOutbox) {
			t.Errorf("removing %q: %v", name, err)
		}
	}
	if err := o.Remove(t.Context(), outboxKeys, "photos", id+"-0.json"); !errors.Is(err, queue.ErrOutbox) {
		t.Errorf("removing an upload: %v", err)
	}
	if n := len(s.Objects("photos", "")); n != len(strangers)+2 {
		t.Errorf("%d objects are left", n)
	}
}

// A longer id is none of ours: its entry is not written, listed or removed.
func TestOutboxIDsHaveALength(t *testing.T) {
	s := osstest.New(t)
	o := newOutbox(t, s)
	longest, tooLong := goldenJob(), goldenJob()
	longest.ID, tooLong.ID = strings.Repeat("a", 64), strings.Repeat("a", 65)
	if _, err := o.Put(t.Context(), outboxKeys, longest, 0); err != nil {
		t.Error(err)
	}
	named, err := o.Put(t.Context(), outboxKeys, tooLong, 0)
	if !errors.Is(err, queue.ErrOutbox) || s.Stored() != 1 {
		t.Errorf("%d entries written, %v", s.Stored(), err)
	}
	s.Put(named.Bucket, named.Outbox, nil)
	entries, strangers, err := o.List(t.Context(), outboxKeys, longest.Bucket)
	if err != nil || strangers != 1 || len(entries) != 1 || entries[0].JobID != longest.ID {
		t.Errorf("%+v, %d strangers, %v", entries, strangers, err)
	}
	if err := o.Remove(t.Context(), outboxKeys, named.Bucket, named.Outbox); !errors.Is(err, queue.ErrOutbox) {
		t.Errorf("removing too long an id: %v", err)
	}
}

func TestOutboxListsPagesOldestFirst(t *testing.T) {
	s := osstest.New(t)
	o := newOutbox(t, s)
	const total = 2345
	for i := range total {
		job := goldenJob()
		job.ID = fmt.Sprintf("%x", i)
		key := o.Name(job, i%3).Outbox
		s.Put(job.Bucket, key, nil)
		s.Age(job.Bucket, key, time.Duration(i*7919%total)*time.Minute)
	}
	entries, strangers, err := o.List(t.Context(), outboxKeys, "photos")
	if err != nil || strangers != 0 || len(entries) != total {
		t.Fatalf("%d entries, %d strangers, %v", len(entries), strangers, err)
	}
	for i := range entries[1:] {
		if entries[i].Written.After(entries[i+1].Written) {
			t.Fatalf("entry %d is newer than the next", i)
		}
	}
}

func TestOutboxReadRefuses(t *testing.T) {
	job := goldenJob()
	encode := func(j queue.Job) []byte {
		b, err := j.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	otherID, otherBucket := job, job
	otherID.ID, otherBucket.Bucket = "abc", "other"
	huge := append(encode(job), bytes.Repeat([]byte(" "), 600<<10)...)
	for name, c := range map[string]struct {
		body []byte
		want error
		kept int
	}{
		"no JSON":      {[]byte("{"), queue.ErrMalformedJob, 1},
		"empty":        {nil, queue.ErrMalformedJob, 0},
		"newer":        {[]byte(`{"v":2}`), queue.ErrUnknownVersion, 7},
		"another job":  {encode(otherID), queue.ErrMalformedJob, len(encode(otherID))},
		"other bucket": {encode(otherBucket), queue.ErrMalformedJob, len(encode(otherBucket))},
		"huge":         {huge, queue.ErrMalformedJob, 512 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			s := osstest.New(t)
			o := newOutbox(t, s)
			e := queue.Entry{Bucket: "photos", Key: o.Name(job, 1).Outbox, JobID: job.ID}
			s.Put(e.Bucket, e.Key, c.body)
			_, body, found, err := o.Read(t.Context(), outboxKeys, e)
			if !errors.Is(err, c.want) || errors.Is(err, queue.ErrOutbox) || !found || len(body) != c.kept {
				t.Errorf("found %v, %d bytes, %v; want %d bytes, %v", found, len(body), err, c.kept, c.want)
			}
		})
	}
}

// Every fault of OSS is ErrOutbox, with OSS's answer inside.
func TestOutboxFaults(t *testing.T) {
	job := goldenJob()
	for name, c := range map[string]struct {
		intercept func(http.ResponseWriter, *http.Request) bool
		status    int
		want      error
	}{
		"denied": {func(w http.ResponseWriter, _ *http.Request) bool { osstest.Error(w, 403, "AccessDenied"); return true }, 403, nil},
		"down":   {func(w http.ResponseWriter, _ *http.Request) bool { osstest.Error(w, 503, "ServiceBusy"); return true }, 503, nil},
		"cut":    {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, 0, nil},
		"silent": {func(_ http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body) // only then a server notices that the client has left
			<-r.Context().Done()
			return true
		}, 0, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			s := osstest.New(t)
			s.Intercept = c.intercept
			o := newOutbox(t, s)
			named := o.Name(job, 0)
			for step, do := range map[string]func(context.Context) error{
				"list": func(ctx context.Context) error { _, _, err := o.List(ctx, outboxKeys, job.Bucket); return err },
				"read": func(ctx context.Context) error {
					_, _, _, err := o.Read(ctx, outboxKeys, queue.Entry{Bucket: job.Bucket, Key: named.Outbox, JobID: job.ID})
					return err
				},
				"write":  func(ctx context.Context) error { return o.Write(ctx, outboxKeys, named) },
				"remove": func(ctx context.Context) error { return o.Remove(ctx, outboxKeys, job.Bucket, named.Outbox) },
			} {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				if c.want != nil {
					cancel()
					ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
				}
				err := do(ctx)
				cancel()
				if status, _ := ossclient.Status(err); !errors.Is(err, queue.ErrOutbox) || status != c.status {
					t.Errorf("%s: %v", step, err)
				}
				if c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", step, err, c.want)
				}
			}
		})
	}
	o := newOutbox(t, osstest.New(t))
	for name, spoil := range map[string]func(*queue.Job){
		"an upload": func(j *queue.Job) { j.Outbox = "cat.jpg" },
		"unnamed":   func(j *queue.Job) { j.Outbox = "" },
		"bad id":    func(j *queue.Job) { j.ID = "../x"; *j = o.Name(*j, 0) },
	} {
		spoiled := o.Name(job, 0)
		spoil(&spoiled)
		if err := o.Write(t.Context(), outboxKeys, spoiled); !errors.Is(err, queue.ErrOutbox) {
			t.Errorf("writing %s: %v", name, err)
		}
	}
}

func TestNewOutboxRefusesPrefix(t *testing.T) {
	for _, prefix := range []string{"", "/", "outbox", "/outbox/", "a//b/", "../", "a/../b/", "./"} {
		if _, err := queue.NewOutbox(nil, prefix, "uploads"); err == nil || !strings.Contains(err.Error(), "OUTBOX_PREFIX") {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	for _, topic := range []string{"", ".", "..", "a/b"} {
		if _, err := queue.NewOutbox(nil, outboxPrefix, topic); err == nil || !strings.Contains(err.Error(), "NSQ_TOPIC") {
			t.Errorf("topic %q: %v", topic, err)
		}
	}
	for _, prefix := range []string{".outbox/", "a/b/"} {
		if _, err := queue.NewOutbox(nil, prefix, "uploads"); err != nil {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

// Two deployments on one bucket and prefix must not take each other's jobs.
func TestOutboxesOfTopicsAreApart(t *testing.T) {
	s := osstest.New(t)
	ours, theirs := newOutbox(t, s), newOutboxOf(t, s, outboxTopic+"-staging")
	job, err := theirs.Put(t.Context(), outboxKeys, goldenJob(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if entries, strangers, err := ours.List(t.Context(), outboxKeys, job.Bucket); err != nil || len(entries)+strangers != 0 {
		t.Errorf("%v, %d strangers, %v", entries, strangers, err)
	}
	if err := ours.Remove(t.Context(), outboxKeys, job.Bucket, job.Outbox); !errors.Is(err, queue.ErrOutbox) {
		t.Errorf("removed the other's entry: %v", err)
	}
	if entries, _, err := theirs.List(t.Context(), outboxKeys, job.Bucket); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// Whoever may write under the prefix must not be able to hide entries behind a wall of other objects.
func TestOutboxFindsEntriesBehindStrangers(t *testing.T) {
	s := osstest.New(t)
	const wall = 21_000
	for i := range wall {
		s.Put("photos", fmt.Sprintf("%s!%05d", outboxFolder, i), nil)
	}
	o := newOutbox(t, s)
	s.Put("photos", o.Name(goldenJob(), 0).Outbox, nil)
	entries, strangers, err := o.List(t.Context(), outboxKeys, "photos")
	if err != nil || len(entries) != 1 || strangers != wall {
		t.Errorf("%d entries, %d strangers, %v", len(entries), strangers, err)
	}
}
