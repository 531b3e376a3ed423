package callback

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
)

// ossKeyV1 is what OSS has served as callback_pub_key_v1.pem since 2015; its content does not change.
const ossKeyV1 = `-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKs/JBGzwUB2aVht4crBx3oIPBLNsjGs
C0fTXv+nvlmklvkcolvpvXLTjaxUHR3W9LXxQ2EHXAJfCB+6H2YF1k8CAwEAAQ==
-----END PUBLIC KEY-----
`

// selfTest verifies the sample of OSS's own documentation, a genuine signature.
func selfTest() error {
	key, err := parsePublicKey([]byte(ossKeyV1))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrSelfTest, err)
	}
	signature, err := base64.StdEncoding.DecodeString(
		"kKQeGTRccDKyHB3H9vF+xYMSrmhMZjzzl2/kdD1ktNVgbWEfYTQG0G2SU/RaHBovRCE8OkQDjC3uG33esH2txA==")
	if err != nil {
		return fmt.Errorf("%w: %v", ErrSelfTest, err)
	}
	digest := signedDigest("/index.php", "id=1&index=2", []byte("bucket=yonghu-test"))
	if err := rsa.VerifyPKCS1v15(key, crypto.MD5, digest[:], signature); err != nil {
		return fmt.Errorf("%w: %v: OSS's key has 512 bits; go.mod must hold the line \"godebug rsa1024min=0\", and the "+
			"environment's GODEBUG must not undo it", ErrSelfTest, err)
	}
	return nil
}
