package uploader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"sync/atomic"
)

// post sends a form. OSS wants to know its length in advance, so it is framed by hand around the file.
func (u *upload) post(ctx context.Context) (Result, *answer, error) {
	url, fields, err := u.Form()
	if err != nil {
		return Result{}, &answer{}, localError{err}
	}
	file, err := os.Open(u.File)
	if err != nil {
		return Result{}, &answer{}, localError{err}
	}
	defer file.Close()

	before, after, contentType, err := u.frame(fields)
	if err != nil {
		return Result{}, &answer{}, localError{err}
	}
	ctx, a := expectAnswer(ctx)
	body := u.counted(io.NewSectionReader(file, 0, u.size), new(atomic.Int64))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, io.MultiReader(bytes.NewReader(before), body, bytes.NewReader(after)))
	if err != nil {
		return Result{}, a, localError{err}
	}
	req.ContentLength = int64(len(before)) + u.size + int64(len(after))
	req.Header.Set("Content-Type", contentType)
	u.sending()
	resp, err := u.http.Do(req)
	if err := errors.Join(body.broken, err); err != nil {
		return Result{}, a, err
	}
	resp.Body.Close() // it is in a
	if a.status != http.StatusOK {
		return Result{}, a, fmt.Errorf("OSS answered %d %s", a.status, http.StatusText(a.status))
	}
	result, err := a.success(u.Callback != "")
	return result, a, err
}

// frame is what stands before and after the file.
func (u *upload) frame(fields [][2]string) (before, after []byte, contentType string, err error) {
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	for _, field := range fields {
		if err := form.WriteField(field[0], field[1]); err != nil {
			return nil, nil, "", err
		}
	}
	if _, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", filepath.Base(u.File))}, "Content-Type": {u.contentType()},
	}); err != nil {
		return nil, nil, "", err
	}
	before = bytes.Clone(frame.Bytes())
	frame.Reset()
	err = form.Close()
	return before, frame.Bytes(), form.FormDataContentType(), err
}
