package osssim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// authenticateForm checks the signature over the policy field, V1 or V4, and then the policy itself.
func (s *Server) authenticateForm(c *call, f form) error {
	encoded := f.fields["policy"]
	if encoded == "" {
		return errAccessDenied("You have no right to access this object because of bucket acl.")
	}
	if version := f.fields["x-oss-signature-version"]; version == algorithmV4 {
		date, err := time.Parse(timeV4, f.fields["x-oss-date"])
		if err != nil {
			return errInvalidArgument("The x-oss-date field is invalid.", "x-oss-date", f.fields["x-oss-date"])
		}
		if date.Sub(c.now) > maxSkew || c.now.Sub(date) > maxExpiryV4 {
			return errSkewed()
		}
		scope, err := s.scopeV4(f.fields["x-oss-credential"], date)
		if err != nil {
			return err
		}
		if !same(f.fields["x-oss-signature"], signV4(s.cfg.AccessKeySecret, scope, encoded)) {
			return errSignature(encoded)
		}
	} else {
		if !same(f.fields["ossaccesskeyid"], s.cfg.AccessKeyID) {
			return errInvalidAccessKeyID()
		}
		if !same(f.fields["signature"], hmacSHA1(s.cfg.AccessKeySecret, encoded)) {
			return errSignature(encoded)
		}
	}
	return checkPolicy(encoded, c, f)
}

type policy struct {
	Expiration string            `json:"expiration"`
	Conditions []json.RawMessage `json:"conditions"`
}

// checkPolicy checks the expiry and every condition. Fields that no condition names are free, the callback field among them.
func checkPolicy(encoded string, c *call, f form) error {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return errPolicyDocument("Invalid Policy: Invalid Base64 encoding.")
	}
	var p policy
	if err := json.Unmarshal(text, &p); err != nil {
		return errPolicyDocument("Invalid Policy: Invalid JSON: unexpected token.")
	}
	expiration, err := time.Parse(time.RFC3339, p.Expiration)
	if err != nil {
		return errPolicyDocument("Invalid Policy: Invalid expiration.")
	}
	if p.Conditions == nil {
		return errPolicyDocument("Invalid Policy: Policy missing conditions.")
	}
	if !c.now.Before(expiration) {
		return errAccessDenied("Invalid according to Policy: Policy expired.")
	}
	for _, condition := range p.Conditions {
		if err := checkCondition(condition, c, f); err != nil {
			return err
		}
	}
	return nil
}

func checkCondition(raw json.RawMessage, c *call, f form) error {
	failed := errAccessDenied(fmt.Sprintf("Invalid according to Policy: Policy Condition failed: %s", raw))
	value := func(name string) string {
		switch name = strings.ToLower(strings.TrimPrefix(name, "$")); name {
		case "bucket":
			return c.bucket
		case "key":
			return c.key
		}
		return f.fields[name]
	}
	if exact, ok := stringMap(raw); ok {
		for name, want := range exact {
			if value(name) != want {
				return failed
			}
		}
		return nil
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil || len(parts) != 3 {
		return errPolicyDocument("Invalid Policy: Invalid condition.")
	}
	operator, _ := stringField(parts[0])
	if operator == "content-length-range" {
		return checkLength(parts[1], parts[2], int64(len(f.file)))
	}
	name, isName := stringField(parts[1])
	if !isName || !strings.HasPrefix(name, "$") {
		return errPolicyDocument("Invalid Policy: Invalid condition.")
	}
	got := value(name)
	want, isText := stringField(parts[2])
	var list []string
	isList := json.Unmarshal(parts[2], &list) == nil
	holds := false
	switch {
	case operator == "eq" && isText:
		holds = got == want
	case operator == "starts-with" && isText:
		holds = strings.HasPrefix(got, want)
	case operator == "in" && isList:
		holds = slices.Contains(list, got)
	case operator == "not-in" && isList:
		holds = !slices.Contains(list, got)
	default:
		return errPolicyDocument("Invalid Policy: Invalid condition.")
	}
	if !holds {
		return failed
	}
	return nil
}

func checkLength(least, most json.RawMessage, length int64) error {
	var low, high int64
	if json.Unmarshal(least, &low) != nil || json.Unmarshal(most, &high) != nil {
		return errPolicyDocument("Invalid Policy: Invalid content-length-range.")
	}
	if length < low {
		return &apiError{Status: http.StatusBadRequest, Code: "EntityTooSmall",
			Message: "Your proposed upload is smaller than the minimum allowed size."}
	}
	if length > high {
		return errEntityTooLarge(high)
	}
	return nil
}

func errPolicyDocument(message string) *apiError {
	return &apiError{Status: http.StatusBadRequest, Code: "InvalidPolicyDocument", Message: message}
}
