package bucketsetup

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrDocument is wrapped by errors about a document of the bucket that cannot be read and therefore is not merged.
var ErrDocument = errors.New("the bucket's document cannot be read")

// document is one of the bucket's whole-document settings: its bytes as they came, and where in them each rule is. Merging cuts and
// inserts bytes, because what this program, or the SDK, does not know of a user's rule must not be lost.
type document struct {
	raw   []byte
	rules []span
	end   int  // where the root's end tag begins; there is none if empty
	empty bool // <Root/>
}

type span struct{ from, to int }

// parse finds the rules in raw.
func parse(raw []byte, r resource) (document, error) {
	root, child := r.root, r.child
	d := document{raw: raw}
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	depth, closed, from := 0, false, 0
	for {
		start := int(decoder.InputOffset())
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && closed {
			return d, nil
		}
		if err != nil {
			return document{}, fmt.Errorf("%w: %s: %w", ErrDocument, root, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth == 0 && (closed || token.Name.Local != root) {
				return document{}, fmt.Errorf("%w: <%s> where <%s> should be", ErrDocument, token.Name.Local, root)
			}
			if depth == 1 && token.Name.Local == child {
				from = start
			}
			depth++
		case xml.EndElement:
			depth--
			if depth == 1 && token.Name.Local == child {
				d.rules = append(d.rules, span{from, int(decoder.InputOffset())})
			}
			if depth == 0 {
				d.end, closed = start, true
				d.empty = start == int(decoder.InputOffset())
			}
		}
	}
}

// open is parse for a document that may not be there.
func open(raw []byte, r resource) (document, error) {
	if len(raw) > 0 {
		if d, err := parse(raw, r); err != nil || !d.empty {
			return d, err
		}
	}
	return parse([]byte(xml.Header+"<"+r.root+">\n</"+r.root+">\n"), r)
}

func (d document) rule(i int) string { return string(d.raw[d.rules[i].from:d.rules[i].to]) }

// with returns the bytes of the document with rules added behind the last one.
func (d document) with(added []string) string {
	var b strings.Builder
	at, before, behind := d.end, "  ", "\n"
	if n := len(d.rules); n > 0 {
		last := d.rules[n-1]
		at, before, behind = last.to, indentBefore(d.raw[:last.from]), ""
	}
	b.Write(d.raw[:at])
	for _, text := range added {
		b.WriteString(before + text + behind)
	}
	b.Write(d.raw[at:])
	return b.String()
}

// indentBefore is the line break and the blanks before an element, "" if it does not begin a line.
func indentBefore(raw []byte) string {
	newline := bytes.LastIndexByte(raw, '\n')
	if newline < 0 || len(bytes.TrimSpace(raw[newline:])) > 0 {
		return ""
	}
	return string(raw[newline:])
}

// templateRule is the one rule of a file in deploy/oss.
func templateRule(file string, r resource) (string, error) {
	d, err := parse([]byte(file), r)
	if err != nil {
		return "", err
	}
	if len(d.rules) != 1 {
		return "", fmt.Errorf("%w: the file in deploy/oss with %s has %d rules instead of one", ErrDocument, r.root, len(d.rules))
	}
	return d.rule(0), nil
}

// fill puts one element for each value where the rule has one for the placeholder.
func fill(rule, element, placeholder string, values []string) (string, error) {
	old := "<" + element + ">" + placeholder + "</" + element + ">"
	if strings.Count(rule, old) != 1 {
		return "", fmt.Errorf("%w: the file in deploy/oss does not hold %s once", ErrDocument, old)
	}
	elements := make([]string, len(values))
	for i, value := range values {
		var escaped strings.Builder
		if err := xml.EscapeText(&escaped, []byte(value)); err != nil {
			return "", fmt.Errorf("%w: %w", ErrDocument, err)
		}
		elements[i] = "<" + element + ">" + escaped.String() + "</" + element + ">"
	}
	glue := indentBefore([]byte(rule[:strings.Index(rule, old)]))
	return strings.Replace(rule, old, strings.Join(elements, glue), 1), nil
}
