package params

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// standard are the variables that OSS fills in, and of what kind. imageInfo.* is missing on purpose.
var standard = map[string]kind{
	"bucket": text, "object": text, "etag": text, "size": number, "mimeType": text, "crc64": text, "contentMd5": text, "vpcId": text,
	"clientIp": text, "reqId": text, "operation": text,
}

// kind is how OSS writes a value into JSON: text with quotes of its own, numbers bare.
type kind int

const (
	text kind = iota + 1
	number
)

// piece is a stretch of a template: literal text, or the name of a variable.
type piece struct{ literal, variable string }

// defaultBody holds what the function uses, and each custom variable.
func defaultBody(bodyType BodyType, vars map[string]string) string {
	names := append([]string{"bucket", "object", "etag", "size", "mimeType", "reqId"}, slices.Sorted(maps.Keys(vars))...)
	pairs := make([]string, len(names))
	if bodyType == JSONBody {
		for i, name := range names {
			pairs[i] = marshal(name) + ":${" + name + "}"
		}
		return "{" + strings.Join(pairs, ",") + "}"
	}
	for i, name := range names {
		pairs[i] = name + "=${" + name + "}"
	}
	return strings.Join(pairs, "&")
}

func bodyFault(cure string) error { return ours("callbackBody", cure) }

// parseTemplate splits a template at its ${name} placeholders. OSS refuses every other "$".
func parseTemplate(template string) ([]piece, error) {
	var pieces []piece
	for rest := template; rest != ""; {
		literal, after, found := strings.Cut(rest, "$")
		if literal != "" {
			pieces = append(pieces, piece{literal: literal})
		}
		if !found {
			break
		}
		inside, open := strings.CutPrefix(after, "{")
		if !open {
			cure := "a \"$\" must open a placeholder such as ${object}; OSS has no way to write a plain one"
			if strings.HasPrefix(after, "(") {
				cure = "placeholders are written ${object} with braces, not $(object), whatever some pages print"
			}
			return nil, refused("callbackBody", "105", "Left brace must be adjacent to dollar sign.", cure)
		}
		name, remainder, closed := strings.Cut(inside, "}")
		if !closed || name == "" || strings.ContainsAny(name, "${") {
			return nil, refused("callbackBody", "105", "", "a placeholder is not closed or has no name: write ${object}")
		}
		pieces, rest = append(pieces, piece{variable: name}), remainder
	}
	return pieces, nil
}

// checkBody refuses templates that OSS refuses, and those that it would turn into a body nobody can read.
func (p *Params) checkBody() error {
	if p.spec.BodyType != FormBody && p.spec.BodyType != JSONBody {
		return refused("callbackBodyType", "13", "The body type of callback is not supported.",
			fmt.Sprintf("%.100q is neither %s nor %s", string(p.spec.BodyType), FormBody, JSONBody))
	}
	if !isText(p.spec.Body) {
		return bodyFault("it is not UTF-8, or holds a NUL")
	}
	pieces, err := parseTemplate(p.spec.Body)
	if err != nil {
		return err
	}
	for _, piece := range pieces {
		if err := p.checkVariable(piece.variable); err != nil {
			return err
		}
	}
	members := formMembers
	if p.spec.BodyType == JSONBody {
		members = jsonMembers
	}
	sent, err := members(pieces)
	if err != nil {
		return err
	}
	if sent["bucket"] != "bucket" || sent["object"] != "object" {
		p.warn("The callbackBody does not tell bucket and object under these names: the function of this repository answers " +
			"malformed_callback. Only another endpoint will take it.")
	}
	return nil
}

func (p *Params) checkVariable(name string) error {
	_, given := p.spec.Vars[name]
	switch {
	case name == "" || standard[name] != 0 || given:
		return nil
	case strings.HasPrefix(name, "imageInfo"):
		return bodyFault("take ${" + name + "} out: when OSS cannot read the image it fails the whole callback (\"Get image info failed.\"), " +
			"and on a non-image its numbers are empty. The function asks for the image's facts itself")
	case strings.HasPrefix(name, "x:"):
		return bodyFault(fmt.Sprintf("there is no variable of the name of ${%.100s}: it would arrive empty. Give it a value, as in --var x:user=7", name))
	}
	return bodyFault(fmt.Sprintf("OSS knows no ${%.100s}: it has %s, and your own x: variables; case matters",
		name, strings.Join(slices.Sorted(maps.Keys(standard)), ", ")))
}

// formMembers are the pairs of a form body as it would arrive, each variable's name standing for its value.
func formMembers(pieces []piece) (map[string]string, error) {
	var body strings.Builder
	for _, piece := range pieces {
		body.WriteString(piece.literal + url.QueryEscape(piece.variable))
	}
	members := map[string]string{}
	for part := range strings.SplitSeq(body.String(), "&") {
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, bodyFault("a %-escape in its own text is wrong: OSS encodes only what it fills in, so \"%\" itself is written %25")
		}
		if _, known := members[n]; !known { // the function keeps the first
			members[n] = v
		}
	}
	return members, nil
}

// jsonMembers are the members of a JSON body as it would arrive, each variable's name standing for its text.
func jsonMembers(pieces []piece) (map[string]string, error) {
	var body strings.Builder
	var quoted, escaped bool // where we are in the JSON
	for _, piece := range pieces {
		for i := range len(piece.literal) {
			switch c := piece.literal[i]; {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = quoted
			case c == '"':
				quoted = !quoted
			}
		}
		body.WriteString(piece.literal)
		switch {
		case piece.variable == "":
		case standard[piece.variable] == number:
			body.WriteByte('1')
		case quoted:
			return nil, bodyFault(fmt.Sprintf(`take the quotes around ${%s} away: OSS writes its own, as in {"object":${object}}; doubled they are no JSON, `+
				"and all you would see is \"Error status : 400.\"", piece.variable))
		default:
			body.WriteString(marshal(piece.variable))
		}
	}
	var raw map[string]any
	if err := json.Unmarshal([]byte(body.String()), &raw); err != nil || raw == nil {
		return nil, bodyFault(`what would arrive is no JSON object: inner quotes need a backslash, placeholders need none, as in {"object":${object}}` + cause(err))
	}
	members := map[string]string{}
	for name, value := range raw {
		members[name], _ = value.(string)
	}
	return members, nil
}

func cause(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}
