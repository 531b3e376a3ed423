package main

import (
	"cmp"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/params"
)

// accessKey is the user's own. It comes from the environment only: every user of a machine can read the arguments of a command.
func accessKey() params.Credentials {
	return params.Credentials{AccessKeyID: os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"), AccessKeySecret: os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
		SecurityToken: os.Getenv("ALIBABA_CLOUD_SECURITY_TOKEN")}
}

// mintingSecret is the first of CALLBACK_TOKEN_SECRET, nil if that is not set. Nothing but commas is a mistake, and too short for a token.
func mintingSecret() []byte {
	secrets := os.Getenv("CALLBACK_TOKEN_SECRET")
	if secrets == "" {
		return nil
	}
	first, _, _ := strings.Cut(strings.Trim(secrets, ", "), ",")
	return []byte(strings.TrimSpace(first))
}

// regionOf is --region, or else the one in the name of --endpoint, without the "oss-" that the console puts before it.
func regionOf(cmd *cli.Command) string {
	return strings.TrimPrefix(cmp.Or(cmd.String("region"), params.Region(cmd.String("endpoint"))), "oss-")
}
