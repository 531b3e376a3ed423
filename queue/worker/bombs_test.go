package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"math/rand/v2"
	"testing"
)

// Hostile images, made at test time: small files that ask for much memory, and files that lie.

// deflated is n zeros, compressed: one block over and over, because a compressor would take seconds.
func deflated(t *testing.T, n int64) []byte {
	t.Helper()
	const block = 1 << 20
	part := func(n int64, end func(*flate.Writer) error) []byte {
		return encoded(t, func(b *bytes.Buffer) error {
			w, err := flate.NewWriter(b, flate.BestSpeed)
			if err != nil {
				return err
			}
			if _, err := w.Write(make([]byte, n)); err != nil {
				return err
			}
			return end(w)
		})
	}
	b := append([]byte{0x78, 0x01}, bytes.Repeat(part(block, (*flate.Writer).Flush), int(n/block))...)
	b = append(b, part(n%block, (*flate.Writer).Close)...)
	return binary.BigEndian.AppendUint32(b, uint32(n%65521)<<16|1) // Adler-32 of zeros
}

func pngChunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// pngBomb is an all-zero PNG with 16-bit colours and transparency.
func pngBomb(t *testing.T, w, h int, interlaced bool, extra ...[]byte) []byte {
	t.Helper()
	passes := [][4]int{{0, 0, 1, 1}}
	kind := byte(0)
	if interlaced {
		passes, kind = [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}, 1
	}
	var size int64
	for _, p := range passes {
		pw, ph := int64((w-p[0]+p[2]-1)/p[2]), int64((h-p[1]+p[3]-1)/p[3])
		if pw > 0 && ph > 0 {
			size += ph * (1 + 8*pw)
		}
	}
	b := append(pngHead(w, h, kind), bytes.Join(extra, nil)...)
	b = append(b, pngChunk("IDAT", deflated(t, size))...)
	return append(b, pngChunk("IEND", nil)...)
}

func pngHead(w, h int, interlace byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(w))
	head = binary.BigEndian.AppendUint32(head, uint32(h))
	head = append(head, 16, 6, 0, 0, interlace)
	return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", head)...)
}

// jpegBomb is a progressive JPEG of one flat colour: decoding holds every coefficient of it.
func jpegBomb(w, h, components int) []byte {
	segment := func(marker byte, data ...byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(data)+2)), data...)
	}
	frame := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(components)}
	scan := []byte{byte(components)}
	for i := range byte(components) {
		frame = append(frame, i+1, 0x11, 0)
		scan = append(scan, i+1, 0)
	}
	b := []byte{0xff, 0xd8}
	if components == 4 {
		b = append(b, segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x02")...)...)
	}
	b = append(b, segment(0xdb, make([]byte, 65)...)...)
	b = append(b, segment(0xc2, frame...)...)
	b = append(b, segment(0xc4, append([]byte{0, 1}, make([]byte, 16)...)...)...) // one code of one bit: nothing changes
	b = append(b, segment(0xda, append(scan, 0, 0, 0)...)...)
	blocks := ((w + 7) / 8) * ((h + 7) / 8) * components
	return append(append(b, make([]byte, blocks/8+1)...), 0xff, 0xd9)
}

// tiffFile has one entry per tag: (tag, type, count, value or offset), little endian, and data behind.
func tiffFile(entries [][4]uint32, data []byte) []byte {
	b := append([]byte("II*\x00"), 8, 0, 0, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
		b = binary.LittleEndian.AppendUint32(b, e[3])
	}
	return append(append(b, 0, 0, 0, 0), data...)
}

// tiffBomb is one deflated strip of 8 bytes a pixel.
func tiffBomb(t *testing.T, w, h int) []byte {
	const entries = 10
	after := uint32(8 + 2 + 12*entries + 4)
	data := append([]byte{16, 0, 16, 0, 16, 0, 16, 0}, deflated(t, int64(w)*int64(h)*8)...)
	return tiffFile([][4]uint32{
		{256, 4, 1, uint32(w)}, {257, 4, 1, uint32(h)}, {258, 3, 4, after}, {259, 3, 1, 8}, {262, 3, 1, 2}, {273, 4, 1, after + 8},
		{277, 3, 1, 4}, {278, 4, 1, uint32(h)}, {279, 4, 1, uint32(len(data) - 8)}, {338, 3, 1, 1},
	}, data)
}

// webpBomb is a lossless WebP whose pixels take no bits at all.
func webpBomb(w, h int) []byte {
	var bits []bool
	put := func(value uint32, n int) {
		for i := range n {
			bits = append(bits, value>>i&1 == 1)
		}
	}
	put(0x2f, 8)
	put(uint32(w-1), 14)
	put(uint32(h-1), 14)
	put(0, 1+3+3) // no alpha, version 0; no transform, no colour cache, one group of codes
	for range 5 {
		put(1, 4) // a code with one symbol
	}
	stream := make([]byte, len(bits)/8+1)
	for i, bit := range bits {
		if bit {
			stream[i/8] |= 1 << (i % 8)
		}
	}
	return riff("VP8L", uint32(len(stream)), append(stream, make([]byte, len(stream)&1)...))
}

func riff(kind string, length uint32, data []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(12+len(data)))
	b = binary.LittleEndian.AppendUint32(append(b, "WEBP"+kind...), length)
	return append(b, data...)
}

func bmpHead(w, h uint32) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("BM"), 54)
	b = append(b, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, w)
	b = binary.LittleEndian.AppendUint32(b, h)
	b = append(b, 1, 0, 32, 0)
	return append(b, make([]byte, 24)...)
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

