//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
	"oss-callback/scripts/internal/redrive"
	"oss-callback/scripts/internal/stack"
)

// buryAll puts dead letters of so many different jobs on an nsqd.
func buryAll(t *testing.T, nsqd nsqtest.Client, n int) {
	t.Helper()
	for i := range n {
		job := queue.Job{V: 1, ID: fmt.Sprintf("%04d", i), Bucket: stack.Bucket, Object: fmt.Sprintf("a\x1b[31m/%04d.jpg", i)}
		body, err := job.Encode()
		if err == nil {
			body, err = queue.NewDeadLetter(stack.Topic, body, queue.ReasonPermanent, 2, errors.New("no image"), time.Now().Add(-time.Hour)).Encode()
		}
		if err == nil {
			err = nsqd.Publish(t.Context(), queue.DeadTopic(stack.Topic), body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRedriveCommand(t *testing.T) {
	nsqd := nsqtest.New(t)
	buryAll(t, nsqd.Client, 2)
	redriveIt := func(args ...string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = run(t.Context(), append([]string{"scripts", "redrive", "--nsqd", nsqd.TCPAddr()}, args...), environment{stdout: &out, stderr: &errs})
		return code, out.String(), errs.String()
	}
	code, out, _ := redriveIt("--list")
	for _, want := range []string{"listed  permanent                 2     1h0m0s  \"local-bucket/a\\x1b[31m/0000.jpg\"", "no image", "2 listed, 0 sent, 0 failed, 0 left"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit status %d, %q is not in\n%s", code, want, out)
		}
	}
	if code, out, _ := redriveIt("--older-than", "2h"); code != 0 || !strings.Contains(out, "0 sent, 0 failed, 2 left") {
		t.Errorf("none that matches: %d %s", code, out)
	}
	code, out, summary := redriveIt("--json")
	var first struct{ Action, Bucket, Object, Job string }
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &first); code != 0 || err != nil || first.Action != "sent" ||
		first.Bucket != stack.Bucket || first.Job == "" || strings.Count(out, "\n") != 2 || !strings.Contains(summary, "2 sent") {
		t.Errorf("%d %v\n%s\n%s", code, err, out, summary)
	}
	nsqd.Stop()
	if code, _, stderr := redriveIt(); code != 1 || !strings.Contains(stderr, "cannot be reached") {
		t.Errorf("dead nsqd: %d %s", code, stderr)
	}
	if code, _, stderr := redriveIt("--reason", "bad luck"); code != 1 || !strings.Contains(stderr, "permanent") {
		t.Errorf("unknown reason: %d %s", code, stderr)
	}
}

// Killed in the middle, redrive loses no letter, and the next run does the rest.
func TestRedriveKilledHalfway(t *testing.T) {
	t.Parallel()
	const letters = 300
	ctx := t.Context() // each letter is synced to disk, which takes as long as it takes on a busy machine
	nsqd := nsqtest.New(t)
	buryAll(t, nsqd.Client, letters)
	cmd := exec.CommandContext(ctx, command, "redrive", "--json", "--nsqd", nsqd.TCPAddr())
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines, n := bufio.NewScanner(stdout), 0; n < letters/3 && lines.Scan(); n++ {
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	// nsqd takes back what the dead process had in hand.
	if _, err := nsqd.Wait(ctx, queue.DeadTopic(stack.Topic), redrive.Channel, func(s nsqtest.Stats) bool { return s.InFlight == 0 && s.Clients == 0 }); err != nil {
		t.Fatal(err)
	}
	sent, err := nsqd.Stats(ctx, stack.Topic, "")
	if err != nil || sent.Depth < letters/3 || sent.Depth == letters {
		t.Errorf("%d of %d were sent: that is not half-way; %v", sent.Depth, letters, err)
	}
	if out, err := exec.CommandContext(ctx, command, "redrive", "--nsqd", nsqd.TCPAddr()).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := nsqd.CreateChannel(ctx, stack.Topic, stack.Channel); err != nil {
		t.Fatal(err)
	}
	jobs := map[string]int{}
	total, err := nsqd.Wait(ctx, stack.Topic, stack.Channel, func(s nsqtest.Stats) bool { return s.Depth >= letters })
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := nsqd.ReceiveAll(ctx, stack.Topic, stack.Channel, int(total.Depth))
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range bodies {
		job, err := queue.DecodeJob(body)
		if err != nil {
			t.Fatal(err)
		}
		jobs[job.ID]++
	}
	if len(jobs) != letters || total.Depth > letters+1 {
		t.Errorf("%d jobs in %d messages, want %d, and at most one sent twice", len(jobs), total.Depth, letters)
	}
}
