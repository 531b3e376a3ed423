package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the decoders register themselves with package image
	"image/jpeg"
	_ "image/png"

	"github.com/bep/imagemeta"
	_ "golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

const (
	// thumbSide is the longest side of a thumbnail, in pixels.
	thumbSide   = 256
	jpegQuality = 85
)

var (
	errNotAnImage    = errors.New("not an image that can be read (JPEG, PNG, GIF, WebP, BMP or TIFF)")
	errTooManyPixels = errors.New("image is too large to be decoded")
)

// inspect tells what decoding an image file would take, from its header: see cost. It returns errNotAnImage or errTooManyPixels;
// neither gets better by trying again.
func inspect(file []byte) (pixels int64, err error) {
	conf, format, err := image.DecodeConfig(bytes.NewReader(file))
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %v", errNotAnImage, err)
	case conf.Width < 1 || conf.Height < 1:
		return 0, fmt.Errorf("%w: %dx%d pixels", errNotAnImage, conf.Width, conf.Height)
	case conf.Width > maxSide, conf.Height > maxSide, cost(format, conf) > maxPixels:
		return 0, fmt.Errorf("%w: %s of %dx%d pixels", errTooManyPixels, format, conf.Width, conf.Height)
	}
	return cost(format, conf), nil
}

// thumbnail turns an image file that inspect has accepted into a small upright JPEG without metadata: at most 256x256, never
// enlarged, of an animation the first frame, transparency over white. It returns errNotAnImage.
func thumbnail(file []byte) ([]byte, error) {
	src, format, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errNotAnImage, err)
	}
	if src.Bounds().Empty() {
		return nil, fmt.Errorf("%w: no pixels", errNotAnImage)
	}
	w, h := fit(src.Bounds().Dx(), src.Bounds().Dy())
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	kernel(src.Bounds().Dx(), w).Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Over, nil)

	var b bytes.Buffer
	if err := jpeg.Encode(&b, upright(dst, orientation(file, format)), &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil, fmt.Errorf("encode thumbnail: %w", err)
	}
	return b.Bytes(), nil
}

// area averages all that a pixel of the thumbnail covers.
var area = draw.Kernel{Support: 0.5, At: func(float64) float64 { return 1 }}

// kernel is how to scale a side from so many pixels. CatmullRom keeps edges sharp, but takes twice as long as decoding a large photograph;
// from a quarter on the mean looks the same and takes a fourth of that.
func kernel(from, to int) *draw.Kernel {
	if from >= 4*to {
		return &area
	}
	return draw.CatmullRom
}

// fit scales w x h down, keeping its shape, until no side is longer than thumbSide.
func fit(w, h int) (int, int) {
	long := max(w, h)
	if long <= thumbSide {
		return w, h
	}
	scale := func(side int) int { return max(1, (side*thumbSide+long/2)/long) }
	return scale(w), scale(h)
}

// orientation is the EXIF orientation, 1 to 8; 1 for an image that has none, or none that can be read.
func orientation(file []byte, format string) int {
	formats := map[string]imagemeta.ImageFormat{
		"jpeg": imagemeta.JPEG, "png": imagemeta.PNG, "tiff": imagemeta.TIFF, "webp": imagemeta.WebP,
	}
	kind, ok := formats[format]
	if !ok {
		return 1
	}
	found := 1
	_, _ = imagemeta.Decode(imagemeta.Options{ // broken metadata is no reason to refuse the picture
		R: bytes.NewReader(file), ImageFormat: kind, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool { return tag.Tag == "Orientation" && tag.Namespace == "IFD0" },
		HandleTag: func(tag imagemeta.TagInfo) error {
			if v, ok := tag.Value.(uint16); ok && v >= 1 && v <= 8 {
				found = int(v)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return found
}

// upright undoes an EXIF orientation.
func upright(src *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			var sx, sy int
			switch orientation {
			case 2: // mirrored
				sx, sy = w-1-x, y
			case 3: // upside down
				sx, sy = w-1-x, h-1-y
			case 4: // upside down and mirrored
				sx, sy = x, h-1-y
			case 5: // on its left side and mirrored
				sx, sy = y, x
			case 6: // turn clockwise
				sx, sy = y, h-1-x
			case 7: // on its right side and mirrored
				sx, sy = w-1-y, h-1-x
			case 8: // turn counter-clockwise
				sx, sy = w-1-y, x
			}
			dst.SetRGBA(x, y, src.RGBAAt(sx, sy))
		}
	}
	return dst
}
