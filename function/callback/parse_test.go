package callback

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	base := func(change func(*Upload)) Upload {
		up := Upload{Bucket: "b", Object: "o", Size: -1}
		change(&up)
		return up
	}
	for name, tc := range map[string]struct {
		contentType, body string
		want              Upload
	}{
		"form, everything": {formType, "bucket=b&object=a%2Fb%20c+d.jpg&etag=%22E%22&size=12&mimeType=image%2Fjpeg&imageInfo.height=3&imageInfo.width=4" +
			"&imageInfo.format=jpg&crc64=1&contentMd5=m&vpcId=v&clientIp=1.2.3.4&reqId=r&operation=PutObject&x:user=u%2B1&x:user=u2&plan=pro", Upload{
			Bucket: "b", Object: "a/b c d.jpg", ETag: "E", Size: 12, MimeType: "image/jpeg", Image: ImageInfo{"jpg", 4, 3}, CRC64: "1",
			ContentMD5: "m", VPCID: "v", ClientIP: "1.2.3.4", RequestID: "r", Operation: "PutObject",
			Vars: map[string][]string{"x:user": {"u+1", "u2"}, "plan": {"pro"}}}},
		"form, empty values":           {formType, "bucket=b&object=o&size=&imageInfo.height=&imageInfo.width=&etag", base(func(*Upload) {})},
		"form, the first bucket stays": {formType, "bucket=b&object=o&bucket=evil", base(func(u *Upload) { u.Vars = map[string][]string{"bucket": {"evil"}} })},
		"form, a semicolon":            {formType, "bucket=b&object=o&x:a=1;2", base(func(u *Upload) { u.Vars = map[string][]string{"x:a": {"1;2"}} })},
		"form, stray ampersands":       {formType, "&bucket=b&&object=o&", base(func(*Upload) {})},
		"form, charset":                {formType + "; charset=utf-8", "bucket=b&object=o", base(func(*Upload) {})},
		"no content type":              {"", "bucket=b&object=o", base(func(*Upload) {})},
		"json, everything": {jsonType, `{"bucket":"b","object":"图/\"1\".jpg","etag":"E-3","size":12,"mimeType":null,"imageInfo.height":"3",
			"imageInfo":{"width":4,"format":"jpg","extra":1},"x:user":"u","n":1.50,"t":true,"list":[1, 2],"deep":{"a":{"b":null}},"n":2}`, Upload{
			Bucket: "b", Object: `图/"1".jpg`, ETag: "E-3", Size: 12, Image: ImageInfo{"jpg", 4, 3}, Vars: map[string][]string{
				"imageInfo.extra": {"1"}, "x:user": {"u"}, "n": {"1.50", "2"}, "t": {"true"}, "list": {"[1, 2]"}, "deep": {`{"a":{"b":null}}`}}}},
		"json, marks within text": {jsonType, ` {"b\u0075cket" : "b" , "object":"o","etag":"\\","":0,"x:a":"}],\"{[","x:b":[ "]}", {"\"]":"\\"} ],"x:c":{},"x:d":-1e5}` + "\n",
			base(func(u *Upload) {
				u.ETag = `\`
				u.Vars = map[string][]string{"": {"0"}, "x:a": {`}],"{[`}, "x:b": {`[ "]}", {"\"]":"\\"} ]`}, "x:c": {"{}"}, "x:d": {"-1e5"}}
			})},
		"json, not UTF-8":        {jsonType, "{\"bucket\":\"b\",\"object\":\"a\xff\"}", base(func(u *Upload) { u.Object = "a\ufffd" })},
		"json, size as text":     {jsonType, `{"bucket":"b","object":"o","size":"12"}`, base(func(u *Upload) { u.Size = 12 })},
		"json, nulls":            {jsonType, `{"bucket":"b","object":"o","size":null,"etag":null,"imageInfo":null}`, base(func(*Upload) {})},
		"json, empty image":      {jsonType, `{"bucket":"b","object":"o","imageInfo":{"height":"","width":"","format":""}}`, base(func(*Upload) {})},
		"json, imageInfo a word": {jsonType, `{"bucket":"b","object":"o","imageInfo":"none"}`, base(func(u *Upload) { u.Vars = map[string][]string{"imageInfo": {"none"}} })},
	} {
		got, err := parse(tc.contentType, []byte(tc.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// TestParseRefuses: all of these were, or could be, signed by OSS, which does not check templates.
func TestParseRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ contentType, body, says string }{
		"no object":            {formType, "bucket=b", "object"},
		"no bucket":            {jsonType, `{"object":"o"}`, "bucket"},
		"empty body":           {formType, "", "bucket"},
		"empty JSON body":      {jsonType, "", "offset 0"},
		"bad escape":           {formType, "bucket=b&object=%zz", "offset 9"},
		"doubled quotes":       {jsonType, `{"bucket":""b""}`, "offset 13"},
		"missing number":       {jsonType, `{"bucket":"b","object":"o","height":}`, "offset 37"},
		"two names, one value": {jsonType, `{"mimeType":"image/jpeg","filename","a/b"}`, "offset 36"},
		"prose":                {jsonType, "图片已上传", "offset 1"},
		"after the object":     {jsonType, `{"bucket":"b","object":"o"} x`, "offset 29"},
		"an array":             {jsonType, `[1]`, "no object"},
		"a string":             {jsonType, `"bucket"`, "no object"},
		"null":                 {jsonType, `null`, "no object"},
		"size in words":        {formType, "bucket=b&object=o&size=many", "size"},
		"size negative":        {formType, "bucket=b&object=o&size=-1", "size"},
		"size huge":            {formType, "bucket=b&object=o&size=99999999999999999999", "size"},
		"height in words":      {jsonType, `{"bucket":"b","object":"o","imageInfo":{"height":"tall"}}`, "imageInfo.height"},
		"object too long":      {formType, "bucket=b&object=" + strings.Repeat("o", 1024), "1024 bytes"},
		"content type":         {"text/plain", "bucket=b&object=o", "content-type"},
		"content type broken":  {"a/b; =", "bucket=b&object=o", "content-type"},
	} {
		_, err := parse(tc.contentType, []byte(tc.body))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, should be malformed and mention %q", name, err, tc.says)
		}
	}
}
