package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"oss-callback/queue"
	"oss-callback/queue/ossclient"
)

const (
	// ossTimeout bounds one request to the outbox.
	ossTimeout = 10 * time.Second
	// keepTimeout is how long a job that failed holds its slot for its entry.
	keepTimeout = 2 * time.Second
	// keptAs counts the jobs that keeping writes as published: they are on nsqd.
	keptAs = 1
	// maxWait is the longest that a published job has before it is published again.
	maxWait = 24 * time.Hour
	// sweepAtOnce is how many entries are worked on at once: after a long outage there may be thousands.
	sweepAtOnce = 8
	// maxFaults is how many entries of a bucket may fail before the sweep leaves the bucket: fewer may be at fault themselves.
	maxFaults = 100
)

// sweeper publishes the jobs that are left in the outbox: those that no nsqd took, at once, and those that were published and are
// still not done, after ten intervals, then twice that, and so on: a nsqd may have lost its disk.
//
// One entry takes three steps: (1) publish the job, under the name of its next entry; (2) write that entry; (3) remove the old one.
// Until (3) the old entry is there, and what is swept twice is published twice, so a crash, or several workers sweeping at once,
// leave duplicates and never a loss; but however many sweep an entry, its next one is one and the same, so that they never multiply.
// Should the job be done before (2), its entry stays, and the job comes once more: it is found done, and the entry goes.
type sweeper struct {
	outbox  *queue.Outbox
	keys    ossclient.Credentials
	buckets []string
	prefix  string
	topic   string
	conn    queue.Conn
	nsqds   func(context.Context) ([]string, error) // addresses to publish to
	every   time.Duration
	metrics *metrics
	log     *slog.Logger
}

// run sweeps until ctx is done: soon, and then every so often, give or take a quarter so that workers do not do it all at once.
func (s *sweeper) run(ctx context.Context) {
	for wait := s.every / 10; ; wait = s.every {
		jitter := 0.75 + rand.Float64()/2
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(float64(wait) * jitter)):
			s.sweep(ctx)
		}
	}
}

// seen is what a sweep found, over all buckets.
type seen struct {
	entries, strangers int
	oldest             time.Time // when the entry was written
	partial            bool      // a bucket could not be listed
}

func (s *sweeper) sweep(ctx context.Context) {
	var all seen
	for _, bucket := range s.buckets {
		err := s.bucket(ctx, bucket, &all)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			continue
		}
		attrs := []any{"bucket", bucket, "error", err}
		if status, _ := ossclient.Status(err); status == http.StatusForbidden {
			attrs = append(attrs, "cure", "the worker's RAM policy needs oss:ListObjects on the bucket, and oss:GetObject, oss:PutObject and "+
				"oss:DeleteObject on "+s.prefix+"*")
		}
		s.log.ErrorContext(ctx, "outbox sweep failed", attrs...)
	}
	if !all.partial { // the gauges keep what was last known
		s.metrics.found(all, time.Now())
	}
	if all.strangers > 0 {
		s.log.WarnContext(ctx, "objects under OUTBOX_PREFIX are no entries and are left alone", "objects", all.strangers)
	}
}

// bucket sweeps one bucket, and goes on when an entry fails, unless that is for want of an nsqd. It returns the error that ended
// it, or else the first one.
func (s *sweeper) bucket(ctx context.Context, bucket string, all *seen) error {
	listing, cancel := context.WithTimeout(ctx, 3*ossTimeout)
	entries, strangers, err := s.outbox.List(listing, s.keys, bucket)
	cancel()
	if err != nil {
		s.metrics.sweepErrors.Inc()
		all.partial = true
		return err
	}
	all.entries += len(entries)
	all.strangers += strangers
	for _, e := range entries {
		if all.oldest.IsZero() || e.Written.Before(all.oldest) {
			all.oldest = e.Written
		}
	}
	now := time.Now()
	entries = slices.DeleteFunc(entries, func(e queue.Entry) bool { return now.Before(due(e, s.every)) })
	if len(entries) == 0 {
		return nil
	}
	// Workers that sweep at the same moment get into each other's way less.
	rand.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	publisher, err := s.publisher(ctx)
	if err != nil {
		s.metrics.sweepErrors.Inc()
		return err
	}
	defer publisher.Close()

	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	var work errgroup.Group
	work.SetLimit(sweepAtOnce)
	var faults atomic.Int32
	for _, e := range entries {
		work.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			err := s.again(ctx, publisher, e)
			if err != nil {
				s.metrics.sweepErrors.Inc()
				if faults.Add(1) == maxFaults || !errors.Is(err, queue.ErrOutbox) {
					leave(err)
				}
			}
			return err
		})
	}
	err = work.Wait()
	return cmp.Or(context.Cause(ctx), err)
}

