package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"oss-callback/scripts/internal/params"
)

// explainParams is for people. It leaves the form's fields out: nobody types those, and they may hold an STS token.
func explainParams(w io.Writer, m minted) error {
	out := newPrinter(w)
	out.line(bold, "Callback")
	out.item("URL", m.CallbackURL, m.tokenText())
	out.item("x-oss-callback", m.Callback, string(m.CallbackDecoded))
	if m.CallbackVar == "" {
		out.item("x-oss-callback-var", "none: there are no variables, so leave it out")
	} else {
		out.item("x-oss-callback-var", m.CallbackVar, printable(string(m.CallbackVarDecoded)))
	}
	out.line(bold, "\nHow to send it (one way, not two: OSS refuses both at once)")
	out.item("headers", "x-oss-callback and x-oss-callback-var, with PutObject and CompleteMultipartUpload", "They are signed like every x-oss- header; in the Go SDK: "+
		"oss.Callback(…), oss.CallbackVar(…)")
	out.item("presigned URL", "query parameters callback and callback-var, given when the URL is signed")
	if m.Form == nil {
		out.item("form", "PostObject: "+m.noForm)
		return nil
	}
	out.item("form", "PostObject to "+m.Form.URL+", for browsers and for clients without keys", "--output curl prints a command, --output json the fields. Until "+
		m.expires.Format(time.RFC3339)+" its policy takes "+m.target()+", of 1 to "+fmt.Sprint(m.maxSize)+" bytes, with this callback and these variables only")
	return nil
}

func (m minted) tokenText() string {
	if m.TokenExpires == nil {
		return "without a token: CALLBACK_TOKEN_SECRET is not set. If the function has one, it answers 403 bad_token"
	}
	return "ends in a token for " + m.target() + ", good until " + m.TokenExpires.Format(time.RFC3339)
}

func (m minted) target() string {
	if m.Key != "" {
		return "the key " + printable(m.Key) + " in " + m.Bucket
	}
	if m.Prefix != "" {
		return "keys under " + printable(m.Prefix) + " in " + m.Bucket
	}
	return "any key in " + m.Bucket
}

func writeJSON(w io.Writer, m minted) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(m)
}

func writeShell(w io.Writer, m minted) error {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + "=" + params.Quote(value) + "\n") }
	line("OSS_CALLBACK_URL", m.CallbackURL)
	line("OSS_CALLBACK", m.Callback)
	line("OSS_CALLBACK_VAR", m.CallbackVar)
	if m.Form != nil {
		line("OSS_POST_URL", m.Form.URL)
		for _, f := range m.Form.Fields {
			if !strings.HasPrefix(f.Name, "x:") { // the caller knows his variables, and no shell name could hold theirs
				line("OSS_POST_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")), f.Value)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeCurl(w io.Writer, m minted) error {
	if m.Form == nil {
		return errors.New("--output curl: " + m.noForm)
	}
	_, err := io.WriteString(w, m.Form.Curl(m.Form.URL))
	return err
}
