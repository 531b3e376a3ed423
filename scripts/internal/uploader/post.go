package uploader

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
)

// maxReply caps what is read of an answer, in bytes: the callback endpoint's reply has 1 MiB at most.
const maxReply = 2 << 20

// answerError is an answer of OSS to a form other than success.
type answerError struct {
	status int
	header http.Header
	body   []byte
}

func (e *answerError) Error() string {
	return fmt.Sprintf("OSS answered %d %s: %.500s", e.status, http.StatusText(e.status), bytes.TrimSpace(e.body))
}

// post sends a form. OSS wants to know its length in advance, so it is framed by hand around the file.
func (u *upload) post(ctx context.Context) (Result, error) {
	url, fields, err := u.Form()
	if err != nil {
		return Result{}, err
	}
	file, err := os.Open(u.File)
	if err != nil {
		return Result{}, err
	}
	defer file.Close()

	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	for _, field := range fields {
		if err := form.WriteField(field[0], field[1]); err != nil {
			return Result{}, err
		}
	}
	if _, err := form.CreateFormFile("file", filepath.Base(u.File)); err != nil {
		return Result{}, err
	}
	before := bytes.Clone(frame.Bytes())
	frame.Reset()
	if err := form.Close(); err != nil {
		return Result{}, err
	}
	counted := &counter{u: u, r: io.LimitReader(file, u.size)}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, io.MultiReader(bytes.NewReader(before), counted, bytes.NewReader(frame.Bytes())))
	if err != nil {
		return Result{}, err
	}
	req.ContentLength = int64(len(before)) + u.size + int64(frame.Len())
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := u.http.Do(req)
	if err != nil {
		return Result{}, err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return Result{}, err
	}
	// 201 and 204 are success too: what success_action_status may have asked for.
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusNoContent {
		return Result{}, &answerError{resp.StatusCode, resp.Header, reply}
	}
	if resp.StatusCode != http.StatusOK {
		reply = nil // not the endpoint's
	}
	return result(resp.Header, reply), nil
}

// counter reports what has been read of the file.
type counter struct {
	u    *upload
	r    io.Reader
	sent int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.sent += int64(n)
	if c.u.OnProgress != nil && n > 0 {
		c.u.OnProgress(c.sent, c.u.size)
	}
	return n, err
}
