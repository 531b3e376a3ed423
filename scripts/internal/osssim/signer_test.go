package osssim

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"
)

// ossPublicKey is the key behind https://gosspublic.alicdn.com/callback_pub_key_v1.pem.
const ossPublicKey = `-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKs/JBGzwUB2aVht4crBx3oIPBLNsjGs
C0fTXv+nvlmklvkcolvpvXLTjaxUHR3W9LXxQ2EHXAJfCB+6H2YF1k8CAwEAAQ==
-----END PUBLIC KEY-----
`

// md5Prefix is the DigestInfo of PKCS #1 v1.5 for MD5.
var md5Prefix = []byte{0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00, 0x04, 0x10}

type signed struct {
	name, path, query string
	hasQuery          bool
	body              string
	authorization     string
}

// genuine are callbacks that OSS itself signed.
func genuine() []signed {
	return []signed{
		{
			name: "form with query", path: "/index.php", query: "id=1&index=2", hasQuery: true, body: "bucket=yonghu-test",
			authorization: "kKQeGTRccDKyHB3H9vF+xYMSrmhMZjzzl2/kdD1ktNVgbWEfYTQG0G2SU/RaHBovRCE8OkQDjC3uG33esH2txA==",
		},
		{
			name: "json without query", path: "/3ecb4401-bd1f-4421-a385-46b57f0d6daa",
			body: `{"bucket":"post-test","object":"42cf77bf-2d25-485a-947c-b9216ee079ee","etag":"97E1A27874032FC4B29F007C90DFA372",` +
				`"size":31,"mimeType":"image/jpeg","imageInfo":null}`,
			authorization: "eugZUpzNaW3Ba40tGc3IUczSmdwfOKS1fXl6xd+QmOITTUPLwhBw1DBBUwaGuLsKYdCauOcHhGCEVMEObQgThA==",
		},
	}
}

// recovered opens a signature with plain arithmetic, sharing nothing with the signer.
func recovered(t *testing.T, publicPEM, authorization string) []byte {
	t.Helper()
	block, _ := pem.Decode([]byte(publicPEM))
	if block == nil {
		t.Fatal("no PEM block")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(*rsa.PublicKey)
	signature, err := base64.StdEncoding.DecodeString(authorization)
	if err != nil {
		t.Fatal(err)
	}
	opened := new(big.Int).Exp(new(big.Int).SetBytes(signature), big.NewInt(int64(key.E)), key.N)
	return opened.FillBytes(make([]byte, key.Size()))
}

func encodedDigest(digest [16]byte) []byte {
	padding := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 64-3-len(md5Prefix)-len(digest))...)
	return append(append(append(padding, 0), md5Prefix...), digest[:]...)
}

func TestDigestIsTheOneOSSSigns(t *testing.T) {
	for _, v := range genuine() {
		t.Run(v.name, func(t *testing.T) {
			want := recovered(t, ossPublicKey, v.authorization)
			if got := encodedDigest(callbackDigest(v.path, v.query, v.hasQuery, []byte(v.body))); !bytes.Equal(got, want) {
				t.Errorf("digest block\n got %x\nwant %x", got, want)
			}
			if got := encodedDigest(callbackDigest(v.path, v.query, !v.hasQuery, []byte(v.body))); bytes.Equal(got, want) {
				t.Error("the question mark makes no difference")
			}
		})
	}
}

func TestSignerSignsLikeOSS(t *testing.T) {
	signer, err := NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range append(genuine(), signed{name: "escaped path", path: "/a%20b/%E4%B8%AD", body: "x"}) {
		got := recovered(t, signer.PublicKeyPEM(), signer.Sign(v.path, v.query, v.hasQuery, []byte(v.body)))
		if want := encodedDigest(callbackDigest(v.path, v.query, v.hasQuery, []byte(v.body))); !bytes.Equal(got, want) {
			t.Errorf("%s: signature opens to %x, want %x", v.name, got, want)
		}
	}
	if callbackDigest("/a%20b", "", false, nil) != callbackDigest("/a b", "", false, nil) {
		t.Error("the path is not decoded")
	}
}

func TestSignerHeaders(t *testing.T) {
	signer, err := NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("bucket=photos")
	h := signer.Headers("/callback", "a=1", true, body, CallbackMeta{Bucket: testBucket, RequestID: "5CF3E7820123456789ABCDEF"})
	for name, want := range map[string]string{
		"Authorization":           signer.Sign("/callback", "a=1", true, body),
		"X-Oss-Pub-Key-Url":       "aHR0cHM6Ly9nb3NzcHVibGljLmFsaWNkbi5jb20vY2FsbGJhY2tfcHViX2tleV92MS5wZW0=",
		"Content-Md5":             "OBsyYrxndFyCh14edtUqDw==",
		"Content-Type":            "application/x-www-form-urlencoded",
		"Content-Length":          "13",
		"User-Agent":              "aliyun-oss-callback",
		"Connection":              "close",
		"X-Oss-Bucket":            testBucket,
		"X-Oss-Request-Id":        "5CF3E7820123456789ABCDEF",
		"X-Oss-Signature-Version": "1.0",
		"X-Oss-Tag":               "CALLBACK",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