// due is when an entry's job is to be published again.
func due(e queue.Entry, every time.Duration) time.Time {
	if e.Published == 0 {
		return e.Written
	}
	wait := min(10*every, maxWait)
	for range min(e.Published, 32) - 1 {
		wait = min(2*wait, maxWait)
	}
	return e.Written.Add(wait)
}

// again publishes an entry's job once more, or its dead letter if it cannot be read.
func (s *sweeper) again(ctx context.Context, p *queue.Publisher, e queue.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, 3*ossTimeout)
	defer cancel()
	job, body, found, err := s.outbox.Read(ctx, s.keys, e)
	outcome := sweptPublished
	switch {
	case errors.Is(err, queue.ErrMalformedJob), errors.Is(err, queue.ErrUnknownVersion):
		outcome = sweptDead
		err = s.bury(ctx, p, e, body, err)
	case err != nil:
		return err
	case !found: // another worker was faster
		s.metrics.swept.WithLabelValues(sweptGone).Inc()
		return nil
	default:
		next := s.outbox.Name(job, e.Published+1)
		if _, err = p.Publish(ctx, next); err == nil {
			err = s.outbox.Write(ctx, s.keys, next)
		}
		if next.Outbox == e.Key { // as far as names count: written anew, and not to be removed
			return err
		}
	}
	if err == nil {
		err = s.outbox.Remove(ctx, s.keys, e.Bucket, e.Key)
	}
	if err != nil {
		return err
	}
	s.metrics.swept.WithLabelValues(outcome).Inc()
	s.log.InfoContext(ctx, "outbox entry swept", "outcome", outcome, "job", e.JobID, "bucket", e.Bucket, "published", e.Published)
	return nil
}

func (s *sweeper) bury(ctx context.Context, p *queue.Publisher, e queue.Entry, body []byte, why error) error {
	reason := queue.ReasonMalformedJob
	if errors.Is(why, queue.ErrUnknownVersion) {
		reason = queue.ReasonUnknownVersion
	}
	letter, err := queue.NewDeadLetter(s.topic, body, reason, e.Published, why, time.Now()).Encode()
	if err == nil {
		_, err = p.Send(ctx, queue.DeadTopic(s.topic), letter)
	}
	return err
}

// publisher is for one sweep: nsqd may come and go until the next, and most sweeps need none.
func (s *sweeper) publisher(ctx context.Context) (*queue.Publisher, error) {
	addrs, err := s.nsqds(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for an nsqd: %w", err)
	}
	return queue.NewPublisher(queue.PublisherConfig{Addrs: addrs, Topic: s.topic, Conn: s.conn, Logger: s.log})
}

// keeping gives a job an entry before it has to wait for another try, if it has none: until then nsqd keeps it in memory only, and a
// nsqd that is killed forgets it. If that fails the job is as safe as nsqd.
func (s *sweeper) keeping(process queue.ProcessFunc) queue.ProcessFunc {
	return func(ctx context.Context, job queue.Job) error {
		err := process(ctx, job)
		if err == nil || queue.IsPermanent(err) || job.Outbox != "" || !slices.Contains(s.buckets, job.Bucket) {
			return err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
		defer cancel()
		if _, keepErr := s.outbox.Put(ctx, s.keys, job, keptAs); keepErr != nil {
			s.log.WarnContext(ctx, "job waits without an outbox entry", "job", job.ID, "bucket", job.Bucket, "error", keepErr)
		}
		return err
	}
}

// ended removes the entry of a job that is done or has its dead letter. If that fails, the sweep brings the job again, and the work
// is found done.
func (s *sweeper) ended(ctx context.Context, r queue.Result) {
	if r.Job.Outbox == "" && (r.Attempt > 1 || r.Job.Channel != "") {
		r.Job = s.outbox.Name(r.Job, keptAs) // it has waited: see keeping
	}
	over := r.Outcome == queue.OutcomeDone || r.Outcome == queue.OutcomeDead
	if !over || r.Job.Outbox == "" || !slices.Contains(s.buckets, r.Job.Bucket) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ossTimeout)
	defer cancel()
	if err := s.outbox.Remove(ctx, s.keys, r.Job.Bucket, r.Job.Outbox); err != nil {
		s.log.WarnContext(ctx, "outbox entry stays", "job", r.Job.ID, "bucket", r.Job.Bucket, "error", err)
	}
}
