//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"oss-callback/scripts/internal/fcsim"
	"oss-callback/scripts/internal/redrive"
	"oss-callback/scripts/internal/stack"
)

const (
	chaosUploaders = 12
	chaosTime      = 12 * time.Second
	// worstAnswer is what OSS must never wait longer for: 0.8 s less than it is ready to.
	worstAnswer = 4200 * time.Millisecond
)

// TestChaos: thousands of uploads while nsqds and workers are killed and restarted, connections are cut, nsqds fall silent, and OSS is slow,
// fails or hangs up. Then all is mended, and every upload that was answered 200 has its thumbnail or its dead letter; every other one was
// told so, in time.
//
// It runs with OUTBOX=always. With on-failure, an upload answered 200 would be lost with the disk of the nsqd that has its job; and
// of an nsqd that is killed (not stopped) it could lose the messages in flight to workers, which are on disk no more, and the one
// on its way from the topic to its channel.
//
// CHAOS_SEED=n repeats a run, as far as a schedule can; CHAOS=full runs three seeds.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	seeds := []uint64{1}
	if os.Getenv("CHAOS") == "full" {
		seeds = []uint64{1, 2, 3}
	}
	if text := os.Getenv("CHAOS_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal("CHAOS_SEED: ", err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { runChaos(t, seed) })
	}
}

func runChaos(t *testing.T, seed uint64) {
	always := map[string]string{"OUTBOX": "always"}
	r := newRig(t, 2)
	urls := []string{r.event(fcsim.Config{Freeze: true, MaxInstances: chaosUploaders}, always), r.web(always)}
	lanes := newLanes(r, seed)

	stop := time.AfterFunc(chaosTime, lanes.stop)
	defer stop.Stop()
	all := uploadUntil(r, lanes.stopped, urls, seed)
	lanes.wait()
	began := time.Now()
	r.await("an empty outbox", func() bool { return len(r.under(outbox)) == 0 })
	judge(r, all, lanes, time.Since(began))
}

// chaosUpload is an upload and what should become of it.
type chaosUpload struct {
	upload
	hostile bool // looks like an image to OSS, and is none
}

func uploadUntil(r *rig, stopped <-chan struct{}, urls []string, seed uint64) (all []chaosUpload) {
	var (
		mu        sync.Mutex
		uploaders sync.WaitGroup
	)
	for i := range chaosUploaders {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		uploaders.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stopped:
					return
				default:
				}
				object := fmt.Sprintf("chaos/%02d-%05d.jpg", i, n)
				body := tinyJPEG(r.t, object)
				hostile := random.IntN(50) == 0
				if hostile {
					body = body[:len(body)/2] // its head is fine
				}
				u := chaosUpload{r.upload(urls[random.IntN(len(urls))], object, body), hostile}
				mu.Lock()
				all = append(all, u)
				mu.Unlock()
			}
		})
	}
	uploaders.Wait()
	return all
}

// judge is the point of it all.
func judge(r *rig, all []chaosUpload, lanes *lanes, drained time.Duration) {
	t := r.t
	t.Helper()
	dead := map[string]int{} // by object
	tally, err := redrive.Run(r.ctx, redrive.Config{
		Addrs: []string{r.nsqds[0].TCPAddr(), r.nsqds[1].TCPAddr()}, Topic: stack.Topic, ListOnly: true,
		OnLetter: func(l redrive.Letter) { dead[l.Job.Object]++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	var answered, refused, ownError, lost, bothWays, refusedDone, hostile int
	thumbnails := r.under(thumbs)
	for _, u := range all {
		_, done := slices.BinarySearch(thumbnails, u.thumbnail())
		switch {
		case u.status == 200:
			answered++
			if !strings.Contains(u.answer, `"status":"queued"`) {
				t.Errorf("%s: OSS took %s for success", u.object, u.answer)
			}
			if u.hostile {
				hostile++
			}
			if !done && dead[u.object] == 0 {
				lost++
				t.Errorf("LOST: %s", history(r, u))
			}
			if done && u.hostile {
				t.Errorf("a thumbnail of what is no image: %s", history(r, u))
			}
			if done && dead[u.object] > 0 {
				bothWays++
			}
		case u.status == 203 && u.ec != "":
			refused++
			if done {
				refusedDone++
			}
		case u.err != nil:
			ownError++
		default:
			t.Errorf("neither yes nor no: %+v", u)
		}
	}
	worst, of := r.worst()
	if worst > worstAnswer {
		t.Errorf("OSS waited %v for the answer to %s", worst, history(r, chaosUpload{upload: upload{object: of}}))
	}
	jobs := jobLines(r.worker)
	t.Logf(`%d uploads: %d answered 200 (%d hostile), %d refused with 203, %d failed before their callback; LOST %d
worst answer %v; outbox empty %v after the last fault
absorbed: %d jobs done more than once, %d attempts failed, %d dead letters for %d objects, %d of them of jobs that were done in the end, %d thumbnails of refused uploads
faults: %s`,
		len(all), answered, hostile, refused, ownError, lost, worst.Round(time.Millisecond), drained.Round(time.Millisecond),
		jobs.doneAgain, jobs.retried, tally.Listed, len(dead), bothWays, refusedDone, lanes.counts())
	if answered < len(all)/4 || hostile == 0 {
		t.Errorf("%d of %d uploads were answered, %d of them hostile: that proves little", answered, len(all), hostile)
	}
}
