package callback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MinSecret is the least length of a token secret, in bytes.
const MinSecret = 16

const (
	tokenVersion = 1
	tokenHeader  = 1 + 4 + 8 // version, key id, expiry
	maxKeyBytes  = 1023      // the longest object key that OSS allows
)

// tokenEncoding is base64url of which every text has one spelling only, but for line feeds, which the decoder skips.
var tokenEncoding = base64.RawURLEncoding.Strict()

// Token is the right to have uploads of one bucket accepted, under one prefix, until a time. The backend that hands out upload
// rights mints it and puts it at the end of callbackUrl's path: https://<function>/<anything>/<token>. OSS signs the path, so
// the uploader can neither forge nor widen it.
type Token struct {
	Bucket  string
	Prefix  string    // of the object key; empty for the whole bucket
	Expires time.Time // whole seconds; after it uploads are refused, whenever they began
}

// Mint makes the path segment for a token: base64url of version, key id, expiry, prefix, and an HMAC-SHA256 over those and the
// bucket. Keep the secret on the server: MinSecret random bytes or more.
func (t Token) Mint(secret []byte) (string, error) {
	switch {
	case len(secret) < MinSecret:
		return "", fmt.Errorf("callback: a token secret needs %d bytes or more", MinSecret)
	case t.Bucket == "":
		return "", errors.New("callback: a token needs a bucket")
	case len(t.Prefix) > maxKeyBytes:
		return "", fmt.Errorf("callback: a token's prefix has at most %d bytes", maxKeyBytes)
	case t.Expires.Unix() <= 0:
		return "", errors.New("callback: a token needs an expiry")
	}
	b := append(make([]byte, 0, tokenHeader+len(t.Prefix)+sha256.Size), tokenVersion)
	b = append(b, keyID(secret)...)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Expires.Unix()))
	b = append(b, t.Prefix...)
	b = append(b, tokenMAC(secret, b, t.Bucket)...)
	return tokenEncoding.EncodeToString(b), nil
}

// checkToken returns ErrBadToken or ErrTokenExpired, wrapped. Nothing in the token is believed before its HMAC is checked.
func checkToken(token string, secrets [][]byte, bucket, object string, now time.Time) error {
	b, err := tokenEncoding.DecodeString(token)
	if err != nil || len(token) != tokenEncoding.EncodedLen(len(b)) || len(b) < tokenHeader+sha256.Size || len(b) > tokenHeader+maxKeyBytes+sha256.Size {
		return fmt.Errorf("%w: the path does not end in one", ErrBadToken)
	}
	if b[0] != tokenVersion {
		return fmt.Errorf("%w: unknown version %d", ErrBadToken, b[0])
	}
	claims, mac := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	for _, secret := range secrets {
		if !hmac.Equal(claims[1:5], keyID(secret)) {
			continue
		}
		if !hmac.Equal(mac, tokenMAC(secret, claims, bucket)) {
			return fmt.Errorf("%w: made for another bucket, or altered", ErrBadToken)
		}
		if prefix := string(claims[tokenHeader:]); !strings.HasPrefix(object, prefix) {
			return fmt.Errorf("%w: made for another prefix", ErrBadToken)
		}
		if expires := int64(binary.BigEndian.Uint64(claims[5:tokenHeader])); now.Unix() > expires {
			return fmt.Errorf("%w: %d s ago", ErrTokenExpired, now.Unix()-expires)
		}
		return nil
	}
	return fmt.Errorf("%w: made with an unknown secret", ErrBadToken)
}

// keyID tells which secret a token was made with, without telling anything of the secret.
func keyID(secret []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("oss-callback token key id"))
	return h.Sum(nil)[:4]
}

// tokenMAC covers the claims and the bucket; the length in front keeps a prefix from borrowing letters of the bucket's name.
func tokenMAC(secret, claims []byte, bucket string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(binary.BigEndian.AppendUint64([]byte("oss-callback token"), uint64(len(claims))))
	h.Write(claims)
	h.Write([]byte(bucket))
	return h.Sum(nil)
}
