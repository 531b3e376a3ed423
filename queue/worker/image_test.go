package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/tiff"
)

func picture(w, h int, at func(x, y int) color.Color) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, at(x, y))
		}
	}
	return m
}

func plain(w, h int, c color.Color) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

func encoded(t *testing.T, encode func(b *bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t *testing.T, m image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 100}) })
}

func pngOf(t *testing.T, m image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
}

// exifOf is an EXIF block with an orientation and, to see it dropped, a camera's name.
func exifOf(orientation int) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00\x02\x00")
	b = append(b, 0x0f, 0x01, 2, 0, 4, 0, 0, 0, 'C', 'a', 'm', 0)           // Make, ASCII
	b = append(b, 0x12, 0x01, 3, 0, 1, 0, 0, 0, byte(orientation), 0, 0, 0) // Orientation, SHORT
	return append(b, 0, 0, 0, 0)
}

// withEXIF puts an EXIF block into a JPEG or PNG.
func withEXIF(file []byte, exif []byte) []byte {
	if bytes.HasPrefix(file, []byte("\x89PNG")) {
		const afterIHDR = 8 + 25
		chunk := append([]byte("eXIf"), exif...)
		b := binary.BigEndian.AppendUint32(bytes.Clone(file[:afterIHDR]), uint32(len(exif)))
		b = binary.BigEndian.AppendUint32(append(b, chunk...), crc32.ChecksumIEEE(chunk))
		return append(b, file[afterIHDR:]...)
	}
	segment := append([]byte("Exif\x00\x00"), exif...)
	b := append(bytes.Clone(file[:2]), 0xff, 0xe1)
	b = binary.BigEndian.AppendUint16(b, uint16(len(segment)+2))
	return append(append(b, segment...), file[2:]...)
}

// near allows for what JPEG does to colours.
func near(a, b color.Color) bool {
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	far := func(x, y uint32) bool { return max(x, y)-min(x, y) > 0x2000 }
	return !far(ar, br) && !far(ag, bg) && !far(ab, bb)
}

var (
	red   = color.NRGBA{R: 255, A: 255}
	green = color.NRGBA{G: 255, A: 255}
	blue  = color.NRGBA{B: 255, A: 255}
	black = color.NRGBA{A: 255}
)

// small is what process does with a file.
func small(file []byte) ([]byte, error) {
	if _, err := inspect(file); err != nil {
		return nil, err
	}
	return thumbnail(file)
}

func TestThumbnailReadsFormats(t *testing.T) {
	webp, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	paletted := func(c color.Color) *image.Paletted {
		m := image.NewPaletted(image.Rect(0, 0, 600, 300), color.Palette{red, green})
		draw.Draw(m, m.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
		return m
	}
	big := plain(600, 300, red)
	for name, c := range map[string]struct {
		file []byte
		w, h int
		want color.Color
	}{
		"JPEG":             {jpegOf(t, big), 256, 128, red},
		"PNG":              {pngOf(t, big), 256, 128, red},
		"PNG, transparent": {pngOf(t, plain(10, 20, color.NRGBA{R: 255})), 10, 20, color.White},
		"PNG, 16 bit":      {pngOf(t, image.NewGray16(image.Rect(0, 0, 300, 300))), 256, 256, black},
		"GIF, first frame": {encoded(t, func(b *bytes.Buffer) error {
			return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{paletted(red), paletted(green)}, Delay: []int{1, 1}})
		}), 256, 128, red},
		"BMP":          {encoded(t, func(b *bytes.Buffer) error { return bmp.Encode(b, big) }), 256, 128, red},
		"TIFF":         {encoded(t, func(b *bytes.Buffer) error { return tiff.Encode(b, big, &tiff.Options{Compression: tiff.Deflate}) }), 256, 128, red},
		"WebP":         {webp, 1, 1, nil},
		"never larger": {pngOf(t, plain(3, 2, blue)), 3, 2, blue},
		"a line":       {pngOf(t, plain(1, 2000, blue)), 1, 256, blue},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := small(c.file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := jpeg.Decode(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if size := got.Bounds().Size(); size != image.Pt(c.w, c.h) {
				t.Errorf("size is %v, want %dx%d", size, c.w, c.h)
			}
			if c.want != nil && !near(got.At(c.w/2, c.h/2), c.want) {
				t.Errorf("colour is %v, want %v", got.At(c.w/2, c.h/2), c.want)
			}
		})
	}
}

