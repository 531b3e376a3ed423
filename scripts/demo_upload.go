package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/picture"
	"oss-callback/scripts/internal/stack"
)

// answer is what the function says of an upload.
type answer struct {
	Status string `json:"status"`
	Job    string `json:"job"`
	Error  string `json:"error"`
	Image  *struct {
		Format        string
		Width, Height int
	} `json:"image"`
}

// upload puts a picture into the bucket as a user's client would, and shows the callback that it caused.
func (d *demo) upload(ctx context.Context) error {
	body, err := picture.JPEG()
	if err != nil {
		return err
	}
	bucket, err := d.stack.Client()
	if err != nil {
		return err
	}
	d.object = "photos/sunset over hills.jpg"
	var got []byte
	var header http.Header
	options, err := stack.WithCallback(ctx, d.stack.CallbackURL(), "demo", &got)
	if err != nil {
		return err
	}
	options = append(options, oss.ContentType("image/jpeg"), oss.GetResponseHeader(&header))
	began := time.Now()
	err = bucket.PutObject(d.object, bytes.NewReader(body), options...)
	d.answered = time.Now()
	took := d.answered.Sub(began)
	if err != nil {
		d.showLatestCallback()
		return fmt.Errorf("OSS answered the uploader: %w", err)
	}
	d.etag = strings.Trim(header.Get("ETag"), `"`)
	d.out.step("upload", took, fmt.Sprintf("PUT %s/%s, JPEG of %d x %d, %d bytes, with a callback", stack.Bucket, d.object, picture.Width, picture.Height, len(body)))
	if !d.showLatestCallback() {
		return fmt.Errorf("OSS made no callback")
	}
	d.out.item("uploader", "got HTTP 200 and the function's answer: "+string(got))
	return d.checkAnswer(got)
}

// showLatestCallback prints the callback as OSS saw it, and keeps it.
func (d *demo) showLatestCallback() bool {
	select {
	case d.exchange = <-d.exchanges:
	default:
		return false
	}
	x := d.exchange
	body := []byte(nil)
	auth := ""
	if req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(x.Request))); err == nil {
		body, _ = io.ReadAll(req.Body)
		auth = req.Header.Get("Authorization")
	}
	d.out.item("callback", "OSS signed it (RSA-512, MD5) and sent POST "+x.URL, "Authorization: "+auth, string(body))
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP %d\n", x.Status)
	_ = x.Header.Write(&head) // a buffer takes everything
	d.out.step("answer", x.Elapsed, "of the function, cold start included, as OSS got it", head.String(), string(x.Body))
	return true
}

func (d *demo) checkAnswer(got []byte) error {
	if err := json.Unmarshal(got, &d.answer); err != nil {
		return fmt.Errorf("the function's answer is no JSON object: %w", err)
	}
	image := d.answer.Image
	if d.answer.Status != "queued" || d.answer.Job == "" || image == nil || image.Width != picture.Width || image.Height != picture.Height {
		return fmt.Errorf("the function's answer should say queued, with a job and an image of %d x %d, but is %s", picture.Width, picture.Height, got)
	}
	return nil
}
