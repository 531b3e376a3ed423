package main

import (
	"bytes"
	"image/color"
	"image/jpeg"
	"testing"
)

// BenchmarkThumbnail is the shipped example of heavy work, without OSS: a photo's file to a thumbnail's.
func BenchmarkThumbnail(b *testing.B) {
	for _, c := range []struct {
		name string
		w, h int
	}{{"640x480", 640, 480}, {"4000x3000", 4000, 3000}} {
		var file bytes.Buffer
		photo := picture(c.w, c.h, func(x, y int) color.Color { return color.NRGBA{uint8(x), uint8(y), uint8(x * y), 255} })
		if err := jpeg.Encode(&file, photo, nil); err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(file.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := inspect(file.Bytes()); err != nil {
					b.Fatal(err)
				}
				if _, err := thumbnail(file.Bytes()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
