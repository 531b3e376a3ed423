package application

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// questions is the file that the hook fills in with the user's answers and renames to .env.
const questions = ".env.questions"

// setting is one line of .env.example.
type setting struct{ name, value string }

type settings []setting

var assignment = regexp.MustCompile(`(?m)^#?([A-Z][A-Z0-9_]*)=(.*)$`)

// parseExample reads .env.example. A line that is commented out is an optional setting with its default.
func parseExample(text string) (list settings) {
	for _, m := range assignment.FindAllStringSubmatch(text, -1) {
		list = append(list, setting{m[1], strings.TrimSpace(m[2])})
	}
	return list
}

// get is the value of .env.example, in double quotes for YAML.
func (l settings) get(name string) (string, error) {
	i := slices.IndexFunc(l, func(s setting) bool { return s.name == name })
	if i < 0 {
		return "", fmt.Errorf("%w: %s is in publish.yaml only", ErrSettings, name)
	}
	return fmt.Sprintf("%q", l[i].value), nil
}

// questions is .env in the template language of `s init`, art-template. Without an answer the example's value stands. For a secret
// that was not given, `s init --parameters` puts "${secret('NAME')", which is no value.
func (l settings) questions() []byte {
	var b bytes.Buffer
	for _, s := range l {
		fmt.Fprintf(&b, "%s='<%%= %[1]s && !/^\\$\\{secret/.test(%[1]s) ? %[1]s : '%s' %%>'\n", s.name, s.value)
	}
	return b.Bytes()
}

var property = regexp.MustCompile(`(?m)^    ([A-Z][A-Z0-9_]*):$`)

// check is nil if publish.yaml asks for every setting of .env.example and for nothing else.
func (l settings) check(publish []byte) error {
	var asked []string
	for _, m := range property.FindAllSubmatch(publish, -1) {
		asked = append(asked, string(m[1]))
	}
	var known []string
	for _, s := range l {
		known = append(known, s.name)
		if strings.ContainsAny(s.value, `'"\$#`) {
			return fmt.Errorf("%w: %s in .env.example holds a quote, \\, $ or #, which `s` would take for its own", ErrSettings, s.name)
		}
		if !slices.Contains(asked, s.name) {
			return fmt.Errorf("%w: %s is in .env.example only", ErrSettings, s.name)
		}
	}
	for _, name := range asked {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%w: %s is in publish.yaml only", ErrSettings, name)
		}
	}
	return nil
}
