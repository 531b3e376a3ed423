package osssim

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/gif"
	"image/jpeg"
	"io"
	"testing"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

func encoded(t *testing.T, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := encode(&out, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// webpImage is the smallest lossless WebP head that tells a size.
func webpImage(width, height uint32) []byte {
	chunk := binary.LittleEndian.AppendUint32([]byte{0x2f}, (width-1)|(height-1)<<14)
	out := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(4+8+len(chunk)+1))...)
	out = append(out, "WEBPVP8L"...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(chunk)))
	return append(append(out, chunk...), 0)
}

// withEXIF puts an EXIF block with Orientation 6 and 31° 30' N into a JPEG.
func withEXIF(jpg []byte) []byte {
	be := binary.BigEndian
	entry := func(b []byte, tag, kind uint16, count, value uint32) []byte {
		return be.AppendUint32(be.AppendUint32(be.AppendUint16(be.AppendUint16(b, tag), kind), count), value)
	}
	block := be.AppendUint32([]byte("MM\x00\x2a"), 8)
	block = be.AppendUint16(block, 2)
	block = entry(block, 0x0112, 3, 1, 6<<16)
	block = entry(block, 0x8825, 4, 1, 38) // GPS directory right behind
	block = be.AppendUint32(block, 0)
	block = be.AppendUint16(block, 2)
	block = entry(block, 1, 2, 2, 'N'<<24)
	block = entry(block, 2, 5, 3, 68)
	block = be.AppendUint32(block, 0)
	for _, n := range []uint32{31, 1, 30, 1, 0, 1} {
		block = be.AppendUint32(block, n)
	}
	segment := append([]byte("Exif\x00\x00"), block...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, be.AppendUint16(nil, uint16(len(segment)+2))...)
	return append(append(out, segment...), jpg[2:]...)
}

func TestImageInfo(t *testing.T) {
	jpg := encoded(t, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) })
	basic := func(format string) map[string]string {
		return map[string]string{"Format": format, "ImageWidth": "40", "ImageHeight": "30"}
	}
	tagged := basic("jpg")
	tagged["Orientation"], tagged["GPSLatitudeRef"], tagged["GPSLatitude"] = "6", "N", `31deg 30' 0.000" `
	tests := []struct {
		name string
		body []byte
		want map[string]string
	}{
		{"jpg", jpg, basic("jpg")},
		{"jpg with exif", withEXIF(jpg), tagged},
		{"png", pngImage(t, 40, 30), basic("png")},
		{"gif", encoded(t, func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) }), basic("gif")},
		{"bmp", encoded(t, bmp.Encode), basic("bmp")},
		{"tiff", encoded(t, func(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) }), basic("tiff")},
		{"webp", webpImage(40, 30), basic("webp")},
	}
	h := start(t, nil)
	for _, version := range []oss.AuthVersionType{oss.AuthV1, oss.AuthV4} {
		bucket := h.bucket(t, oss.AuthVersion(version))
		for _, tt := range tests {
			t.Run(string(version)+" "+tt.name, func(t *testing.T) {
				h.Put(testBucket, "照片/a b", "", tt.body)
				var got map[string]struct {
					Value string `json:"value"`
				}
				if err := json.Unmarshal([]byte(read(t, bucket, "照片/a b", oss.Process("image/info"))), &got); err != nil {
					t.Fatal(err)
				}
				flat := map[string]string{}
				for name, v := range got {
					flat[name] = v.Value
				}
				if flat["FileSize"] == "" {
					t.Error("no FileSize")
				}
				delete(flat, "FileSize")
				if diff := cmp.Diff(tt.want, flat); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		}
	}
}

func TestImageInfoRefused(t *testing.T) {
	h := start(t, nil)
	bucket := h.bucket(t)
	tests := []struct {
		name   string
		body   []byte
		status int
		code   string
	}{
		{"text", []byte("just text"), 400, "BadRequest"},
		{"empty", []byte{}, 400, "BadRequest"},
		{"truncated", pngImage(t, 4, 3)[:20], 400, "InvalidArgument"},
		{"too large", make([]byte, maxImage+1), 400, "ImageTooLarge"},
		{"missing", nil, 404, "NoSuchKey"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.Delete(testBucket, "k")
			if tt.body != nil {
				h.Put(testBucket, "k", "image/png", tt.body)
			}
			_, err := bucket.GetObject("k", oss.Process("image/info"))
			service := wantServiceError(t, err, tt.status, tt.code)
			if tt.name == "text" && service.Message != "This image format is not supported." {
				t.Errorf("message %q", service.Message)
			}
		})
	}
	h.Put(testBucket, "k", "", pngImage(t, 1, 1))
	_, err := bucket.GetObject("k", oss.Process("image/resize,w_10"))
	wantServiceError(t, err, 501, "NotImplemented")
}
