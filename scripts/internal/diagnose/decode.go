package diagnose

import (
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxInput is how much of an input is looked at, in bytes. Bodies of OSS are below 1 KB; a trace or a log around one may be longer.
const maxInput = 128 << 10

// htmlEscapes are how Go, among others, writes XML into JSON.
var htmlEscapes = strings.NewReplacer(`\u003c`, "<", `\u003C`, "<", `\u003e`, ">", `\u003E`, ">", `\u0026`, "&")

// decode makes valid UTF-8 of an input: what PowerShell writes with > is UTF-16, and begins with a byte order mark.
func decode(input string) string {
	input = input[:min(len(input), maxInput)]
	if text, _, err := transform.String(unicode.BOMOverride(transform.Nop), input); err == nil {
		input = text
	}
	return strings.TrimSpace(strings.ToValidUTF8(input, ""))
}
