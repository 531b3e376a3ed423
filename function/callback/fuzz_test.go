package callback

import (
	"encoding/base64"
	"errors"
	"net/url"
	"testing"
)

// go test ./function/callback -fuzz FuzzForm -fuzztime 30s
func FuzzForm(f *testing.F) {
	f.Add("bucket=yonghu-test")
	f.Add("bucket=b&object=a%2Fb%20c+d.jpg&etag=%22E%22&size=12&x:user=1&x:user=2&imageInfo.height=")
	f.Add("&;=%&bucket")
	f.Fuzz(func(t *testing.T, body string) { checkParse(t, formType, body) })
}

// go test ./function/callback -fuzz FuzzJSON -fuzztime 30s
func FuzzJSON(f *testing.F) {
	f.Add(string(jsonVector().Body))
	f.Add(`{"bucket":"b","object":"o","imageInfo":{"height":"1","width":2},"x:a":[{}],"x:a":null}`)
	f.Add(`{"mimeType":"image/jpeg","filename","ipa/x"}`)
	f.Fuzz(func(t *testing.T, body string) { checkParse(t, jsonType, body) })
}

// checkParse: an upload is whole, or the error is ErrMalformed; a body that is whole says the same when it is written again.
func checkParse(t *testing.T, contentType, body string) {
	up, err := parse(contentType, []byte(body))
	if err != nil {
		if !errors.Is(err, ErrMalformed) || up.Bucket != "" {
			t.Fatalf("%+v, %v", up, err)
		}
		return
	}
	if up.Bucket == "" || up.Object == "" || len(up.Object) > maxKeyBytes || up.Size < -1 || up.Image.Width < 0 || up.Image.Height < 0 {
		t.Fatalf("%+v", up)
	}
	again, err := parse(formType, []byte(url.Values{"bucket": {up.Bucket}, "object": {up.Object}, "etag": {up.ETag}}.Encode()))
	if err != nil || again.Bucket != up.Bucket || again.Object != up.Object {
		t.Fatalf("%+v became %+v, %v", up, again, err)
	}
}

// go test ./function/callback -fuzz FuzzKeyURL -fuzztime 30s
func FuzzKeyURL(f *testing.F) {
	f.Add("https://gosspublic.alicdn.com/callback_pub_key_v1.pem")
	f.Add("http://gosspublic.alicdn.com/callback_pub_key_v1.pem")
	f.Add("https://gosspublic.alicdn.com@evil.example.com/callback_pub_key_v1.pem")
	f.Add("https://gosspublic.alicdn.com:443/../callback_pub_key_v1.pem?#")
	f.Fuzz(func(t *testing.T, u string) {
		name, err := trustedKeyName(base64.StdEncoding.EncodeToString([]byte(u)))
		if err != nil {
			if !errors.Is(err, ErrUntrustedKeyURL) {
				t.Fatal(err)
			}
			return
		}
		if u != "https://"+keyHost+name && u != "http://"+keyHost+name {
			t.Fatalf("%q was trusted as %q", u, name)
		}
	})
}

// go test ./function/callback -fuzz FuzzToken -fuzztime 30s
func FuzzToken(f *testing.F) {
	f.Add(mint(f, secretA, Token{Bucket: "photos", Prefix: "p", Expires: noon}))
	f.Add("")
	f.Add("AQ")
	genuine := mint(f, secretB, Token{Bucket: "photos", Prefix: "p", Expires: noon})
	f.Add(genuine)
	f.Fuzz(func(t *testing.T, token string) {
		err := checkToken(token, [][]byte{secretB}, "photos", "p", noon)
		if token == genuine {
			if err != nil {
				t.Fatal(err)
			}
		} else if !errors.Is(err, ErrBadToken) {
			t.Fatalf("%q: %v", token, err)
		}
	})
}
