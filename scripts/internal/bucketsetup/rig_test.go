package bucketsetup

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"oss-callback/queue/ossclient"
	"oss-callback/scripts/internal/osssim"
)

const (
	testBucket = "photos"
	testOrigin = "https://app.example.com"
	outboxID   = "oss-callback-outbox-versions-outbox-63338091" // of .outbox/
)

// rig is a simulated OSS that notes its operations, and a Setup for its bucket.
type rig struct {
	*osssim.Server
	setup *Setup
	log   *operations
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	log := &operations{}
	server, err := osssim.Start(osssim.Config{AccessKeyID: "local-id", AccessKeySecret: "local-secret", Buckets: []string{testBucket}, Logger: slog.New(log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	c := Config{Endpoint: server.Endpoint(), Region: "cn-hangzhou", Bucket: testBucket, Origins: []string{testOrigin}, OutboxPrefix: ".outbox/",
		Keys: ossclient.Credentials{AccessKeyID: "local-id", AccessKeySecret: "local-secret"}}
	if change != nil {
		change(&c)
	}
	setup, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{server, setup, log}
}

func (r *rig) inspect(t *testing.T) Plan {
	t.Helper()
	plan, err := r.setup.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func (r *rig) apply(t *testing.T) Plan {
	t.Helper()
	plan := r.inspect(t)
	if err := r.setup.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

// put writes a document past the Setup under test.
func (r *rig) put(t *testing.T, of resource, document string) {
	t.Helper()
	if err := r.setup.access.put(t.Context(), of, document); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) get(t *testing.T, of resource) string {
	t.Helper()
	raw, err := r.setup.access.get(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// operations collects the names of the operations from osssim's log.
type operations struct {
	mu    sync.Mutex
	names []string
}

func (o *operations) Enabled(context.Context, slog.Level) bool { return true }
func (o *operations) WithAttrs([]slog.Attr) slog.Handler       { return o }
func (o *operations) WithGroup(string) slog.Handler            { return o }
func (o *operations) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "operation" {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.names = append(o.names, a.Value.String())
		}
		return true
	})
	return nil
}

// take returns the operations since the last call.
func (o *operations) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	names := o.names
	o.names = nil
	return names
}

func writes(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(n, "Get") })
}

// actions is a plan in short: "cors add rule 1".
func actions(p Plan) (list []string) {
	for _, d := range p.Documents {
		for _, c := range d.Changes {
			list = append(list, d.Name+" "+string(c.Action)+" "+c.Rule)
		}
	}
	return list
}
