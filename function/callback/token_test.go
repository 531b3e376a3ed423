package callback

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

var (
	secretA = []byte("0123456789abcdef-a")
	secretB = []byte("0123456789abcdef-b")
	secretC = []byte("0123456789abcdef-c")
	noon    = time.Unix(1_800_000_000, 0)
)

func mint(t testing.TB, secret []byte, token Token) string {
	t.Helper()
	s, err := token.Mint(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestToken(t *testing.T) {
	secrets := [][]byte{secretA, secretB}
	good := Token{Bucket: "photos", Prefix: "user/7/", Expires: noon.Add(time.Hour)}
	for name, tc := range map[string]struct {
		token          string
		bucket, object string
		now            time.Time
		want           error
	}{
		"new secret":         {mint(t, secretA, good), "photos", "user/7/a.jpg", noon, nil},
		"old secret":         {mint(t, secretB, good), "photos", "user/7/a.jpg", noon, nil},
		"last second":        {mint(t, secretA, good), "photos", "user/7/a.jpg", good.Expires, nil},
		"retired secret":     {mint(t, secretC, good), "photos", "user/7/a.jpg", noon, ErrBadToken},
		"expired":            {mint(t, secretA, good), "photos", "user/7/a.jpg", good.Expires.Add(time.Second), ErrTokenExpired},
		"another bucket":     {mint(t, secretA, good), "photos2", "user/7/a.jpg", noon, ErrBadToken},
		"another prefix":     {mint(t, secretA, good), "photos", "user/8/a.jpg", noon, ErrBadToken},
		"expired and prefix": {mint(t, secretA, good), "photos", "user/8/a.jpg", good.Expires.Add(time.Hour), ErrBadToken},
		"whole bucket":       {mint(t, secretA, Token{Bucket: "photos", Expires: noon}), "photos", "x", noon, nil},
		"empty":              {"", "photos", "user/7/a.jpg", noon, ErrBadToken},
		"too short":          {base64.RawURLEncoding.EncodeToString(make([]byte, tokenHeader+31)), "photos", "x", noon, ErrBadToken},
		"version 0":          {base64.RawURLEncoding.EncodeToString(make([]byte, 80)), "photos", "x", noon, ErrBadToken},
		"padded":             {mint(t, secretA, good) + "=", "photos", "user/7/a.jpg", noon, ErrBadToken},
		"other padding bits": {otherBits(mint(t, secretA, good)), "photos", "user/7/a.jpg", noon, ErrBadToken},
		"a line feed in it":  {mint(t, secretA, good)[:5] + "\n" + mint(t, secretA, good)[5:], "photos", "user/7/a.jpg", noon, ErrBadToken},
		"too long":           {base64.RawURLEncoding.EncodeToString(append([]byte{1}, make([]byte, 2000)...)), "photos", "x", noon, ErrBadToken},
	} {
		if err := checkToken(tc.token, secrets, tc.bucket, tc.object, tc.now); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

// otherBits changes the bits of a token's last letter that stand for nothing.
func otherBits(token string) string {
	last := len(token) - 1
	letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return token[:last] + string(letters[strings.IndexByte(letters, token[last])+1])
}

// TestPrefixCannotBorrowFromTheBucket: "prod" + "-images" must not be "pro" + "d-images".
func TestPrefixCannotBorrowFromTheBucket(t *testing.T) {
	token := mint(t, secretA, Token{Bucket: "prod-images", Prefix: "a", Expires: noon})
	b, _ := base64.RawURLEncoding.DecodeString(token)
	claims, mac := b[:len(b)-32], b[len(b)-32:]
	widened := append(append(append([]byte{}, claims...), "prod-"...), mac...)
	err := checkToken(base64.RawURLEncoding.EncodeToString(widened), [][]byte{secretA}, "images", "aprod-x", noon)
	if !errors.Is(err, ErrBadToken) {
		t.Fatal(err)
	}
}

func TestEveryBitOfATokenCounts(t *testing.T) {
	token := Token{Bucket: "photos", Prefix: "p", Expires: noon}
	b, _ := base64.RawURLEncoding.DecodeString(mint(t, secretA, token))
	for i := range len(b) * 8 {
		c := append([]byte{}, b...)
		c[i/8] ^= 1 << (i % 8)
		if err := checkToken(base64.RawURLEncoding.EncodeToString(c), [][]byte{secretA}, "photos", "p", noon); !errors.Is(err, ErrBadToken) {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
}

func TestMintRefuses(t *testing.T) {
	for name, token := range map[string]Token{
		"no bucket":   {Expires: noon},
		"no expiry":   {Bucket: "photos"},
		"long prefix": {Bucket: "photos", Expires: noon, Prefix: strings.Repeat("p", 1024)},
	} {
		if _, err := token.Mint(secretA); err == nil {
			t.Errorf("%s: minted", name)
		}
	}
	if _, err := (Token{Bucket: "photos", Expires: noon}).Mint([]byte("short")); err == nil {
		t.Error("short secret: minted")
	}
}

// TestTokenThroughVerify: the token is the path's last segment, and is looked at only after the signature.
func TestTokenThroughVerify(t *testing.T) {
	s := newSigner(t)
	v := newVerifier(t, Config{Buckets: []string{"photos"}, PublicKey: s.pem(t), TokenSecrets: [][]byte{secretA},
		Now: func() time.Time { return noon }})
	good := "/cb/" + mint(t, secretA, Token{Bucket: "photos", Prefix: "a/", Expires: noon})
	verify := func(path string) error {
		_, err := v.Verify(t.Context(), s.request(t, path, path, "", "application/x-www-form-urlencoded", formBody))
		return err
	}
	if err := verify(good); err != nil {
		t.Error(err)
	}
	if err := verify("/cb"); !errors.Is(err, ErrBadToken) {
		t.Error(err)
	}
	if err := verify(good + "/"); !errors.Is(err, ErrBadToken) {
		t.Error(err)
	}
	r := s.request(t, good, good, "", "application/x-www-form-urlencoded", formBody)
	r.Path = "/cb"
	if _, err := v.Verify(t.Context(), r); !errors.Is(err, ErrBadSignature) {
		t.Error(err)
	}
}
