package bench

import (
	"archive/zip"
	"compress/flate"
	"context"
	"io"
	"os"
)

// zipSize measures what is uploaded at each deployment, and loaded at a cold start.
func zipSize(_ context.Context, r *rig) (Section, error) {
	type sizes struct{ binary, zipped int64 }
	var found [2]sizes
	for i, path := range []string{r.Function, r.floor("smallest")} {
		info, err := os.Stat(path)
		if err != nil {
			return Section{}, err
		}
		zipped, err := zippedSize(path)
		if err != nil {
			return Section{}, err
		}
		found[i] = sizes{info.Size(), zipped}
	}
	ours, floor := found[0], found[1]
	x := ratio(float64(ours.zipped) / float64(floor.zipped))
	return Section{
		How:     "The binary, built as s.yaml builds it, beside the smallest handler for fc-runtime-go-sdk.",
		Columns: []string{"ours", "smallest", "ratio"},
		Rows: []Row{
			{"binary", []Value{byteCount(ours.binary), byteCount(floor.binary), ratio(float64(ours.binary) / float64(floor.binary))}},
			{"zipped", []Value{byteCount(ours.zipped), byteCount(floor.zipped), x}},
		},
		Targets: []Target{atMost("zip, to the smallest handler's", x, ratio(2))},
	}, nil
}

func zippedSize(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var n counter
	w := zip.NewWriter(&n)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestCompression) })
	entry, err := w.Create("main")
	if err == nil {
		_, err = io.Copy(entry, f)
	}
	if err == nil {
		err = w.Close()
	}
	return int64(n), err
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
