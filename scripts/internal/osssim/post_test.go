package osssim

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"
)

// postForm sends fields in order, then the file.
func postForm(t *testing.T, h *harness, fields [][2]string, file []byte) (*http.Response, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, field := range fields {
		if err := form.WriteField(field[0], field[1]); err != nil {
			t.Fatal(err)
		}
	}
	if file != nil {
		part, err := form.CreateFormFile("file", "cat.png")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(file); err != nil {
			t.Fatal(err)
		}
		_ = form.WriteField("success_action_status", "201") // after the file: ignored
	}
	form.Close()
	request, err := http.NewRequest(http.MethodPost, h.Endpoint()+"/"+testBucket, &body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	response := do(t, request)
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

func policyText(conditions string) string {
	return b64(fmt.Sprintf(`{"expiration":%q,"conditions":[%s]}`, time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04:05.000Z"), conditions))
}

func fieldsV1(policy string) [][2]string {
	return [][2]string{{"OSSAccessKeyId", testID}, {"policy", policy}, {"Signature", hmacSHA1(testSecret, policy)}}
}

func fieldsV4(policy string, date time.Time) [][2]string {
	scope := date.UTC().Format("20060102") + "/cn-hangzhou/oss/aliyun_v4_request"
	return [][2]string{{"policy", policy}, {"x-oss-signature-version", algorithmV4}, {"x-oss-credential", testID + "/" + scope},
		{"x-oss-date", date.UTC().Format(timeV4)}, {"x-oss-signature", signV4(testSecret, scope, policy)}}
}

func TestPostObject(t *testing.T) {
	h := start(t, nil)
	e := replyRaw(t, h, goodReply(`{"posted":true}`))
	image := pngImage(t, 2, 1)
	policy := policyText(`{"bucket":"photos"},["starts-with","$key","user/"],["content-length-range",1,1000],["in","$Content-Type",["image/png"]],["eq","$x:user","7"]`)
	common := [][2]string{{"key", "user/${filename}"}, {"Content-Type", "image/png"}, {"x:user", "7"}, {"x-oss-meta-note", "n"}}
	for name, signature := range map[string][][2]string{"V1": fieldsV1(policy), "V4": fieldsV4(policy, time.Now())} {
		t.Run(name, func(t *testing.T) {
			fields := append(append([][2]string{}, common...), signature...)
			response, body := postForm(t, h, append(fields, [2]string{"callback", callbackTo(t, e.url,
				"k=${object}&u=${x:user}&none=${x:none}&op=${operation}&w=${imageInfo.width}")}), image)
			if response.StatusCode != 200 || body != `{"posted":true}` || response.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %s", response.StatusCode, body)
			}
			if got, want := <-e.bodies, "k=user%2Fcat.png&u=7&none=&op=PostObject&w=2"; got != want {
				t.Errorf("callback %q, want %q", got, want)
			}
			<-e.requests
			if o, ok := h.Get(testBucket, "user/cat.png"); !ok || !bytes.Equal(o.Body, image) || o.ContentType != "image/png" || o.Meta.Get("X-Oss-Meta-Note") != "n" {
				t.Errorf("stored %+v", o)
			}

			for status, want := range map[string]int{"": 204, "200": 200, "201": 201, "204": 204, "404": 204} {
				response, body := postForm(t, h, append(fields, [2]string{"success_action_status", status}), image)
				if response.StatusCode != want || (want == 201) != strings.Contains(body, "<PostResponse>") {
					t.Errorf("success_action_status %q: %d %s", status, response.StatusCode, body)
				}
			}
		})
	}
}

func TestPostObjectRefused(t *testing.T) {
	h := start(t, nil)
	e := replyRaw(t, h, goodReply(`{}`))
	open := policyText(`{"bucket":"photos"}`)
	with := func(fields [][2]string, more ...[2]string) [][2]string {
		return append(append([][2]string{{"key", "k"}}, fields...), more...)
	}
	expired := b64(`{"expiration":"2020-01-01T00:00:00Z","conditions":[]}`)
	tampered := fieldsV1(open)
	tampered[1][1] = policyText(`{"bucket":"other"}`)
	foreign := fieldsV4(open, time.Now())
	foreign[2][1] = strings.Replace(foreign[2][1], "cn-hangzhou", "cn-beijing", 1)

	tests := []struct {
		name   string
		fields [][2]string
		file   []byte
		status int
		code   string
	}{
		{"no policy", with(nil), []byte("x"), 403, "AccessDenied"},
		{"other policy", with(tampered), []byte("x"), 403, "SignatureDoesNotMatch"},
		{"unknown id", with([][2]string{{"OSSAccessKeyId", "nobody"}, {"policy", open}, {"Signature", ""}}), []byte("x"), 403, "InvalidAccessKeyId"},
		{"other region", with(foreign), []byte("x"), 400, "InvalidArgument"},
		{"signed long ago", with(fieldsV4(open, time.Now().Add(-8*24*time.Hour))), []byte("x"), 403, "RequestTimeTooSkewed"},
		{"expired", with(fieldsV1(expired)), []byte("x"), 403, "AccessDenied"},
		{"no json", with(fieldsV1(b64("{"))), []byte("x"), 400, "InvalidPolicyDocument"},
		{"no expiration", with(fieldsV1(b64(`{"conditions":[]}`))), []byte("x"), 400, "InvalidPolicyDocument"},
		{"no conditions", with(fieldsV1(b64(`{"expiration":"2999-01-01T00:00:00Z"}`))), []byte("x"), 400, "InvalidPolicyDocument"},
		{"unknown operator", with(fieldsV1(policyText(`["like","$key","k"]`))), []byte("x"), 400, "InvalidPolicyDocument"},
		{"other bucket", with(fieldsV1(policyText(`{"bucket":"other"}`))), []byte("x"), 403, "AccessDenied"},
		{"other key", with(fieldsV1(policyText(`["eq","$key","other"]`))), []byte("x"), 403, "AccessDenied"},
		{"other prefix", with(fieldsV1(policyText(`["starts-with","$key","other/"]`))), []byte("x"), 403, "AccessDenied"},
		{"not in", with(fieldsV1(policyText(`["not-in","$key",["k"]]`))), []byte("x"), 403, "AccessDenied"},
		{"callback pinned", with(fieldsV1(policyText(`{"callback":"pinned"}`)), [2]string{"callback", "other"}), []byte("x"), 403, "AccessDenied"},
		{"callback pinned and missing", with(fieldsV1(policyText(`{"callback":"pinned"}`))), []byte("x"), 403, "AccessDenied"},
		{"too small", with(fieldsV1(policyText(`["content-length-range",2,9]`))), []byte("x"), 400, "EntityTooSmall"},
		{"too large", with(fieldsV1(policyText(`["content-length-range",0,2]`))), []byte("xyz"), 400, "EntityTooLarge"},
		{"no file", with(fieldsV1(open)), nil, 400, "IncorrectNumberOfFilesInPOSTRequest"},
		{"no key", fieldsV1(open), []byte("x"), 400, "InvalidObjectName"},
		{"bad digest", with(fieldsV1(open), [2]string{"Content-MD5", base64.StdEncoding.EncodeToString(make([]byte, 16))}), []byte("x"), 400, "BadDigest"},
		{"bad callback", with(fieldsV1(open), [2]string{"callback", "{}"}), []byte("x"), 400, "InvalidArgument"},
		{"wrapped callback", with(fieldsV1(open), [2]string{"callback", wrapped(callbackTo(t, e.url, "a"))}), []byte("x"), 400, "InvalidArgument"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, body := postForm(t, h, tt.fields, tt.file)
			if response.StatusCode != tt.status || !strings.Contains(body, "<Code>"+tt.code+"</Code>") {
				t.Errorf("%d %s; want %d %s", response.StatusCode, body, tt.status, tt.code)
			}
		})
	}
	if keys := h.Keys(testBucket); len(keys) > 0 || len(h.recorded()) > 0 {
		t.Errorf("stored %q, sent %d callbacks", keys, len(h.recorded()))
	}
	h.Put(testBucket, "k", "", nil)
	if response, body := postForm(t, h, with(fieldsV1(open), [2]string{"x-oss-forbid-overwrite", "true"}), []byte("x")); response.StatusCode != 409 {
		t.Errorf("overwrite: %d %s", response.StatusCode, body)
	}
}

func wrapped(encoded string) string { return encoded[:20] + "\r\n" + encoded[20:] }

func TestPostObjectCallbackFailed(t *testing.T) {
	h := start(t, nil)
	e := replyRaw(t, h, "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}")
	fields := append(fieldsV1(policyText(`{"bucket":"photos"}`)), [2]string{"key", "k"}, [2]string{"callback", callbackTo(t, e.url, "a")})
	response, body := postForm(t, h, fields, []byte("x"))
	if response.StatusCode != 203 || !strings.Contains(body, "<Message>Error status : 401.</Message>") || response.Header.Get("X-Oss-Ec") != "0007-00000203" {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}
