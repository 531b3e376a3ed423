package queue_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"oss-callback/queue"
)

var died = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestDeadLetterGolden(t *testing.T) {
	job := goldenJob()
	job.Attempts = 2
	body, err := job.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := queue.NewDeadLetter("oss_upload", body, queue.ReasonPermanent, 3, errors.New("image <broken>"), died)
	encoded, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/dead_letter.json", encoded)
	got, err := queue.DecodeDeadLetter(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	message, err := got.Message()
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := queue.DecodeJob(message)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(goldenJob(), fresh); d != "" {
		t.Errorf("sent again, the job is not what it was at first: %s", d)
	}
}

func TestDeadLetterKeepsAnyBody(t *testing.T) {
	huge := bytes.Repeat([]byte(" "), 1<<20)
	huge[0], huge[len(huge)-1] = '{', '}'
	for name, c := range map[string]struct{ body, kept []byte }{
		"bytes":        {[]byte{0, 0xff, '{'}, []byte{0, 0xff, '{'}},
		"array":        {[]byte(`[1,"<&>"]`), []byte(`[1,"<&>"]`)},
		"JSON scalar":  {[]byte(`"text"`), []byte(`"text"`)},
		"bad encoding": {[]byte("\"\xff\""), []byte("\"\xff\"")},
		"huge":         {huge, huge[:1<<19]},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := queue.NewDeadLetter("t", c.body, queue.ReasonMalformedJob, 1, nil, died).Encode()
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > 1<<20 {
				t.Errorf("%d bytes: nsqd takes 1 MiB", len(b))
			}
			l, err := queue.DecodeDeadLetter(b)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := l.Message(); err != nil || !bytes.Equal(got, c.kept) {
				t.Errorf("kept %d bytes of %d, want %d; %v", len(got), len(c.body), len(c.kept), err)
			}
		})
	}
	if _, err := queue.NewDeadLetter("t", nil, queue.ReasonMalformedJob, 1, nil, died).Message(); !errors.Is(err, queue.ErrMalformedDeadLetter) {
		t.Errorf("message of nothing: %v", err)
	}
}

func TestDeadLetterCutsErrorText(t *testing.T) {
	l := queue.NewDeadLetter("t", nil, queue.ReasonPermanent, 1, errors.New("x"+strings.Repeat("é", 1000)), died)
	if len(l.Error) != 1023 || !utf8.ValidString(l.Error) {
		t.Errorf("%d bytes, valid %v; want the last whole character within 1024", len(l.Error), utf8.ValidString(l.Error))
	}
}

func TestDecodeDeadLetterRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"no JSON":   {"{", queue.ErrMalformedDeadLetter},
		"no reason": {`{"v":1,"topic":"t"}`, queue.ErrMalformedDeadLetter},
		"no topic":  {`{"v":1,"reason":"permanent"}`, queue.ErrMalformedDeadLetter},
		"a job":     {`{"v":1,"id":"j","bucket":"b","object":"o"}`, queue.ErrMalformedDeadLetter},
		"newer":     {`{"v":2,"reason":"permanent","topic":"t"}`, queue.ErrUnknownVersion},
	} {
		if _, err := queue.DecodeDeadLetter([]byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// FuzzDecodeDeadLetter: go test -fuzz=FuzzDecodeDeadLetter ./queue
func FuzzDecodeDeadLetter(f *testing.F) {
	f.Add([]byte(`{"v":1,"reason":"permanent","attempts":1,"error":"","topic":"t","at":"2026-01-01T00:00:00Z","job":{"v":1}}`))
	f.Add([]byte(`{"v":1,"reason":"malformed_job","topic":"t","at":"2026-01-01T00:00:00Z","raw":"AP8="}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := queue.DecodeDeadLetter(b)
		if err != nil {
			return
		}
		if m, err := l.Message(); err == nil && len(l.Job) > 0 && !json.Valid(m) {
			t.Errorf("message %q of job %q", m, l.Job)
		}
		if _, err := l.Encode(); err != nil {
			t.Errorf("cannot be encoded again: %v", err)
		}
	})
}
