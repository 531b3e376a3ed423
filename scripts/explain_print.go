package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"oss-callback/function/callback"
	explainer "oss-callback/scripts/internal/explain"
)

const explainWidth = 100 // columns of text, beside the indent

// showExplanation writes the report for people. What others chose is made explainText for the terminal.
func showExplanation(w io.Writer, c explainer.Capture, r explainer.Report) error {
	var text strings.Builder
	out := newPrinter(w)
	to := &printer{w: &text, color: out.color}
	item := func(name, text string, more ...string) {
		lines := wrapped(explainText(text), explainWidth)
		for _, m := range more {
			lines = append(lines, wrapped(explainText(m), explainWidth)...)
		}
		to.item(name, lines[0], lines[1:]...)
	}
	item(string(r.Verdict), r.Summary)
	item("read", c.Format)
	for _, a := range r.Alterations {
		proof := "Proved: the callback verifies with it undone."
		if !a.Proved {
			proof = "Not proved: it is what the capture shows."
		}
		item(string(a.ID), a.What, "Cure: "+a.Cure, proof)
	}
	if r.Upload != nil {
		size := "size unknown"
		if r.Upload.Size >= 0 {
			size = fmt.Sprintf("%d bytes", r.Upload.Size)
		}
		item("upload", r.Upload.Bucket+"/"+r.Upload.Object+", "+size)
	}
	for _, note := range r.Notes {
		item("note", note)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// explainText writes out the controls that would steer the terminal.
func explainText(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		words[i] = printable(word)
	}
	return strings.Join(words, " ")
}

// encodeExplanation writes one line of JSON. Its keys are an interface for scripts.
func encodeExplanation(w io.Writer, r explainer.Report) error {
	type alteration struct {
		ID     explainer.ID `json:"id"`
		What   string       `json:"what"`
		Cure   string       `json:"cure"`
		Proved bool         `json:"proved"`
	}
	alterations := []alteration{}
	for _, a := range r.Alterations {
		alterations = append(alterations, alteration(a))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Verdict     explainer.Verdict `json:"verdict"`
		Summary     string            `json:"summary"`
		Alterations []alteration      `json:"alterations"`
		Notes       []string          `json:"notes"`
		Upload      *explainedUpload  `json:"upload"`
		Guesses     int               `json:"guesses"`
		LimitHit    bool              `json:"limitHit"`
	}{r.Verdict, r.Summary, alterations, append([]string{}, r.Notes...), explained(r.Upload), r.Tried, r.LimitHit})
}

// explainedUpload is an upload without what may be personal: values of variables, and the client's address.
type explainedUpload struct {
	Bucket    string   `json:"bucket"`
	Object    string   `json:"object"`
	ETag      string   `json:"etag"`
	Size      int64    `json:"size"` // -1 if unknown
	MimeType  string   `json:"mimeType"`
	Operation string   `json:"operation"`
	RequestID string   `json:"requestId"`
	Vars      []string `json:"vars"` // names
}

func explained(up *callback.Upload) *explainedUpload {
	if up == nil {
		return nil
	}
	names := append([]string{}, slices.Sorted(maps.Keys(up.Vars))...)
	return &explainedUpload{up.Bucket, up.Object, up.ETag, up.Size, up.MimeType, up.Operation, up.RequestID, names}
}
