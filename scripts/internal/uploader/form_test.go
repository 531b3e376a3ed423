package uploader

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"time"
)

// signedForm is a form with the older signature, which is short.
func signedForm(callback string) [][2]string {
	policy := base64.StdEncoding.EncodeToString([]byte(`{"expiration":"` + time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04:05.000Z") +
		`","conditions":[{"bucket":"photos"}]}`))
	mac := hmac.New(sha1.New, []byte("secret"))
	mac.Write([]byte(policy))
	return [][2]string{{"key", "cat.bin"}, {"callback", callback}, {"x:user", "7"}, {"OSSAccessKeyId", "id"}, {"policy", policy},
		{"Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))}, {"success_action_status", "200"}}
}