// bomb is a hostile file and what the worker is to make of it.
type bomb struct {
	name string
	file []byte
	done bool // else a dead letter, without another attempt
}

// lies are cheap to make and to refuse.
func lies(t *testing.T) []bomb {
	frames := &gif.GIF{}
	for range 500 {
		frames.Image = append(frames.Image, image.NewPaletted(image.Rect(0, 0, 100, 100), color.Palette{red, green}))
		frames.Delay = append(frames.Delay, 0)
	}
	movie := encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, frames) })
	photo := jpegOf(t, plain(2000, 1500, red))
	const most = 1<<32 - 1
	small := [][4]uint32{{256, 4, 1, 100}, {257, 4, 1, 100}, {258, 3, 1, 8}, {259, 3, 1, 1}, {262, 3, 1, 1}}
	return []bomb{
		{"zero bytes", nil, false},
		{"text", []byte("<?php system($_GET[0]); ?>"), false},
		{"noise", noise(64 << 10), false},
		{"truncated JPEG", photo[:len(photo)/2], false},
		{"JPEG with a flood of EXIF", withEXIF(photo, append([]byte("II*\x00\x08\x00\x00\x00\xff\xff"), bytes.Repeat([]byte("\x0f\x01\x02\x00\xff\xff\xff\xff\x08\x00\x00\x00"), 5000)...)), true},
		{"JPEG, 65535 square", jpegBomb(65535, 65535, 3)[:5000], false},
		{"JPEG, CMYK, too large", jpegBomb(7000, 7000, 4)[:5000], false},
		{"PNG, 2 GP", pngHead(1<<31-1, 1, 0), false},
		{"PNG, 65536 wide", pngHead(65536, 1, 0), false},
		{"PNG, one long line", pngBomb(t, 65535, 1, false), true},
		{"PNG, one long column", pngBomb(t, 1, 65535, true), true},
		{"PNG with text that explodes", pngBomb(t, 10, 10, false, pngChunk("zTXt", append([]byte("Raw profile type exif\x00\x00"), deflated(t, 64<<20)...))), true},
		{"GIF of many frames", movie, true},
		{"BMP, huge", bmpHead(1<<30, 1<<30), false},
		{"TIFF, strips without end", tiffFile(append(small, [4]uint32{273, 4, most, 8}, [4]uint32{278, 4, 1, 1}, [4]uint32{279, 4, most, 8}), noise(4096)), false},
		{"TIFF, bytes without end", tiffFile(append(small, [4]uint32{273, 1, 1<<31 - 1, 8}, [4]uint32{279, 1, 1<<31 - 1, 8}), noise(1<<20)), false},
		{"TIFF, absurd tiles", tiffFile(append(small, [4]uint32{322, 4, 1, 1 << 30}, [4]uint32{323, 4, 1, 1 << 30}, [4]uint32{324, 4, 1, 8}, [4]uint32{325, 4, 1, most}), nil), false},
		{"TIFF, tiny tiles", tiffFile([][4]uint32{{256, 4, 1, 5000}, {257, 4, 1, 4900}, {258, 3, 1, 8}, {259, 3, 1, 1}, {262, 3, 1, 1},
			{322, 4, 1, 8}, {323, 4, 1, 8}, {324, 4, 5e6, 8}, {325, 4, 5e6, 8}}, noise(1<<20)), false},
		{"TIFF, 4 GP", tiffFile([][4]uint32{{256, 4, 1, 65535}, {257, 4, 1, 65535}, {258, 3, 1, 8}, {262, 3, 1, 1}}, nil), false},
		{"WebP, 268 MP in 30 bytes", webpBomb(16384, 16384), false},
		{"WebP, other size than announced", append(riff("VP8X", 10, make([]byte, 10)), riff("VP8L", 20, webpBomb(16384, 3000)[20:])[12:]...), false},
		{"WebP, 2 GB chunk", riff("VP8 ", 1<<31-2, []byte{0x10, 0, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xe0, 0x0b}), false},
	}
}

// loads are within what one image may have, just so, or too large by a byte.
func loads(t *testing.T) []bomb {
	all := []bomb{
		{"PNG, 12 MP interlaced", pngBomb(t, 3500, 3500, true), true},
		{"JPEG, 49 MP progressive", jpegBomb(7000, 7000, 3), true},
		{"JPEG, 33 MP progressive CMYK", jpegBomb(5750, 5750, 4), true},
		{"TIFF, 16 MP in one strip", tiffBomb(t, 4000, 4000), true},
		{"WebP, 3 MP in 30 bytes", webpBomb(16383, 200), true},
		{"JPEG, almost too large and short", jpegBomb(7000, 7000, 3)[:5000], false},
		{"PNG, almost too large and short", pngHead(7000, 7000, 0), false},
		{"GIF, large and short", []byte("GIF89a\xff\xff\xe0\x02\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xe0\x02\x00\x02\x00"), false},
		{"BMP, large and short", bmpHead(7000, 7000), false},
		{"32 MiB of noise", noise(maxObject), false},
		{"32 MiB of noise and a byte", noise(maxObject + 1), false},
		{"64 MiB of noise", noise(64 << 20), false},
	}
	for range 5 { // with those above they would take more than 2 GB at once
		all = append(all, bomb{"JPEG, 12 MP progressive", jpegBomb(3500, 3500, 3), true})
	}
	return all
}
