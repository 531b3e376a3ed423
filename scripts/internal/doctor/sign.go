package doctor

import (
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
)

const minKeyBits = 512 // OSS's own key has no more

// publicKeyURL is what OSS names as the place of its key, whatever key an endpoint really trusts.
const publicKeyURL = "https://gosspublic.alicdn.com/callback_pub_key_v1.pem"

// sample is a callback that OSS itself signed with its live key, for nobody in particular.
var sample = message{
	path:        "/3ecb4401-bd1f-4421-a385-46b57f0d6daa",
	contentType: "application/json",
	body: []byte(`{"bucket":"post-test","object":"42cf77bf-2d25-485a-947c-b9216ee079ee","etag":"97E1A27874032FC4B29F007C90DFA372",` +
		`"size":31,"mimeType":"image/jpeg","imageInfo":null}`),
	authorization: "eugZUpzNaW3Ba40tGc3IUczSmdwfOKS1fXl6xd+QmOITTUPLwhBw1DBBUwaGuLsKYdCauOcHhGCEVMEObQgThA==",
}

func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the key is no PEM file")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the key is no RSA private key, neither PKCS #8 nor PKCS #1 (its PEM type is %.40q)", block.Type)
		}
		var ok bool
		if key, ok = parsed.(*rsa.PrivateKey); !ok {
			return nil, fmt.Errorf("the key is %T, but OSS signs with RSA", parsed)
		}
	}
	if bits := key.N.BitLen(); bits < minKeyBits {
		return nil, fmt.Errorf("the key has %d bits, at least %d are needed", bits, minKeyBits)
	}
	return key, nil
}

// sign returns the message with its authorization: RSA PKCS #1 v1.5 over the MD5 of the decoded path, "?" and the raw query if there is
// one, a line feed, and the body.
func (m message) sign(key *rsa.PrivateKey) (message, error) {
	path, err := url.PathUnescape(m.path)
	if err != nil {
		return m, err
	}
	if m.query != "" {
		path += "?" + m.query
	}
	digest := md5.Sum(append([]byte(path+"\n"), m.body...))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.MD5, digest[:])
	if err != nil {
		return m, fmt.Errorf("the key cannot sign: %w", err)
	}
	m.authorization = base64.StdEncoding.EncodeToString(signature)
	return m, nil
}
