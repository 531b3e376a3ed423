//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// deployed is the function as `s preview` shows it. The schema of component fc3 lets every unknown key through, so a typo would only be
// noticed on the live platform: the keys listed here are all that we use.
type deployed struct {
	Component string        `json:"component"`
	Actions   deployActions `json:"actions"`
	Props     deployProps   `json:"props"`
}

type deployActions struct {
	PreDeploy []deployAction `json:"pre-deploy,omitempty"`
}

type deployAction struct {
	Run  string `json:"run"`
	Path string `json:"path"`
}

type deployProps struct {
	Region               string               `json:"region"`
	FunctionName         string               `json:"functionName"`
	Description          string               `json:"description"`
	Runtime              string               `json:"runtime"`
	Handler              string               `json:"handler"`
	Code                 string               `json:"code"`
	MemorySize           int                  `json:"memorySize"`
	CPU                  float64              `json:"cpu"`
	DiskSize             int                  `json:"diskSize"`
	Timeout              int                  `json:"timeout"`
	InternetAccess       bool                 `json:"internetAccess"`
	InstanceConcurrency  int                  `json:"instanceConcurrency,omitempty"`
	Role                 string               `json:"role"`
	LogConfig            string               `json:"logConfig"`
	ScalingConfig        *deployScaling       `json:"scalingConfig,omitempty"`
	VPCConfig            deployVPC            `json:"vpcConfig"`
	EnvironmentVariables map[string]string    `json:"environmentVariables"`
	CustomRuntimeConfig  *deployCustomRuntime `json:"customRuntimeConfig,omitempty"`
	Triggers             []deployTrigger      `json:"triggers"`
	CustomDomain         *deployCustomDomain  `json:"customDomain,omitempty"`
}

type deployCustomDomain struct {
	DomainName string      `json:"domainName"`
	Protocol   string      `json:"protocol"` // without it fc3 fails with an exception
	Route      deployRoute `json:"route"`
	Cert       deployCert  `json:"certConfig"`
}

type deployRoute struct {
	Path      string   `json:"path"`
	Methods   []string `json:"methods"`
	Qualifier string   `json:"qualifier"`
}

type deployCert struct {
	Name        string `json:"certName"`
	Certificate string `json:"certificate"`
	PrivateKey  string `json:"privateKey"`
}

type deployScaling struct {
	MinInstances int `json:"minInstances"`
}

type deployVPC struct {
	VPCID           string   `json:"vpcId"`
	VSwitchIDs      []string `json:"vSwitchIds"`
	SecurityGroupID string   `json:"securityGroupId"`
}

type deployCustomRuntime struct {
	Command []string `json:"command"`
	Port    int      `json:"port"`
}

type deployTrigger struct {
	Name   string              `json:"triggerName"`
	Type   string              `json:"triggerType"`
	Config deployTriggerConfig `json:"triggerConfig"`
}

type deployTriggerConfig struct {
	AuthType string   `json:"authType"`
	Methods  []string `json:"methods"`
}

// readDeployment fails the test unless every key is known, spelled as here, and of the right type.
func readDeployment(t *testing.T, preview []byte) deployed {
	t.Helper()
	f, err := parseDeployment(preview)
	if err != nil {
		t.Fatalf("%v\n%s", err, preview)
	}
	return f
}

func parseDeployment(preview []byte) (deployed, error) {
	var known struct {
		Edition, Name, Access string
		Resources             map[string]deployed
	}
	var raw struct{ Resources map[string]any }
	// A decoder, because `s` prints more after the JSON.
	if err := json.NewDecoder(bytes.NewReader(preview)).Decode(&known); err != nil {
		return deployed{}, err
	}
	if err := json.NewDecoder(bytes.NewReader(preview)).Decode(&raw); err != nil {
		return deployed{}, err
	}
	f, found := known.Resources["callback"]
	if !found || len(known.Resources) != 1 || known.Edition != "3.0.0" || known.Name == "" || known.Access == "" {
		return deployed{}, fmt.Errorf("not edition 3.0.0 with a name, access and the one resource callback: %+v", known)
	}
	text, err := json.Marshal(f)
	if err != nil {
		return deployed{}, err
	}
	var again any
	if err := json.Unmarshal(text, &again); err != nil {
		return deployed{}, err
	}
	if diff := cmp.Diff(again, raw.Resources["callback"]); diff != "" {
		return deployed{}, fmt.Errorf("a key is missing (-), or unknown or spelled wrongly (+):\n%s", diff)
	}
	return f, nil
}

