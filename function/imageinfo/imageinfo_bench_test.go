package imageinfo

import (
	"context"
	"net/http"
	"testing"
	"time"

	"oss-callback/queue/ossclient"
)

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse([]byte(photo)); err != nil {
			b.Fatal(err)
		}
	}
}

// instant is an OSS without a network.
type instant struct{}

func (instant) RoundTrip(r *http.Request) (*http.Response, error) { return answer(200, photo)(r) }

// BenchmarkFetch is what the OSS SDK takes for one attempt, its signature included.
func BenchmarkFetch(b *testing.B) {
	client, err := ossclient.New(ossclient.Config{Endpoint: nowhere, Region: "cn-hangzhou", Transport: instant{}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	fetcher, keys := New(client), ossclient.Credentials{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "token"}
	b.ReportAllocs()
	for b.Loop() {
		if info, _, err := fetcher.Fetch(ctx, keys, "photos", "a.jpg"); err != nil || info != theInfo {
			b.Fatal(info, err)
		}
	}
}
