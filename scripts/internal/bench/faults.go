package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/process"
)

const (
	// patience is how long OSS waits for an answer, and latest what we allow ourselves of it.
	patience                   = 5 * time.Second
	latest                     = 4500 * time.Millisecond
	outboxOff, outboxOnFailure = "off", "on-failure"
)

// fault is a row of the README's table "What happens when…" that shows in the answer to a callback.
type fault struct {
	name   string
	nsqds  int // 0 is 1
	outbox string
	strike func(*scene) error // nil: nothing
	waits  bool               // answers take seconds, and little of the machine: measured beside one another
}

var allFaults = []fault{
	{name: "none", outbox: outboxOff},
	{name: "the object is gone", outbox: outboxOff, strike: objectGone, waits: true},
	{name: "OSS refuses connections", outbox: outboxOff, strike: ossRefuses, waits: true},
	{name: "OSS answers 503", outbox: outboxOff, strike: ossFails, waits: true},
	{name: "OSS does not answer image/info", outbox: outboxOff, strike: infoHangs, waits: true},
	{name: "every nsqd refuses, no outbox", nsqds: 2, outbox: outboxOff, strike: nsqdsRefuse},
	{name: "every nsqd refuses, outbox", nsqds: 2, outbox: outboxOnFailure, strike: nsqdsRefuse},
	{name: "one nsqd of two is silent", nsqds: 2, outbox: outboxOff, strike: oneSilent, waits: true},
	{name: "every nsqd is silent, no outbox", nsqds: 2, outbox: outboxOff, strike: nsqdsSilent, waits: true},
	{name: "every nsqd is silent, outbox", nsqds: 2, outbox: outboxOnFailure, strike: nsqdsSilent, waits: true},
	{name: "OSS and every nsqd refuse", nsqds: 2, outbox: outboxOnFailure, strike: all(ossRefuses, nsqdsRefuse), waits: true},
	{name: "OSS and every nsqd are silent", nsqds: 2, outbox: outboxOnFailure, strike: all(ossHangs, nsqdsSilent), waits: true},
}

// quickFaults are those that a test of bench itself can wait for.
var quickFaults = []string{"none", "every nsqd refuses, outbox", "OSS and every nsqd are silent"}

func objectGone(s *scene) error { s.oss.Delete(bucket, object); return nil }
func ossRefuses(s *scene) error { return s.oss.Close() }
func ossHangs(s *scene) error   { s.oss.Inject(osssim.Fault{Hang: true}); return nil }

func ossFails(s *scene) error {
	s.oss.Inject(osssim.Fault{Operation: "ImageInfo", Status: 503, Code: "ServiceUnavailable"})
	return nil
}

func infoHangs(s *scene) error {
	s.oss.Inject(osssim.Fault{Operation: "ImageInfo", Hang: true})
	return nil
}

func nsqdsRefuse(s *scene) error {
	for _, n := range s.nsqds {
		n.Kill()
	}
	return nil
}

func oneSilent(s *scene) error { return s.nsqds[0].Freeze() }

func nsqdsSilent(s *scene) error {
	for _, n := range s.nsqds {
		if err := n.Freeze(); err != nil {
			return err
		}
	}
	return nil
}

func all(strikes ...func(*scene) error) func(*scene) error {
	return func(s *scene) error {
		for _, strike := range strikes {
			if err := strike(s); err != nil {
				return err
			}
		}
		return nil
	}
}

