package params

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	algorithm   = "OSS4-HMAC-SHA256"
	maxPostSize = 5 << 30            // bytes that PostObject takes
	maxPolicy   = 7 * 24 * time.Hour // that a V4 signature is good for
	fileName    = "${filename}"      // OSS replaces it in a form's key
)

// Credentials sign a policy. SecurityToken is empty for long-lived keys. Only the secret stays out of the form.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// PolicySpec bounds what a form may upload. Region, Expires and MaxSize are required.
type PolicySpec struct {
	Region  string    // such as cn-hangzhou
	Expires time.Time // at most 7 days from now
	MaxSize int64     // bytes, 1 to 5 GiB
	Empty   bool      // whether empty files may be uploaded
	Now     time.Time // the date of the signature; zero is time.Now
}

// Field is one field of a form.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Form is what a client posts, fields in this order and the file last, as a field named file.
type Form struct {
	Fields []Field `json:"fields"`
	Policy string  `json:"-"` // decoded, for people; it holds the security token, if there is one
}

var regionName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// PostForm signs the form of a PostObject. Its policy pins everything that must not change: bucket, key or prefix, the callback, each
// variable, the size and the success status. With a prefix the key ends in the file's own name. Errors are a Refusal.
func (p Params) PostForm(credentials Credentials, spec PolicySpec) (Form, error) {
	if spec.Now.IsZero() {
		spec.Now = time.Now()
	}
	if err := p.checkPolicy(credentials, spec); err != nil {
		return Form{}, err
	}
	date := spec.Now.UTC().Format("20060102T150405Z")
	scope := []string{date[:8], spec.Region, "oss", "aliyun_v4_request"}
	key, keyCondition := p.spec.Key, []string{"eq", "$key", p.spec.Key}
	if key == "" {
		key, keyCondition = p.spec.Prefix+fileName, []string{"starts-with", "$key", p.spec.Prefix}
	}
	pinned := []Field{{"success_action_status", "200"}, {"callback", p.Callback}}
	for _, name := range slices.Sorted(maps.Keys(p.spec.Vars)) {
		pinned = append(pinned, Field{name, p.spec.Vars[name]})
	}
	pinned = append(pinned, Field{"x-oss-signature-version", algorithm},
		Field{"x-oss-credential", credentials.AccessKeyID + "/" + strings.Join(scope, "/")}, Field{"x-oss-date", date})
	if credentials.SecurityToken != "" {
		pinned = append(pinned, Field{"x-oss-security-token", credentials.SecurityToken})
	}
	least := 1
	if spec.Empty {
		least = 0
	}
	conditions := []any{map[string]string{"bucket": p.spec.Bucket}, keyCondition, []any{"content-length-range", least, spec.MaxSize}}
	for _, f := range pinned {
		conditions = append(conditions, map[string]string{f.Name: f.Value})
	}
	policy := marshal(struct {
		Expiration string `json:"expiration"`
		Conditions []any  `json:"conditions"`
	}{spec.Expires.UTC().Format("2006-01-02T15:04:05.000Z"), conditions})
	encoded := base64.StdEncoding.EncodeToString([]byte(policy))
	fields := append([]Field{{"key", key}}, pinned...)
	fields = append(fields, Field{"policy", encoded}, Field{"x-oss-signature", sign(credentials.AccessKeySecret, scope, encoded)})
	return Form{Fields: fields, Policy: policy}, nil
}

func (p Params) checkPolicy(credentials Credentials, spec PolicySpec) error {
	switch {
	case credentials.AccessKeyID == "" || credentials.AccessKeySecret == "":
		return ours("policy", "it is signed with an access key: id and secret are needed")
	case !isText(credentials.AccessKeyID + credentials.SecurityToken):
		return ours("policy", "the access key id or the security token is not text")
	case !regionName.MatchString(spec.Region):
		return ours("policy", fmt.Sprintf("%.64q is no region such as cn-hangzhou", spec.Region))
	case spec.MaxSize < 1 || spec.MaxSize > maxPostSize:
		return ours("policy", fmt.Sprintf("a size limit is from 1 to %d bytes, OSS's own", int64(maxPostSize)))
	case !spec.Expires.After(spec.Now) || spec.Expires.Sub(spec.Now) > maxPolicy:
		return ours("policy", "it must expire in the future, and within 7 days: V4 signatures are good for no longer")
	case strings.Contains(p.spec.Key+p.spec.Prefix, fileName):
		return ours("key", "OSS puts the file's name in the place of "+fileName+": give what stands before it as the prefix")
	}
	return nil
}

// sign derives the key of the day, region and product, and signs the policy's Base64.
func sign(secret string, scope []string, text string) string {
	key := []byte("aliyun_v4" + secret)
	for _, part := range append(slices.Clone(scope), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}
