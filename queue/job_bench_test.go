package queue_test

import (
	"testing"

	"oss-callback/queue"
)

func BenchmarkJobEncode(b *testing.B) {
	job := goldenJob()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := job.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJobDecode(b *testing.B) {
	text, err := goldenJob().Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := queue.DecodeJob(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJobID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if queue.JobID("photos", "in/a&b.jpg", "5B3C1A2E053D763E1B002CC607C5A0FE", "534B371674E88A4D8906008B") == "" {
			b.Fatal("no id")
		}
	}
}
