package stack

import (
	"fmt"

	"oss-callback/scripts/internal/params"
)

// Minted are the callback parameters of uploads that shall call url, with x:user. url may be on this machine.
func Minted(url, user string) (params.Params, error) {
	p, err := params.Build(params.Spec{CallbackURL: url, Bucket: Bucket, Vars: map[string]string{"x:user": user}, AllowPrivate: true})
	if err != nil {
		return params.Params{}, fmt.Errorf("stack: callback parameters: %w", err)
	}
	return p, nil
}
