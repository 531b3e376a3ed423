package explain

import (
	"bytes"
	"crypto/md5"
	"crypto/rsa"
	"math/big"
)

// md5Info is the DER of a DigestInfo for MD5, up to the digest.
var md5Info = []byte{0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00, 0x04, 0x10}

// openSignature returns the MD5 that a PKCS #1 v1.5 signature was made for. It reports false if that is none: then nobody can have made
// the signature with this key, for any text at all.
func openSignature(key *rsa.PublicKey, signature []byte) (digest [md5.Size]byte, ok bool) {
	size := key.Size()
	padding := size - len(md5Info) - md5.Size - 3
	if len(signature) != size || padding < 8 {
		return digest, false
	}
	s := new(big.Int).SetBytes(signature)
	if s.Cmp(key.N) >= 0 { // no verifier takes it, although it opens
		return digest, false
	}
	block := s.Exp(s, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, size))
	head := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, padding)...)
	head = append(append(head, 0), md5Info...)
	if !bytes.HasPrefix(block, head) {
		return digest, false
	}
	copy(digest[:], block[len(head):])
	return digest, true
}
