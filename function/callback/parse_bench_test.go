package callback

import (
	"strings"
	"testing"
	"time"
)

// padded adds a variable to a body that makes it 4 KB long, near the most that a callback's template may hold.
func padded(body, before, after string) string {
	return strings.TrimSuffix(body, "}") + before + strings.Repeat("p", 4<<10-len(body)-len(before)) + after
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, contentType, body string }{
		{"form/small", formType, benchForm},
		{"form/4KB", formType, padded(benchForm, "&x%3Anote=", "")},
		{"json/small", jsonType, benchJSON},
		{"json/4KB", jsonType, padded(benchJSON, `,"x:note":"`, `"}`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := []byte(c.body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parse(c.contentType, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkToken(b *testing.B) {
	for name, secret := range map[string][]byte{"new": secretA, "old": secretB} {
		token := mint(b, secret, Token{Bucket: "photos", Prefix: "user/7/", Expires: noon.Add(time.Hour)})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := checkToken(token, [][]byte{secretA, secretB}, "photos", "user/7/a.jpg", noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