// faults measures how long a callback takes while something is broken, against OSS's patience.
func faults(ctx context.Context, r *rig) (Section, error) {
	chosen, callbacks, rounds := allFaults, 16, 3
	if r.Quick {
		chosen = slices.DeleteFunc(slices.Clone(allFaults), func(f fault) bool { return !slices.Contains(quickFaults, f.name) })
		callbacks, rounds = 4, 1
	}
	outcomes := make([]outcome, len(chosen))
	var waiting errgroup.Group
	for i, f := range chosen {
		measure := func() (err error) {
			outcomes[i], err = r.measureFault(ctx, f, callbacks, rounds)
			if err == nil || errors.Is(err, process.ErrNoFreeze) {
				return nil
			}
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if f.waits {
			defer func() { _ = waiting.Wait() }() // also when another one fails: nothing outlives us
			waiting.Go(measure)
		} else if err := measure(); err != nil {
			return Section{}, err
		}
	}
	if err := waiting.Wait(); err != nil {
		return Section{}, err
	}
	s := Section{
		How: fmt.Sprintf("The web door, %d callbacks at once over new connections, %d times, each fault struck after a callback that was well. "+
			"OSS waits 5 s and never asks again.", callbacks, rounds),
		Columns: []string{"answer", "p50", "of 5 s", "slowest", "of 5 s"},
	}
	slowest, during := 0.0, ""
	for i, f := range chosen {
		o := outcomes[i]
		if len(o.took) == 0 { // this system cannot make an nsqd silent
			continue
		}
		s.Rows = append(s.Rows, Row{f.name, o.values()})
		if o.slowest() > slowest {
			slowest, during = o.slowest(), f.name
		}
	}
	s.Targets = []Target{atMost("slowest answer under any fault ("+during+")", nanoseconds(slowest), duration(latest))}
	return s, nil
}

// outcome is what came back under one fault.
type outcome struct {
	took    []float64 // ns, sorted
	answers map[string]int
}

func (o outcome) slowest() float64 { return o.took[len(o.took)-1] }

func (o outcome) values() []Value {
	p50, slowest := quantile(o.took, 0.5), o.slowest()
	share := func(ns float64) Value { return ratio(ns / float64(patience)) }
	return []Value{text(o.answer()), nanoseconds(p50), share(p50), nanoseconds(slowest), share(slowest)}
}

// answer is the answer if all were the same, else each with how often it came.
func (o outcome) answer() string {
	kinds := slices.Sorted(maps.Keys(o.answers))
	if len(kinds) == 1 {
		return kinds[0]
	}
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%s (%d)", kind, o.answers[kind])
	}
	return strings.Join(kinds, ", ")
}

func (r *rig) measureFault(ctx context.Context, f fault, callbacks, rounds int) (outcome, error) {
	s, err := r.newScene(ctx, f)
	if err != nil {
		return outcome{}, err
	}
	defer s.stop()
	if answer, _, err := s.callback(ctx, r); err != nil || answer != "200 queued" {
		return outcome{}, fmt.Errorf("before the fault: answered %q, error %v: %q", answer, err, s.function.log.Lines())
	}
	if f.strike != nil {
		if err := f.strike(s); err != nil {
			return outcome{}, fmt.Errorf("strike: %w", err)
		}
	}
	o := outcome{answers: map[string]int{}}
	for range rounds {
		answers, took := make([]string, callbacks), make([]float64, callbacks)
		var g errgroup.Group
		for i := range callbacks {
			g.Go(func() error {
				answer, d, err := s.callback(ctx, r)
				answers[i], took[i] = answer, float64(d)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return outcome{}, fmt.Errorf("%w: %q", err, s.function.log.Lines())
		}
		for _, answer := range answers {
			o.answers[answer]++
		}
		o.took = append(o.took, took...)
	}
	slices.Sort(o.took)
	return o, nil
}

// scene is all that one fault can strike, for itself.
type scene struct {
	oss      *osssim.Server
	nsqds    []*queueNode
	function *program
}

func (r *rig) newScene(ctx context.Context, f fault) (s *scene, err error) {
	s = &scene{}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	s.oss, err = osssim.Start(osssim.Config{Region: region, AccessKeyID: keyID, AccessKeySecret: keySecret, Buckets: []string{bucket}})
	if err != nil {
		return s, err
	}
	picture, err := uploaded()
	if err != nil {
		return s, err
	}
	s.oss.Put(bucket, object, "image/jpeg", picture)
	var addrs []string
	for range max(f.nsqds, 1) {
		n, err := r.startFastNSQD(ctx)
		if err != nil {
			return s, err
		}
		s.nsqds = append(s.nsqds, n)
		addrs = append(addrs, n.TCPAddr())
	}
	env := r.functionEnv(s.oss.Endpoint(), addrs...)
	env["OUTBOX"] = f.outbox
	s.function, err = r.webFunction(ctx, env)
	return s, err
}

func (s *scene) stop() {
	if s.function != nil {
		_ = s.function.Kill()
	}
	for _, n := range s.nsqds {
		n.stop()
	}
	if s.oss != nil {
		_ = s.oss.Close()
	}
}

// callback sends one and tells the answer as "200 queued, image_info_pending" or "503 queue_unavailable".
func (s *scene) callback(ctx context.Context, r *rig) (answer string, took time.Duration, err error) {
	status, body, took, err := exchange(ctx, s.function.addr, r.callback(s.function.addr))
	if err != nil {
		return "", 0, err
	}
	var said struct{ Status, Reason, Error string }
	if err := json.Unmarshal(body, &said); err != nil {
		return "", 0, fmt.Errorf("answered %d %q: %w", status, body, err)
	}
	words := []string{said.Status, said.Reason}
	if said.Error != "" {
		words = []string{said.Error}
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return fmt.Sprintf("%d %s", status, strings.Join(words, ", ")), took, nil
}

// uploaded is an image of as many bytes as the callback tells.
func uploaded() ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		return nil, err
	}
	return append(b.Bytes(), make([]byte, size-b.Len())...), nil
}
