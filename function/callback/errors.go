package callback

import "errors"

// What Verify can find wrong. Each comes wrapped with its cause, which is for the log and not for the caller.
var (
	ErrUnsigned                    = errors.New("callback: not signed")
	ErrUntrustedKeyURL             = errors.New("callback: public key URL is not OSS's")
	ErrKeyUnavailable              = errors.New("callback: public key could not be fetched") // may pass: a new upload may work
	ErrBadSignature                = errors.New("callback: signature does not fit")
	ErrUnsupportedSignatureVersion = errors.New("callback: unsupported signature version")
	ErrQueryNotRecoverable         = errors.New("callback: raw query is lost and has too many parameters to rebuild")
	ErrBodyTooLarge                = errors.New("callback: body too large")
	ErrMalformed                   = errors.New("callback: malformed")
	ErrBucketNotAllowed            = errors.New("callback: bucket is not in the list")
	ErrBadToken                    = errors.New("callback: bad token")
	ErrTokenExpired                = errors.New("callback: token expired")
)

// ErrSelfTest says that OSS's own documented sample does not verify in this build.
var ErrSelfTest = errors.New("callback: self-test failed: this build cannot verify OSS's signatures")
