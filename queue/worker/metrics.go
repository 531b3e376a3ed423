package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"oss-callback/queue"
)

// What became of an entry of the outbox that was due; labels of the metric.
const (
	sweptPublished = "published"
	sweptDead      = "dead" // could not be read
	sweptGone      = "gone" // another worker was faster
)

// metrics counts what becomes of jobs. Labels come from fixed sets, never from jobs. Safe for concurrent use.
type metrics struct {
	registry    *prometheus.Registry
	jobs        *prometheus.CounterVec
	dead        *prometheus.CounterVec
	seconds     prometheus.Histogram
	inFlight    prometheus.Gauge
	redelivered prometheus.Counter

	entries, oldest, strangers prometheus.Gauge
	swept                      *prometheus.CounterVec
	sweepErrors                prometheus.Counter
}

func newMetrics() *metrics {
	const space, part = "osscallback", "worker"
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	auto := promauto.With(registry)
	counter := func(name, help string) prometheus.Counter {
		return auto.NewCounter(prometheus.CounterOpts{Namespace: space, Subsystem: part, Name: name, Help: help})
	}
	counters := func(name, label, help string) *prometheus.CounterVec {
		return auto.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: part, Name: name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return auto.NewGauge(prometheus.GaugeOpts{Namespace: space, Subsystem: part, Name: name, Help: help})
	}
	return &metrics{
		registry: registry,
		jobs:     counters("jobs_total", "outcome", "Deliveries, by what became of them."),
		dead:     counters("dead_letters_total", "reason", "Dead letters, by reason."),
		seconds: auto.NewHistogram(prometheus.HistogramOpts{
			Namespace: space, Subsystem: part, Name: "job_duration_seconds", Help: "How long process took.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 11), // 10 ms to 95 s
		}),
		inFlight:    gauge("in_flight", "Jobs being run."),
		redelivered: counter("redelivered_total", "Jobs that were run not for the first time."),
		entries:     gauge("outbox_entries", "Entries in the outbox at the last sweep, in all buckets that could be listed."),
		oldest:      gauge("outbox_oldest_seconds", "Age of the oldest entry at the last sweep, since it was written or last published."),
		strangers:   gauge("outbox_strangers", "Objects under OUTBOX_PREFIX that are no entries, at the last sweep."),
		swept:       counters("swept_total", "outcome", "Entries that were due, by what became of them."),
		sweepErrors: counter("sweep_errors_total", "Buckets and entries that could not be swept."),
	}
}

// found tells what a sweep saw.
func (m *metrics) found(s seen, now time.Time) {
	m.entries.Set(float64(s.entries))
	m.strangers.Set(float64(s.strangers))
	m.oldest.Set(0)
	if s.entries > 0 {
		m.oldest.Set(max(0, now.Sub(s.oldest).Seconds()))
	}
}

// running counts and times what p runs.
func (m *metrics) running(p queue.ProcessFunc) queue.ProcessFunc {
	return func(ctx context.Context, job queue.Job) error {
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		defer prometheus.NewTimer(m.seconds).ObserveDuration()
		return p(ctx, job)
	}
}

func (m *metrics) observe(r queue.Result) {
	m.jobs.WithLabelValues(string(r.Outcome)).Inc()
	if r.Outcome == queue.OutcomeDead {
		m.dead.WithLabelValues(string(r.Reason)).Inc()
	}
	if ran := r.Outcome != queue.OutcomeParked && r.Outcome != queue.OutcomeForeign && r.Outcome != queue.OutcomePutBack; ran && r.Attempt > 1 {
		m.redelivered.Inc()
	}
}

// serve answers /metrics and /healthz on addr until the function it returns is called.
func (m *metrics) serve(addr string) (listening string, stop func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	server := &http.Server{
		Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return listener.Addr().String(), func() { _ = server.Close(); <-done }, nil
}
