package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"oss-callback/queue"
)

// The worker's memory is bounded by maxMemory, whatever WORKER_CONCURRENCY is and whatever was uploaded: maxFiles for originals, and
// maxPixels of 16 bytes, 800 MB, for what they are decoded to; the rest is for all else. A test holds the binary to it.
const (
	maxMemory = 1 << 30

	maxObject = 32 << 20 // bytes of one original
	maxFiles  = 64 << 20 // bytes of originals in memory at once, over all jobs

	// maxPixels may be in memory at once, over all jobs; so many may one image have. Decoding and scaling take 16 bytes of each at most: 15
	// for a progressive JPEG, 12 for an interlaced PNG with 16-bit colours, 11 for WebP with transparency, 9 for most others. cost names
	// those that take more.
	maxPixels = 50_000_000
	// maxSide bounds what scaling takes besides: it grows with the longer side, however narrow the image.
	maxSide = 1<<16 - 1

	// large is from how many pixels on an image waits until memory of earlier ones was handed back, if that is needed.
	large = maxPixels / 10
	// busyDelay is when a job comes again that waited for memory in vain.
	busyDelay = 10 * time.Second
)

// memory is shared by all jobs and safe for concurrent use. A job takes its file first and its pixels second, and whoever has
// pixels waits for nothing more, so that jobs cannot block each other for good.
type memory struct {
	files, pixels *semaphore.Weighted

	mu    sync.Mutex
	inUse int64 // pixels of the images that are being decoded
	taken int64 // inUse, and the pixels of images that were done since memory was last handed back: they may still be there
}

func newMemory() *memory {
	return &memory{files: semaphore.NewWeighted(maxFiles), pixels: semaphore.NewWeighted(maxPixels)}
}

// file waits until an original of that size, maxObject at most, may be read. If ctx ends first the error asks for the job to come
// again Later: it used no attempt.
func (m *memory) file(ctx context.Context, size int64) (release func(), err error) {
	if err := acquire(ctx, m.files, size); err != nil {
		return nil, err
	}
	return func() { m.files.Release(size) }, nil
}

// decode waits until an image of that cost may be decoded. Its errors are those of file.
func (m *memory) decode(ctx context.Context, cost int64) (release func(), err error) {
	if err := acquire(ctx, m.pixels, cost); err != nil {
		return nil, err
	}
	m.take(cost)
	return func() {
		m.mu.Lock()
		m.inUse -= cost
		m.mu.Unlock()
		m.pixels.Release(cost)
	}, nil
}

// take hands memory back before a large image that could exceed maxPixels together with those that are done: the collector runs beside the
// decoders, and would let it come before they are gone. Doing so after each large image costs a tenth of the speed.
func (m *memory) take(cost int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inUse += cost
	m.taken += cost
	if cost >= large && m.taken > maxPixels {
		debug.FreeOSMemory()
		m.taken = m.inUse
	}
}

func acquire(ctx context.Context, s *semaphore.Weighted, n int64) error {
	if err := s.Acquire(ctx, n); err != nil {
		return fmt.Errorf("waiting for memory: %w: %w", err, queue.Later(busyDelay))
	}
	return nil
}

// cost is what decoding an image takes, in pixels of 16 bytes each. Sides count as multiples of 32: JPEG pads them to that.
func cost(format string, c image.Config) int64 {
	pad := func(n int) int64 { return int64(n+31) &^ 31 }
	pixels := pad(c.Width) * pad(c.Height)
	switch {
	case format == "jpeg" && c.ColorModel == color.CMYKModel: // 24 bytes if progressive
		pixels += pixels / 2
	case format == "tiff": // a strip may be the whole image with 8 bytes a pixel, in a buffer that doubles as it grows
		pixels *= 2
	case format == "webp": // up to 140 MB for code tables and coefficients, however small the image
		pixels = max(pixels, 10_000_000)
	}
	return max(pixels, 2_000_000) // tiles of TIFF, scaling
}
