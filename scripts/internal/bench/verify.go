package bench

import (
	"context"
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"time"

	"oss-callback/function/callback"
)

// verification measures callback.Verifier, its key at hand, against the two calls that no verifier can do without.
func verification(ctx context.Context, r *rig) (Section, error) {
	request := r.request()
	verifier, err := callback.NewVerifier(callback.Config{Buckets: []string{bucket}, PublicKey: []byte(r.signer.PublicKeyPEM())})
	if err != nil {
		return Section{}, err
	}
	key, err := parseKey(r.signer.PublicKeyPEM())
	if err != nil {
		return Section{}, err
	}
	signature, err := base64.StdEncoding.DecodeString(request.Header.Get("Authorization"))
	if err != nil {
		return Section{}, err
	}
	signed := []byte(path + "\n" + form)

	n, rounds := 2000, 41
	if r.Quick {
		n, rounds = 100, 3
	}
	bare := each(n, func() error {
		digest := md5.Sum(signed)
		return rsa.VerifyPKCS1v15(key, crypto.MD5, digest[:], signature)
	})
	s := Section{
		How: "callback.Verifier beside bare rsa.VerifyPKCS1v15 and MD5 over the same bytes, with a key of OSS's size, RSA-512. The whole also " +
			"reads the body and checks the bucket.",
		Columns: []string{"ours", "bare", "ratio"},
	}
	for _, row := range []struct {
		name string
		ours func() error
	}{
		{"the signature", func() error { return verifier.VerifySignature(ctx, request) }},
		{"the whole", func() error { _, err := verifier.Verify(ctx, request); return err }},
	} {
		p, err := turns(rounds, each(n, row.ours), bare)
		if err != nil {
			return Section{}, err
		}
		s.Rows = append(s.Rows, Row{row.name, []Value{nanoseconds(median(p.ours)), nanoseconds(median(p.floor)), ratio(p.ratio())}})
	}
	s.Targets = []Target{atMost("verifying a signature, to bare", s.Rows[0].Values[2], ratio(1.10))}
	return s, nil
}

// each is how long one of n calls takes on average, in ns.
func each(n int, f func() error) func() (float64, error) {
	return func() (float64, error) {
		began := time.Now()
		for range n {
			if err := f(); err != nil {
				return 0, err
			}
		}
		return float64(time.Since(began)) / float64(n), nil
	}
}

func parseKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("no RSA key")
	}
	return public, nil
}