// faults are what the platform would refuse or OSS's callbacks would fail on.
func (f deployed) faults() (all []string) {
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	p := f.Props
	fault(f.Component == "fc3", "component %q", f.Component)
	fault(regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]+)+$`).MatchString(p.Region), "region %q", p.Region)
	fault(p.FunctionName != "", "no function name")
	fault(p.Handler != "" && p.Code != "", "no handler or no code")
	fault(p.MemorySize%64 == 0 && p.MemorySize >= 128, "memory of %d MB is no multiple of 64", p.MemorySize)
	gb := float64(p.MemorySize) / 1024
	fault(p.CPU >= gb/4 && p.CPU <= gb, "%v vCPU to %v GB are not between 1:1 and 1:4", p.CPU, gb)
	fault(p.DiskSize == 512 || p.DiskSize == 10240, "disk of %d MB", p.DiskSize)
	fault(p.Timeout >= 5 && p.Timeout <= 60, "timeout of %d s", p.Timeout)
	fault(p.Role != "", "without a role every deployment takes the function's role away")
	fault(p.LogConfig == "auto", "logConfig %q", p.LogConfig)
	fault(p.VPCConfig.VPCID != "" && p.VPCConfig.SecurityGroupID != "" && len(p.VPCConfig.VSwitchIDs) > 0 && !slices.Contains(p.VPCConfig.VSwitchIDs, ""),
		"vpcConfig %+v", p.VPCConfig)
	size := 0
	for name, value := range p.EnvironmentVariables {
		size += len(name) + len(value)
	}
	fault(size <= 4096, "the variables have %d bytes, more than 4096", size)
	fault(len(p.Triggers) == 1, "%d triggers", len(p.Triggers))
	for _, trigger := range p.Triggers {
		fault(trigger.Type == "http" && trigger.Name != "", "trigger %+v", trigger)
		fault(trigger.Config.AuthType == "anonymous", "authType %q: OSS cannot sign for Function Compute", trigger.Config.AuthType)
		fault(slices.Equal(trigger.Config.Methods, []string{"POST"}), "methods %q: a callback is a POST", trigger.Config.Methods)
	}
	return all
}

// TestDeploymentTyposAreFound changes one thing at a time in a good preview.
func TestDeploymentTyposAreFound(t *testing.T) {
	good := deployed{Component: "fc3", Props: deployProps{Region: "cn-hangzhou", FunctionName: "f", Handler: "main", Code: "./target", MemorySize: 512, CPU: 0.35,
		DiskSize: 512, Timeout: 10, Role: "r", LogConfig: "auto", VPCConfig: deployVPC{"vpc-a", []string{"vsw-a"}, "sg-a"},
		EnvironmentVariables: map[string]string{"A": "b"}, Triggers: []deployTrigger{{"http", "http", deployTriggerConfig{"anonymous", []string{"POST"}}}}}}
	text, err := json.Marshal(map[string]any{"edition": "3.0.0", "name": "n", "access": "a", "resources": map[string]any{"callback": good}})
	if err != nil {
		t.Fatal(err)
	}
	if f, err := parseDeployment(text); err != nil || f.faults() != nil {
		t.Fatalf("%v %v", err, f.faults())
	}
	for _, typo := range [][2]string{
		{`"timeout":`, `"timeOut":`}, {`"timeout":10`, `"timeout":"10"`}, {`"timeout":10`, `"timeout":1`}, {`"authType":`, `"auth":`},
		{`"methods":`, `"method":`}, {`"POST"`, `"POST","GET"`}, {`anonymous`, `function`}, {`"memorySize":512`, `"memorySize":500`}, {`0.35`, `2`}, {`0.35`, `0.1`},
		{`"role":"r"`, `"role":""`}, {`"role":`, `"roles":`}, {`"vsw-a"`, `""`}, {`["vsw-a"]`, `"vsw-a"`}, {`"A":"b"`, `"A":1`}, {`"diskSize":512`, `"diskSize":100`},
		{`"triggerType":"http"`, `"triggerType":"timer"`}, {`cn-hangzhou`, `Hangzhou`}, {`3.0.0`, `2.0.0`}, {`"fc3"`, `"fc"`}, {`"callback":`, `"other":`},
		{`"handler":"main"`, `"handler":""`}, {`"logConfig":"auto"`, `"logConfig":"none"`},
	} {
		changed := bytes.Replace(text, []byte(typo[0]), []byte(typo[1]), 1)
		if bytes.Equal(changed, text) {
			t.Fatalf("no %s", typo[0])
		}
		if f, err := parseDeployment(changed); err == nil && f.faults() == nil {
			t.Errorf("%s for %s is not found", typo[1], typo[0])
		}
	}
}

// TestDeploymentNamesAgree: every variable that s.yaml reads is in .env.example. The other way round, and the registry's publish.yaml, are
// ties that packaging checks.
func TestDeploymentNamesAgree(t *testing.T) {
	known := exampleNames(t, "..")
	for _, file := range []string{"../s.yaml", "../deploy/s.web.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`env\('([A-Z_]+)'`).FindAllSubmatch(text, -1) {
			if !slices.Contains(known, string(m[1])) {
				t.Errorf("%s reads %s, which .env.example does not hold", file, m[1])
			}
		}
	}
}

func exampleNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	if len(names) < 9 {
		t.Fatalf("only %q", names)
	}
	return names
}
