package explain

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

const formType = "application/x-www-form-urlencoded"

func isCurl(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("$ "))
	return bytes.HasPrefix(text, []byte("curl ")) || bytes.HasPrefix(text, []byte("curl.exe ")) || bytes.HasPrefix(text, []byte("curl\\"))
}

// readCurl reads a curl command as a shell would, but runs nothing: what only a shell could know is refused.
func readCurl(text string) (Capture, error) {
	words, err := curlWords(strings.TrimPrefix(text, "$ "))
	if err != nil {
		return Capture{}, err
	}
	c := curlCommand{Capture: Capture{Format: "curl command", Header: http.Header{}}}
	for i := 1; i < len(words); i++ {
		name, value, hasValue := option(words[i])
		if name == "" {
			c.setURL(words[i])
			continue
		}
		if name == "--next" || name == "-:" {
			c.Notes = append(c.Notes, "The curl command makes several requests; this is about the first.")
			break
		}
		if !takesValue[name] {
			if !isFlag(name) {
				return Capture{}, formatError("a curl command with the option %.40q, which explain does not know: leave it out", name)
			}
			c.flag(name)
			continue
		}
		if !hasValue {
			if i++; i == len(words) {
				return Capture{}, formatError("a curl command whose last option %q lacks its value", name)
			}
			value = words[i]
		}
		if err := c.set(name, value); err != nil {
			return Capture{}, err
		}
	}
	return c.finish()
}

// curlWords are the words of the first curl command in text.
func curlWords(text string) ([]string, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if strings.Contains(text, " ^\n") || strings.Contains(text, " ^\r\n") || strings.HasPrefix(text, `curl ^"`) {
		return nil, formatError(`a curl command for Windows' cmd: choose "copy as cURL (bash)" instead`)
	}
	if err != nil {
		return nil, formatError("a curl command that no shell could read: a quote or a bracket is not closed")
	}
	var call *syntax.CallExpr
	dynamic := false
	syntax.Walk(file, func(node syntax.Node) bool {
		if found, ok := node.(*syntax.CallExpr); ok && call == nil && len(found.Args) > 0 && strings.HasPrefix(found.Args[0].Lit(), "curl") {
			call = found
		}
		return call == nil
	})
	if call == nil {
		return nil, formatError("a curl command that no shell would run")
	}
	syntax.Walk(call, func(node syntax.Node) bool {
		switch node.(type) {
		case *syntax.ParamExp, *syntax.CmdSubst, *syntax.ArithmExp, *syntax.ProcSubst, *syntax.ExtGlob:
			dynamic = true
		}
		return !dynamic
	})
	if dynamic {
		return nil, formatError("a curl command with $variables or $(commands): write their values instead; nothing is run here")
	}
	var words []string
	for _, arg := range call.Args { // one by one: a shell would make any number of words of {1..9}{1..9}
		word, err := expand.Literal(&expand.Config{Env: expand.ListEnviron()}, arg)
		if err != nil {
			return nil, formatError("a curl command that no shell could expand")
		}
		words = append(words, word)
	}
	return words, nil
}

// option takes a word apart: "--data", "-X", or "-XPOST". Of several flags in one word, as in "-sSX", only the last may take a value. The first
// that curl does not have is returned in their place.
func option(word string) (name, value string, hasValue bool) {
	switch {
	case strings.HasPrefix(word, "--"):
		if i := strings.IndexByte(word, '='); i >= 0 {
			word = word[:i+1] // curl has no such options, and what is behind may be secret
		}
		return word, "", false
	case len(word) < 2 || word[0] != '-':
		return "", "", false
	}
	name = word[:2]
	for i := 1; i < len(word); i++ {
		switch short := "-" + word[i:i+1]; {
		case takesValue[short]:
			return short, word[i+1:], i+1 < len(word)
		case !isFlag(short):
			return short, "", false
		case short == "-G" || short == "-:":
			name = short
		}
	}
	return name, "", false
}

type curlCommand struct {
	Capture
	url, target string
	data        []string
	get         bool
}

// setURL keeps the first URL. A word with a scheme is surely one; one without may be the value of something.
func (c *curlCommand) setURL(word string) {
	if c.url == "" || !strings.Contains(c.url, "://") && strings.Contains(word, "://") {
		c.url = word
	}
}

func (c *curlCommand) flag(name string) {
	if name == "-G" || name == "--get" {
		c.get = true
	}
}

func (c *curlCommand) set(name, value string) error {
	switch name {
	case "-X", "--request":
		c.Method = value
	case "--url":
		c.setURL(value)
	case "--request-target":
		c.target = value
	case "-A", "--user-agent":
		c.Header.Set("User-Agent", value)
	case "-H", "--header":
		if strings.HasPrefix(value, "@") {
			return formatError("a curl command that reads its headers from a file: write them instead")
		}
		if name, empty := strings.CutSuffix(strings.TrimSpace(value), ";"); empty && !strings.Contains(name, ":") {
			value = name + ":" // curl's way to send an empty header
		}
		if header, text, ok := strings.Cut(value, ":"); ok {
			c.addHeader(header, text)
		}
	case "--json":
		c.Header.Set("Content-Type", "application/json")
		return c.addData(value, true)
	case "-d", "--data", "--data-ascii", "--data-binary":
		return c.addData(value, true)
	case "--data-raw":
		return c.addData(value, false)
	case "--data-urlencode":
		name, text, named := strings.Cut(value, "=")
		switch {
		case strings.Contains(name, "@"):
			return c.addData("@", true)
		case !named:
			text = value
		}
		text = escapeRFC3986(text)
		if named && name != "" {
			text = name + "=" + text
		}
		return c.addData(text, false)
	case "-F", "--form", "--form-string", "-T", "--upload-file", "-K", "--config":
		return formatError("a curl command with %s: a callback's body is in -d or --data-raw", name)
	}
	return nil
}

func (c *curlCommand) addData(value string, mayBeFile bool) error {
	if mayBeFile && strings.HasPrefix(value, "@") {
		return formatError("a curl command that reads its body from a file: write it with --data-raw '…' instead")
	}
	c.data = append(c.data, value)
	return nil
}

func (c *curlCommand) finish() (Capture, error) {
	if c.url == "" {
		return Capture{}, formatError("a curl command without a URL")
	}
	if !strings.Contains(c.url, "://") {
		c.url = "http://" + c.url
	}
	c.setTarget(c.url)
	if c.target != "" {
		c.setTarget(c.target)
	}
	data := strings.Join(c.data, "&")
	switch {
	case c.get && c.data != nil:
		c.Query.Raw = strings.TrimPrefix(c.Query.Raw+"&"+data, "&")
	case c.data != nil:
		c.Body = []byte(data)
		if c.Header.Get("Content-Type") == "" {
			c.Header.Set("Content-Type", formType)
		}
	}
	if c.Method == "" {
		c.Method = http.MethodGet
		if c.Body != nil {
			c.Method = http.MethodPost
		}
	}
	return c.Capture, nil
}

func escapeRFC3986(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
