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
			c.url = words[i]
			continue
		}
		if !takesValue[name] {
			c.flag(name)
			continue
		}
		if !hasValue {
			if i++; i == len(words) {
				return Capture{}, formatError("a curl command whose last option %.20s lacks its value", name)
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
	words, err := expand.Fields(&expand.Config{Env: expand.ListEnviron()}, call.Args...)
	if err != nil {
		return nil, formatError("a curl command that no shell could expand")
	}
	return words, nil
}

// option takes a word apart: "--data", "-X", or "-XPOST". Of several flags in one word, as in "-sSX", only the last may take a value.
func option(word string) (name, value string, hasValue bool) {
	switch {
	case strings.HasPrefix(word, "--"):
		return word, "", false
	case len(word) < 2 || word[0] != '-':
		return "", "", false
	}
	for i := 1; i < len(word); i++ {
		if short := "-" + word[i:i+1]; takesValue[short] {
			return short, word[i+1:], i+1 < len(word)
		}
	}
	if strings.Contains(word, "G") {
		return "-G", "", false
	}
	return word, "", false
}

// takesValue are curl's options with a value that such commands hold.
var takesValue = func() map[string]bool {
	names := "-A -b -c -C -D -d -e -E -F -H -K -m -o -Q -r -t -T -u -U -w -x -X -y -Y -z " +
		"--cacert --capath --cert --cert-type --ciphers --config --connect-timeout --connect-to --cookie --cookie-jar --data --data-ascii --data-binary " +
		"--data-raw --data-urlencode --dns-servers --dump-header --expect100-timeout --form --form-string --header --interface --json --keepalive-time " +
		"--key --key-type --limit-rate --max-redirs --max-time --noproxy --output --pass --pinnedpubkey --proxy --proxy-header --proxy-user --range --referer " +
		"--request --request-target --resolve --retry --retry-delay --retry-max-time --speed-limit --speed-time --tls-max --trace --trace-ascii " +
		"--unix-socket --upload-file --url --url-query --user --user-agent --write-out"
	set := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		set[name] = true
	}
	return set
}()

type curlCommand struct {
	Capture
	url, target string
	data        []string
	get         bool
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
		c.url = value
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
