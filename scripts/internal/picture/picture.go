// Package picture paints the photograph that demo and tests upload.
package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
)

// Size of the picture as it is stored, and of the scene as it is meant to be seen: the camera was held upright.
const (
	Width, Height           = 1200, 800
	SceneWidth, SceneHeight = Height, Width
)

const orientation = 6 // EXIF: turn the stored picture by 90° clockwise to see it upright

// JPEG is a sunset over hills, Width × Height as stored, with an EXIF orientation that stands it upright.
func JPEG() ([]byte, error) {
	stored := image.NewRGBA(image.Rect(0, 0, Width, Height))
	for y := range SceneHeight {
		for x := range SceneWidth {
			stored.SetRGBA(y, SceneWidth-1-x, scene(float64(x)/SceneWidth, float64(y)/SceneHeight))
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, stored, &jpeg.Options{Quality: 88}); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	return withOrientation(b.Bytes()), nil
}

// scene is the colour at x, y from the top left corner, both from 0 to 1.
func scene(x, y float64) color.RGBA {
	c := mix(rgb{38, 30, 84}, rgb{250, 150, 90}, math.Min(1, y/0.62))
	sun := math.Hypot((x-0.64)*SceneWidth, (y-0.5)*SceneHeight) / SceneWidth
	c = mix(c, rgb{255, 236, 170}, math.Exp(-sun*sun*18))
	if sun < 0.12 {
		c = rgb{255, 244, 205}
	}
	for i, hill := range []rgb{{126, 78, 116}, {82, 52, 98}, {40, 28, 62}} {
		n := float64(i)
		ridge := 0.6 + 0.11*n + 0.035*math.Sin(x*(5+2*n)+n*2.1) + 0.012*math.Sin(x*(17+5*n)+n)
		if y > ridge {
			c = mix(hill, rgb{16, 12, 32}, (y-ridge)*0.9)
		}
	}
	return color.RGBA{uint8(c.r), uint8(c.g), uint8(c.b), 255}
}

type rgb struct{ r, g, b float64 }

func mix(a, b rgb, t float64) rgb {
	return rgb{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

// withOrientation puts an EXIF segment behind the JPEG's first marker: a TIFF header and one directory with one entry.
func withOrientation(b []byte) []byte {
	exif := []byte("Exif\x00\x00" +
		"II*\x00\x08\x00\x00\x00" + // little-endian, directory at 8
		"\x01\x00" + // one entry:
		"\x12\x01\x03\x00\x01\x00\x00\x00" + // tag 0x0112, type SHORT, one value
		string(rune(orientation)) + "\x00\x00\x00" +
		"\x00\x00\x00\x00") // no further directory
	n := len(exif) + 2
	segment := append([]byte{0xff, 0xe1, byte(n >> 8), byte(n)}, exif...)
	return append(append(append([]byte{}, b[:2]...), segment...), b[2:]...)
}
