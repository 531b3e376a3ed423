package main

import (
	"encoding/json"
	"slices"
	"testing"

	"oss-callback/queue"
)

// TestPoliciesNameOurPrefixes ties deploy/ram to the prefixes that the code writes to by default.
func TestPoliciesNameOurPrefixes(t *testing.T) {
	environment(t, nil)
	c, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	const bucket = "acs:oss:*:*:your-bucket"
	thumbs, outbox := bucket+"/"+queue.OutputPrefix+"*", bucket+"/"+c.OutboxPrefix+"*"
	type rights map[string][]string // by effect and action
	for file, want := range map[string]rights{
		"function.json": {"Allow oss:GetObject": {bucket + "/*"}, "Allow oss:ListObjects": {bucket}, "Allow oss:PutObject": {outbox}},
		"worker.json": {"Allow oss:GetObject": {bucket + "/*"}, "Allow oss:ListObjects": {bucket}, "Allow oss:PutObject": {thumbs, outbox},
			"Allow oss:DeleteObject": {outbox}},
		"uploader.json": {"Allow oss:PutObject": {bucket + "/*"}, "Allow oss:AbortMultipartUpload": {bucket + "/*"}, "Allow oss:ListParts": {bucket + "/*"},
			"Deny oss:PutObject": {thumbs, outbox}},
	} {
		var policy struct {
			Version   string
			Statement []struct {
				Effect           string
				Action, Resource []string
			}
		}
		if err := json.Unmarshal([]byte(read(t, "../deploy/ram/"+file)), &policy); err != nil || policy.Version != "1" {
			t.Fatalf("%s: version %s, %v", file, policy.Version, err)
		}
		for _, s := range policy.Statement {
			for _, action := range s.Action {
				if key := s.Effect + " " + action; !slices.Equal(want[key], s.Resource) {
					t.Errorf("%s: %s on %v, want %v", file, key, s.Resource, want[key])
				}
				delete(want, s.Effect+" "+action)
			}
		}
		if len(want) > 0 {
			t.Errorf("%s lacks %v", file, want)
		}
	}
}
