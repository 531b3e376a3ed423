package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"oss-callback/queue"
)

// metrics counts what becomes of jobs. Labels come from fixed sets, never from jobs. Safe for concurrent use.
type metrics struct {
	registry    *prometheus.Registry
	jobs        *prometheus.CounterVec
	dead        *prometheus.CounterVec
	seconds     prometheus.Histogram
	inFlight    prometheus.Gauge
	redelivered prometheus.Counter
}

func newMetrics() *metrics {
	const space, part = "osscallback", "worker"
	m := &metrics{
		registry: prometheus.NewRegistry(),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: space, Subsystem: part, Name: "jobs_total", Help: "Deliveries, by what became of them.",
		}, []string{"outcome"}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: space, Subsystem: part, Name: "dead_letters_total", Help: "Dead letters, by reason.",
		}, []string{"reason"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: space, Subsystem: part, Name: "job_duration_seconds", Help: "How long process took.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 11), // 10 ms to 95 s
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: space, Subsystem: part, Name: "in_flight", Help: "Jobs being run.",
		}),
		redelivered: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: space, Subsystem: part, Name: "redelivered_total", Help: "Jobs that were run not for the first time.",
		}),
	}
	m.registry.MustRegister(m.jobs, m.dead, m.seconds, m.inFlight, m.redelivered,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
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
	if ran := r.Outcome != queue.OutcomeParked && r.Outcome != queue.OutcomePutBack; ran && r.Attempt > 1 {
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
