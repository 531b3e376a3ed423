package queue_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"oss-callback/queue"
)

// Golden files are the wire format: a change breaks jobs that are on their way during a deployment. After a deliberate one:
// go test ./queue -update
var update = flag.Bool("update", false, "rewrite golden files")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	got = append(bytes.Clone(got), '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: %s", file, d)
	}
}

func goldenJob() queue.Job {
	return queue.Job{
		V: queue.Version, ID: queue.JobID("photos", "in/a&b.jpg", "5B3C1A2E053D763E1B002CC607C5A0FE", ""),
		Bucket: "photos", Object: "in/a&b.jpg", ETag: "5B3C1A2E053D763E1B002CC607C5A0FE", Size: 21839, MimeType: "image/jpeg",
		Image:     &queue.Image{Format: "jpg", Width: 400, Height: 267, Orientation: 6},
		Vars:      map[string][]string{"x:user": {"42"}},
		RequestID: "534B371674E88A4D8906008B",
		Accepted:  time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
	}
}

func TestJobGolden(t *testing.T) {
	b, err := goldenJob().Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/job.json", b)
	got, err := queue.DecodeJob(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(goldenJob(), got); d != "" {
		t.Error(d)
	}
}

func TestDecodeJobRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"empty":                 {"", queue.ErrMalformedJob},
		"null":                  {"null", queue.ErrMalformedJob},
		"trailing":              {`{"v":1,"id":"i","bucket":"b","object":"o"}x`, queue.ErrMalformedJob},
		"type":                  {`{"v":1,"id":"i","bucket":"b","object":7}`, queue.ErrMalformedJob},
		"version 0":             {`{"id":"i","bucket":"b","object":"o"}`, queue.ErrMalformedJob},
		"no id":                 {`{"v":1,"bucket":"b","object":"o"}`, queue.ErrMalformedJob},
		"no bucket":             {`{"v":1,"id":"i","object":"o"}`, queue.ErrMalformedJob},
		"no object":             {`{"v":1,"id":"i","bucket":"b"}`, queue.ErrMalformedJob},
		"newer":                 {`{"v":2}`, queue.ErrUnknownVersion},
		"newer, of other types": {`{"v":2,"id":{"a":1},"accepted":7}`, queue.ErrUnknownVersion},
	} {
		if _, err := queue.DecodeJob([]byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestJobIDIsStableAndDistinct(t *testing.T) {
	ids := map[string][4]string{}
	for _, in := range [][4]string{
		{"b", "o", "e", ""}, {"bo", "", "e", ""}, {"b", "oe", "", ""}, {"b", "o", "", "e"}, {"b", "o", "e2", ""}, {"b", "o", "", "r2"},
	} {
		id := queue.JobID(in[0], in[1], in[2], in[3])
		if other, taken := ids[id]; taken || len(id) != 32 {
			t.Errorf("id %q of %q is that of %q, or not 32 long", id, in, other)
		}
		ids[id] = in
	}
	if queue.JobID("b", "o", "e", "r1") != queue.JobID("b", "o", "e", "r2") {
		t.Error("repeats of a callback get different ids")
	}
}

// FuzzDecodeJob: go test -fuzz=FuzzDecodeJob ./queue
func FuzzDecodeJob(f *testing.F) {
	b, err := goldenJob().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"v":1,"id":"i","bucket":"b","object":"o","size":-1,"image":null,"reason":"not_an_image","accepted":"2026-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"v":1,"id":"i","bucket":"b","object":"o","attempts":3,"not_before":"2026-01-01T00:00:00.000000001+08:00"}`))
	f.Add([]byte(`{"v":2,"id":["not","text"]}`))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		job, err := queue.DecodeJob(b)
		if err != nil {
			if !errors.Is(err, queue.ErrMalformedJob) && !errors.Is(err, queue.ErrUnknownVersion) {
				t.Errorf("unexpected error %v", err)
			}
			return
		}
		again, err := job.Encode()
		if err != nil {
			t.Fatalf("%+v cannot be encoded: %v", job, err)
		}
		same, err := queue.DecodeJob(again)
		if err != nil {
			t.Fatalf("%s cannot be decoded: %v", again, err)
		}
		if d := cmp.Diff(job, same, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); d != "" {
			t.Error(d)
		}
	})
}
