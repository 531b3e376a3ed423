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
func describe(out *printer, s *stack.Stack, a addresses, bad *badserver.Server) error {
	out.line(bold, "\nFor your client (the key is worth nothing outside this run)")
	for _, row := range [][2]string{
		{"OSS endpoint", a.OSS}, {"region", a.Region}, {"access key id", a.AccessKeyID}, {"access key secret", a.AccessKeySecret},
		{"bucket", a.Bucket}, {"callback URL", s.CallbackURL()}, {"x-oss-callback", a.Callback},
		{"nsqd", a.NSQD + " (TCP), http://" + a.NSQDHTTP + "/stats"}, {"topic", a.Topic}, {"worker metrics", a.Metrics}, {"signing key", a.SigningKey},
	} {
		out.item(row[0], row[1])
	}
	upload, err := presigned(s, "hello.jpg", s.CallbackURL())
	if err != nil {
		return err
	}
	out.line(bold, "\nUpload a file with curl")
	out.line("", "curl -i -T photo.jpg '"+upload+"'")
	out.line(bold, "\nOr as a good client does, with a second try where that helps")
	out.line("", fmt.Sprintf("export ALIBABA_CLOUD_ACCESS_KEY_ID=%s ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s", a.AccessKeyID, a.AccessKeySecret))
	out.line("", fmt.Sprintf("go run ./scripts upload --local --endpoint %s --region %s --bucket %s --url %s photo.jpg", a.OSS, a.Region, a.Bucket, s.CallbackURL()))
	out.line(bold, "\nOr with the Go SDK, github.com/aliyun/aliyun-oss-go-sdk/oss (errors left out)")
	out.line("", goHint(a))
	out.line(bold, "\nSee the endpoint as OSS does")
	out.line("", fmt.Sprintf("go run ./scripts doctor --local --key %s --bucket %s --object <one that you uploaded> %s", a.SigningKey, a.Bucket, s.CallbackURL()))
	out.line(bold, "\nTo get a 203, use one of these as callbackUrl (--url): endpoints that answer wrongly")
	for _, f := range badserver.Faults() {
		out.item(f.Path[1:], fmt.Sprintf("%-36s %s", bad.URL()+f.Path, f.About))
	}
	out.line(bold, "\nOr begin the key of the upload (--key) with one of these: failures of OSS itself")
	for _, scenario := range osssim.Scenarios() {
		out.item(scenario.Name, fmt.Sprintf("%-36s %s", stack.ScenarioPrefix+scenario.Name+"/", scenario.About))
	}
	out.line(bold, "\nWhat OSS's documentation leaves open is decided by dev --oss; dev --help lists the switches. What a 203 means:")
	out.line("", "go run ./scripts diagnose '<message, EC or body>'")
	out.line(bold, "\nCallbacks as OSS judges them. Ctrl-C ends everything.")
	return nil
}

// presigned is a URL to PUT to without any further signing.
func presigned(s *stack.Stack, key, callbackURL string) (string, error) {
	bucket, err := s.Client()
	if err != nil {
		return "", err
	}
	minted, err := stack.Minted(callbackURL, "curl")
	if err != nil {
		return "", err
	}
	signed, err := bucket.SignURL(key, oss.HTTPPut, int64(presignedFor.Seconds()),
		oss.AddParam("callback", minted.Callback), oss.AddParam("callback-var", minted.CallbackVar))
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