// The EXIF standard says on which side of the upright picture the stored row 0 and column 0 are.
func TestThumbnailIsUpright(t *testing.T) {
	sides := map[int][2]string{
		1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"},
	}
	const w, h = 320, 160
	seen := picture(w, h, func(x, y int) color.Color {
		return [][]color.Color{{red, green}, {blue, black}}[y/(h/2)][x/(w/2)]
	})
	place := func(side string, n int, p *image.Point) {
		switch side {
		case "left":
			p.X = n
		case "right":
			p.X = w - 1 - n
		case "top":
			p.Y = n
		case "bottom":
			p.Y = h - 1 - n
		}
	}
	for o, s := range sides {
		sw, sh := w, h
		if o >= 5 {
			sw, sh = h, w
		}
		stored := picture(sw, sh, func(col, row int) color.Color {
			var p image.Point
			place(s[0], row, &p)
			place(s[1], col, &p)
			return seen.At(p.X, p.Y)
		})
		for format, file := range map[string][]byte{"JPEG": jpegOf(t, stored), "PNG": pngOf(t, stored)} {
			t.Run(fmt.Sprintf("%s %d", format, o), func(t *testing.T) {
				b, err := small(withEXIF(file, exifOf(o)))
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(b, []byte("Exif")) || bytes.Contains(b, []byte("Cam")) {
					t.Error("the thumbnail carries EXIF data")
				}
				got, err := jpeg.Decode(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				if got.Bounds().Size() != image.Pt(256, 128) {
					t.Fatalf("size is %v", got.Bounds().Size())
				}
				for p, want := range map[image.Point]color.Color{{64, 32}: red, {192, 32}: green, {64, 96}: blue, {192, 96}: black} {
					if !near(got.At(p.X, p.Y), want) {
						t.Errorf("at %v: %v, want %v", p, got.At(p.X, p.Y), want)
					}
				}
			})
		}
	}
}

func TestThumbnailSurvivesBrokenEXIF(t *testing.T) {
	file := jpegOf(t, plain(4, 4, red))
	for name, exif := range map[string][]byte{"empty": {}, "cut": exifOf(6)[:12], "orientation 9": exifOf(9), "noise": []byte("MM\x00*\xff\xff\xff\xff")} {
		if _, err := small(withEXIF(file, exif)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThumbnailRefuses(t *testing.T) {
	file := pngOf(t, plain(100, 100, red))
	resize := func(w, h uint32) []byte {
		b := bytes.Clone(file)
		binary.BigEndian.PutUint32(b[16:], w)
		binary.BigEndian.PutUint32(b[20:], h)
		binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
		return b
	}
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"empty":             {nil, errNotAnImage},
		"text":              {[]byte("hello"), errNotAnImage},
		"cut":               {file[:len(file)/2], errNotAnImage},
		"lying":             {resize(5000, 5000), errNotAnImage},
		"no height":         {resize(100, 0), errNotAnImage},
		"too many pixels":   {resize(10_000, 5001), errTooManyPixels},
		"product overflows": {resize(1<<31-1, 1<<31-1), errNotAnImage}, // the decoder itself says no
		"one long line":     {resize(maxSide+1, 1), errTooManyPixels},  // scaling would take gigabytes
		"one long column":   {resize(1, maxSide+1), errTooManyPixels},
	} {
		if _, err := small(c.file); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// FuzzThumbnail: go test -fuzz=FuzzThumbnail ./queue/worker
func FuzzThumbnail(f *testing.F) {
	for _, encode := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return jpeg.Encode(b, plain(2, 3, red), nil) },
		func(b *bytes.Buffer) error { return png.Encode(b, plain(2, 3, red)) },
		func(b *bytes.Buffer) error { return gif.Encode(b, plain(2, 3, red), nil) },
		func(b *bytes.Buffer) error { return bmp.Encode(b, plain(2, 3, red)) },
		func(b *bytes.Buffer) error { return tiff.Encode(b, plain(2, 3, red), nil) },
	} {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil && c.Width*c.Height > 1<<20 {
			return // allowed, but slow
		}
		b, err := small(file)
		if err != nil {
			return
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(b))
		if err != nil || c.Width > thumbSide || c.Height > thumbSide {
			t.Errorf("thumbnail is %+v, %v", c, err)
		}
	})
}

// Large photographs are scaled with a cheaper kernel; nobody shall see it. From 40 dB on two images look the same.
func TestCheapKernelIsNotSeen(t *testing.T) {
	src := image.NewYCbCr(image.Rect(0, 0, 1600, 1200), image.YCbCrSubsampleRatio420)
	for i := range src.Y { // soft waves of all lengths, and some grain
		x, y := float64(i%src.YStride), float64(i/src.YStride)
		grain := float64(uint32(i)*2654435761>>27) - 16
		src.Y[i] = uint8(128 + 60*math.Sin(x/90+y/200) + 20*math.Sin(y/13) + 10*math.Sin(x/5-y/7) + grain)
	}
	for i := range src.Cb {
		src.Cb[i], src.Cr[i] = uint8(i%src.CStride/4), uint8(i/src.CStride/3)
	}
	scaled := func(k *draw.Kernel) *image.RGBA {
		dst := image.NewRGBA(image.Rect(0, 0, 256, 192))
		k.Scale(dst, dst.Rect, src, src.Rect, draw.Src, nil)
		return dst
	}
	cheap, best := scaled(kernel(1600, 256)), scaled(draw.CatmullRom)
	var sum float64
	for i := range best.Pix {
		d := float64(best.Pix[i]) - float64(cheap.Pix[i])
		sum += d * d
	}
	if likeness := 10 * math.Log10(255*255*float64(len(best.Pix))/sum); likeness < 40 || math.IsInf(likeness, 0) {
		t.Errorf("%.1f dB", likeness)
	}
	if kernel(800, 256) != draw.CatmullRom {
		t.Error("a small image is not scaled with the best kernel")
	}
}
