package osssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the formats that image.DecodeConfig knows are those that image/info knows, but for HEIC and AVIF
	_ "image/jpeg"
	_ "image/png"
	"math"
	"net/http"
	"strconv"

	"github.com/bep/imagemeta"
	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// maxImage is the size from which on OSS refuses to process an image.
const maxImage = 20 << 20

// imageFacts is what image/info and ${imageInfo.*} say of an object.
type imageFacts struct {
	format        string // jpg, png, gif, webp, bmp, tiff
	width, height int
	exif          map[string]string
}

// inspect reads an image's header. The error is image.ErrFormat for what is no image, anything else for a broken one. Only the header is
// looked at: an image that is cut off later on passes.
func inspect(body []byte) (imageFacts, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil {
		return imageFacts{}, err
	}
	facts := imageFacts{format: format, width: config.Width, height: config.Height}
	if format == "jpeg" {
		facts.format = "jpg"
		facts.exif = readEXIF(body)
	}
	return facts, nil
}

func (s *Server) getImageInfo(c *call) error {
	if process := c.query.Get("x-oss-process"); process != "image/info" {
		return notImplemented(c)
	}
	o, err := s.find(c)
	if err != nil {
		return err
	}
	if o.Size > maxImage {
		return &apiError{Status: http.StatusBadRequest, Code: "ImageTooLarge", Message: "The size of the image exceeds the limit."}
	}
	facts, err := inspect(o.Body)
	if errors.Is(err, image.ErrFormat) {
		return &apiError{Status: http.StatusBadRequest, Code: "BadRequest", Message: "This image format is not supported."}
	}
	if err != nil {
		return &apiError{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: "The image is broken or incomplete."}
	}

	type value struct {
		Value string `json:"value"`
	}
	answer := map[string]value{
		"FileSize":    {strconv.FormatInt(o.Size, 10)},
		"Format":      {facts.format},
		"ImageHeight": {strconv.Itoa(facts.height)},
		"ImageWidth":  {strconv.Itoa(facts.width)},
	}
	for name, text := range facts.exif {
		answer[name] = value{text}
	}
	body, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return err
	}
	c.write(http.StatusOK, "application/json", body)
	return nil
}

// readEXIF returns the entries of a JPEG's EXIF block that tools and privacy care about; a broken block counts as none.
func readEXIF(body []byte) map[string]string {
	found := map[string]string{}
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(body), ImageFormat: imagemeta.JPEG, Sources: imagemeta.EXIF,
		HandleTag: func(tag imagemeta.TagInfo) error {
			switch tag.Tag {
			case "Orientation", "DateTime", "Make", "Model", "Software", "GPSLatitudeRef", "GPSLongitudeRef":
				found[tag.Tag] = fmt.Sprint(tag.Value)
			case "GPSLatitude", "GPSLongitude":
				if degrees, ok := tag.Value.(float64); ok {
					found[tag.Tag] = degreesText(math.Abs(degrees))
				}
			}
			return nil
		},
	})
	if err != nil {
		return nil
	}
	return found
}

func degreesText(degrees float64) string {
	whole, fraction := math.Modf(degrees)
	minutes, rest := math.Modf(fraction * 60)
	return fmt.Sprintf(`%.0fdeg %.0f' %.3f" `, whole, minutes, rest*60)
}
