// Command thumbnail is the floor of the worker: the same calls to decode, scale and encode a photograph, and nothing else. It runs them so
// often, so many at a time, and prints one line of JSON with the time they took and the MD5 of what they make.
//
//	thumbnail <file> <times> <at once>
package main

import (
	"bytes"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"strconv"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/sync/errgroup"
)

// What the worker does with a photograph that lies.
const (
	side    = 256
	quality = 85
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "thumbnail:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("want <file> <times> <at once>, got %q", args)
	}
	file, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	times, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	atOnce, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	began := time.Now()
	made, err := repeat(file, times, atOnce)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"elapsed_ns": time.Since(began), "md5": fmt.Sprintf("%x", md5.Sum(made))})
}

// repeat returns the thumbnail, which is always the same.
func repeat(file []byte, times, atOnce int) (made []byte, err error) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range times {
		g.Go(func() error {
			b, err := thumbnail(file)
			if i == 0 {
				made = b
			}
			return err
		})
	}
	err = g.Wait()
	return made, err
}

func thumbnail(file []byte) ([]byte, error) {
	src, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	dst := image.NewRGBA(image.Rect(0, 0, side, side*src.Bounds().Dy()/src.Bounds().Dx()))
	kernel := draw.CatmullRom
	if src.Bounds().Dx() >= 4*side {
		kernel = &draw.Kernel{Support: 0.5, At: func(float64) float64 { return 1 }}
	}
	kernel.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Over, nil)
	var b bytes.Buffer
	err = jpeg.Encode(&b, dst, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}
