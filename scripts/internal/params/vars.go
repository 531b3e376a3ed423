package params

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// checkVars checks the custom variables and that the template uses each.
func (p *Params) checkVars() error {
	names, size := slices.Sorted(maps.Keys(p.spec.Vars)), 0
	for _, name := range names {
		value := p.spec.Vars[name]
		size += len(name) + len(value)
		if !validVar(name) {
			return ours("callback-var", fmt.Sprintf("%.100q is no name of a variable: write x: and then lower-case letters, digits, \"_\", \"-\" or \".\", as in x:user", name))
		}
		if !isText(value) {
			return ours(name, "its value is not UTF-8, or holds a NUL")
		}
	}
	pieces, err := parseTemplate(p.spec.Body)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(pieces, piece{variable: name}) {
			return ours(name, fmt.Sprintf("the callbackBody does not use it, so it would never arrive: add ${%s} to it, or drop the variable", name))
		}
	}
	if len(p.spec.Vars) > goodVars || size > goodBytes {
		p.warn(fmt.Sprintf("There are %d variables with %d bytes: OSS advises at most %d and %d. Pass an id and keep the rest on your server.",
			len(p.spec.Vars), size, goodVars, goodBytes))
	}
	return nil
}

// validVar tells whether OSS, a template, a form and a policy can all carry the name.
func validVar(name string) bool {
	bare, ok := strings.CutPrefix(name, "x:")
	return ok && bare != "" && isText(name) && strings.ToLower(name) == name && !strings.ContainsFunc(bare, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r)
	})
}

// checkHost wants a plain host, maybe with a port.
func (p *Params) checkHost() error {
	name, port, hasPort := strings.Cut(p.spec.Host, ":")
	digits := port != "" && len(port) <= 5 && strings.Trim(port, "0123456789") == ""
	if p.spec.Host == "" || validName(strings.ToLower(name)) && (!hasPort || digits) {
		return nil
	}
	return refused("callbackHost", "09", "The callback host configuration is invalid.",
		fmt.Sprintf("%.100q is no plain host such as uploads.example.com: no scheme, no path, no spaces; it only sets the Host header", p.spec.Host))
}
