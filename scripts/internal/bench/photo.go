package bench

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
)

// photoQuality is what cameras and phones save with, more or less.
const photoQuality = 90

// photo is a JPEG that asks as much of a decoder as a photograph does: noise of all scales, as strong as it is coarse, of which chroma
// gets less, and a little grain of the sensor. It has some 2.3 bits a pixel. The same size gives the same file.
func photo(width, height int) ([]byte, error) {
	random := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	paint(random, img.Y, img.YStride, 16)
	paint(random, img.Cb, img.CStride, 4)
	paint(random, img.Cr, img.CStride, 4)
	var b bytes.Buffer
	err := jpeg.Encode(&b, img, &jpeg.Options{Quality: photoQuality})
	return b.Bytes(), err
}

// paint fills a plane with octaves of noise, interpolated between points that lie 512, 128, 32, 8 and 2 pixels apart, and with grain.
func paint(random *rand.Rand, plane []uint8, stride int, grain float32) {
	height := len(plane) / stride
	sum := make([]float32, stride)
	layers := []layer{
		newLayer(random, stride, height, 512, 150), newLayer(random, stride, height, 128, 70), newLayer(random, stride, height, 32, 30),
		newLayer(random, stride, height, 8, 24), newLayer(random, stride, height, 2, grain),
	}
	for y := range height {
		clear(sum)
		for _, l := range layers {
			l.add(sum, y)
		}
		row := plane[y*stride:][:stride]
		for x := range row {
			row[x] = uint8(min(max(128+sum[x]+grain*(random.Float32()-0.5), 0), 255))
		}
	}
}

// layer is one octave: random values on a grid.
type layer struct {
	step, columns int
	values        []float32
}

func newLayer(random *rand.Rand, width, height, step int, strength float32) layer {
	l := layer{step: step, columns: width/step + 2}
	l.values = make([]float32, l.columns*(height/step+2))
	for i := range l.values {
		l.values[i] = strength * (random.Float32() - 0.5)
	}
	return l
}

// add adds row y of the layer.
func (l layer) add(sum []float32, y int) {
	upper := l.values[y/l.step*l.columns:]
	lower := upper[l.columns:]
	down := float32(y%l.step) / float32(l.step)
	for x0 := 0; x0 < len(sum); x0 += l.step {
		i := x0 / l.step
		v := upper[i] + (lower[i]-upper[i])*down
		next := upper[i+1] + (lower[i+1]-upper[i+1])*down
		slope := (next - v) / float32(l.step)
		for x := x0; x < min(x0+l.step, len(sum)); x++ {
			sum[x] += v
			v += slope
		}
	}
}
