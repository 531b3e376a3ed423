package main

import (
	"fmt"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/badserver"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/stack"
)

const presignedFor = 24 * time.Hour

// describe prints everything a client needs, ready to paste.
func describe(out *printer, s *stack.Stack, bad *badserver.Server) error {
	a := addressesOf(s)
	out.line(bold, "\nFor your client (the key is worth nothing outside this run)")
	for _, row := range [][2]string{
		{"OSS endpoint", a.OSS}, {"region", a.Region}, {"access key id", a.AccessKeyID}, {"access key secret", a.AccessKeySecret},
		{"bucket", a.Bucket}, {"callback URL", s.CallbackURL()}, {"x-oss-callback", a.Callback},
		{"nsqd", a.NSQD + " (TCP), http://" + a.NSQDHTTP + "/stats"}, {"topic", a.Topic}, {"worker metrics", a.Metrics},
	} {
		out.item(row[0], row[1])
	}
	upload, err := presigned(s, "hello.jpg", s.CallbackURL())
	if err != nil {
		return err
	}
	out.line(bold, "\nUpload a file with curl")
	out.line("", "curl -i -T photo.jpg '"+upload+"'")
	out.line(bold, "\nOr with the Go SDK, github.com/aliyun/aliyun-oss-go-sdk/oss (errors left out)")
	out.line("", goHint(a))
	out.line(bold, "\nEndpoints that answer wrongly: as callbackUrl, they show what your client gets then")
	for _, f := range badserver.Faults() {
		out.item(f.Path[1:], fmt.Sprintf("%-32s %s", bad.URL()+f.Path, f.About))
	}
	out.line(bold, "\nCallbacks as OSS judges them. Ctrl-C ends everything.")
	return nil
}

// presigned is a URL to PUT to without any further signing.
func presigned(s *stack.Stack, key, callbackURL string) (string, error) {
	bucket, err := s.Client()
	if err != nil {
		return "", err
	}
	signed, err := bucket.SignURL(key, oss.HTTPPut, int64(presignedFor.Seconds()),
		oss.AddParam("callback", stack.Callback(callbackURL)),
		oss.AddParam("callback-var", stack.CallbackVar(map[string]string{"x:user": "curl"})))
	if err != nil {
		return "", fmt.Errorf("sign a URL: %w", err)
	}
	return signed, nil
}

func goHint(a addresses) string {
	return fmt.Sprintf(`client, _ := oss.New(%q, %q, %q, oss.AuthVersion(oss.AuthV4), oss.Region(%q))
bucket, _ := client.Bucket(%q)
err := bucket.PutObjectFromFile("hello.jpg", "photo.jpg", oss.Callback(%q))`,
		a.OSS, a.AccessKeyID, a.AccessKeySecret, a.Region, a.Bucket, a.Callback)
}

// showCallback is one line per callback.
func showCallback(out *printer, x osssim.Exchange) {
	style, verdict := green, "ok"
	if !x.Verdict.OK {
		style, verdict = red, fmt.Sprintf("203 %s %s: %s", x.Verdict.Code, x.Verdict.EC, x.Verdict.Message)
	}
	status := "---" // no reply
	if x.Status != 0 {
		status = fmt.Sprint(x.Status)
	}
	out.line(style, fmt.Sprintf("%s  %-32s %s %7d ms  %s", time.Now().Format(time.TimeOnly), x.Object, status, x.Elapsed.Milliseconds(), verdict))
}
