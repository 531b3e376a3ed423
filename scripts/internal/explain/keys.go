package explain

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// ossKeyV1 is https://gosspublic.alicdn.com/callback_pub_key_v1.pem.
const ossKeyV1 = `-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKs/JBGzwUB2aVht4crBx3oIPBLNsjGs
C0fTXv+nvlmklvkcolvpvXLTjaxUHR3W9LXxQ2EHXAJfCB+6H2YF1k8CAwEAAQ==
-----END PUBLIC KEY-----
`

// publicKey is a key that we can check signatures with.
type publicKey struct {
	pem    []byte
	public *rsa.PublicKey
	given  bool // by the options
}

// publicPEM is the key in the form that OSS serves and the verifier reads. Private keys are what `dev` hands out.
func publicPEM(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, nil
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the key is no PEM")
	}
	var (
		parsed any
		err    error
	)
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "RSA PUBLIC KEY":
		parsed, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return text, nil // the verifier judges it
	}
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if private, ok := parsed.(*rsa.PrivateKey); ok {
		parsed = &private.PublicKey
	}
	if _, ok := parsed.(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("the key is %T, not RSA", parsed)
	}
	der, err := x509.MarshalPKIXPublicKey(parsed)
	if err != nil {
		return nil, fmt.Errorf("write the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func parseKey(text []byte) (publicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return publicKey{}, errors.New("the key is no PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return publicKey{}, fmt.Errorf("read the key: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return publicKey{}, fmt.Errorf("the key is %T, not RSA", parsed)
	}
	return publicKey{pem: text, public: public}, nil
}
