package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/stack"
)

const maxAnswer = 1 << 20

// forge sends the genuine callback again with one byte of its body changed.
func (d *demo) forge(ctx context.Context) error {
	forged := bytes.Clone(d.exchange.Request)
	forged[len(forged)-1] ^= 1 // x:user=demo becomes x:user=demn
	began := time.Now()
	status, got, err := sendRaw(ctx, d.exchange.URL, forged)
	if err != nil {
		return err
	}
	if err := expect(status, got, http.StatusForbidden, "bad_signature"); err != nil {
		return err
	}
	d.out.step("forged", time.Since(began), fmt.Sprintf("the same callback with one byte changed: %d %s", status, got))
	return nil
}

// vanish uploads an object that is deleted before anyone can look at it.
func (d *demo) vanish(ctx context.Context) error {
	defer d.stack.OSS.Inject(osssim.Fault{Operation: "ImageInfo", Status: http.StatusNotFound, Code: "NoSuchKey"})()
	bucket, err := d.stack.Client()
	if err != nil {
		return err
	}
	began := time.Now()
	options, err := stack.WithCallback(ctx, d.stack.CallbackURL(), "demo", new([]byte))
	if err != nil {
		return err
	}
	err = bucket.PutObject("photos/vanished.jpg", bytes.NewReader([]byte("x")), options...)
	took := time.Since(began)
	var fault oss.ServiceError
	if !errors.As(err, &fault) || fault.StatusCode != http.StatusNonAuthoritativeInfo {
		return fmt.Errorf("the uploader should have got 203 CallbackFailed, but got: %w", orNone(err))
	}
	x := <-d.exchanges // it came before the answer
	if err := expect(x.Status, x.Body, http.StatusNotFound, "object_gone"); err != nil {
		return err
	}
	d.out.step("vanished", took, fmt.Sprintf("an object deleted at once: %d %s", x.Status, x.Body),
		fmt.Sprintf("the uploader got 203 %s, EC %s: %s", fault.Code, fault.Ec, fault.Message))
	return nil
}

func expect(status int, body []byte, wantStatus int, wantCode string) error {
	var got answer
	if err := json.Unmarshal(body, &got); err != nil || status != wantStatus || got.Error != wantCode {
		return fmt.Errorf("the function should have answered %d %s, but answered %d %s", wantStatus, wantCode, status, body)
	}
	return nil
}

// sendRaw sends a request as it is, byte for byte.
func sendRaw(ctx context.Context, target string, request []byte) (int, []byte, error) {
	u, err := url.Parse(target)
	if err != nil {
		return 0, nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := conn.Write(request); err != nil {
		return 0, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, body, err
}

func orNone(err error) error {
	if err == nil {
		return errors.New("success")
	}
	return err
}
