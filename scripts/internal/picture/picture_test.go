package picture

import (
	"bytes"
	"image"
	"testing"

	"github.com/bep/imagemeta"
)

func TestJPEG(t *testing.T) {
	b, err := JPEG()
	if err != nil {
		t.Fatal(err)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || format != "jpeg" || c.Width != Width || c.Height != Height {
		t.Errorf("%s %dx%d, %v", format, c.Width, c.Height, err)
	}
	var got any
	_, err = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(b), ImageFormat: imagemeta.JPEG, Sources: imagemeta.EXIF,
		HandleTag: func(tag imagemeta.TagInfo) error {
			if tag.Tag == "Orientation" {
				got = tag.Value
			}
			return nil
		},
	})
	if err != nil || got != uint16(orientation) {
		t.Errorf("orientation %v, %v", got, err)
	}
}
