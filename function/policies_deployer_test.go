package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type statement struct {
	Effect           string
	Action, Resource []string
	Condition        map[string]map[string][]string
}

func policy(t *testing.T, file string) []statement {
	t.Helper()
	var p struct {
		Version   string
		Statement []statement
	}
	if err := json.Unmarshal([]byte(read(t, file)), &p); err != nil || p.Version != "1" || len(p.Statement) == 0 {
		t.Fatalf("%s: version %q, %d statements, %v", file, p.Version, len(p.Statement), err)
	}
	return p.Statement
}

// TestDeployerPolicy ties the policy of whoever deploys to the names in s.yaml and .env.example, and keeps it narrow.
func TestDeployerPolicy(t *testing.T) {
	named := func(file, pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(read(t, file))
		if m == nil {
			t.Fatalf("%s does not match %s", file, pattern)
		}
		return m[1]
	}
	function := "acs:fc:*:*:functions/" + named("../s.yaml", `functionName: \$\{env\('FUNCTION_NAME', '([\w-]+)'\)\}`)
	role := "acs:ram:*:*:role/" + named("../.env.example", `(?m)^FUNCTION_ROLE=([\w-]+)$`)
	want := map[string][]string{
		"fc:GetFunction": {function}, "fc:UpdateFunction": {function},
		"fc:CreateFunction": {"*"}, "fc:GetTempBucketToken": {"*"}, // no narrower resource is documented
		"fc:GetTrigger": {function + "/triggers/*"}, "fc:CreateTrigger": {function + "/triggers/*"}, "fc:UpdateTrigger": {function + "/triggers/*"},
		"ram:PassRole": {role},
	}
	passed := false
	for _, s := range policy(t, "../deploy/ram/deployer.json") {
		for _, action := range s.Action {
			if strings.Contains(action, "*") || s.Effect != "Allow" {
				t.Errorf("%s %s: name each action", s.Effect, action)
			}
			if resources, ok := want[action]; ok && !slices.Equal(resources, s.Resource) {
				t.Errorf("%s on %v, want %v", action, s.Resource, resources)
			} else if !ok && !strings.HasPrefix(action, "log:") {
				t.Errorf("%s is not needed", action)
			}
			delete(want, action)
			if action == "ram:PassRole" {
				passed = slices.Equal(s.Condition["StringEquals"]["acs:Service"], []string{"fc.aliyuncs.com"})
			}
			if strings.HasPrefix(action, "log:") && slices.ContainsFunc(s.Resource, func(r string) bool { return !strings.HasPrefix(r, "acs:log:*:*:project/*-") }) {
				t.Errorf("%s on %v", action, s.Resource)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("deployer.json lacks %v", want)
	}
	if !passed {
		t.Error("ram:PassRole to any service")
	}
}

// TestPoliciesAreExplained: every action of every policy has a row in its own section of the README, and no section explains more.
func TestPoliciesAreExplained(t *testing.T) {
	files, err := filepath.Glob("../deploy/ram/*.json")
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	readme := read(t, "../deploy/ram/README.md")
	for _, file := range files {
		name := filepath.Base(file)
		_, section, _ := strings.Cut(readme, "\n## [`"+name+"`]("+name+")")
		section, _, _ = strings.Cut(section, "\n## ")
		var explained, granted []string
		for row := range strings.Lines(section) {
			if cells := strings.Split(row, "|"); strings.HasPrefix(row, "| ") && len(cells) > 2 {
				for _, m := range regexp.MustCompile("`([a-z]+:[A-Za-z]+)`").FindAllStringSubmatch(cells[1], -1) {
					explained = append(explained, m[1])
				}
			}
		}
		for _, s := range policy(t, file) {
			granted = append(granted, s.Action...)
		}
		slices.Sort(granted)
		slices.Sort(explained)
		if granted, explained = slices.Compact(granted), slices.Compact(explained); !slices.Equal(granted, explained) {
			t.Errorf("%s grants %v, README.md explains %v", name, granted, explained)
		}
	}
}
