package check

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// documented are the commands that an operator is told to run: in blocks, in text, and in the comments of manifests.
func documented(t *testing.T) (all [][]string) {
	t.Helper()
	add := func(where, text string) {
		file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), where)
		if err != nil {
			t.Errorf("%s: %v in %s", where, err, text)
			return
		}
		syntax.Walk(file, func(n syntax.Node) bool {
			call, ok := n.(*syntax.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			words, err := expand.Fields(nil, call.Args...)
			if err != nil {
				t.Errorf("%s: %v in %s", where, err, text)
				return true
			}
			if words[0] == "sudo" {
				words = words[1:]
			}
			all = append(all, words)
			return true
		})
	}
	for _, document := range documents {
		text := read(t, "../"+document)
		for _, m := range block.FindAllStringSubmatch(text, -1) {
			add(document, dedent(m[1]))
		}
		for _, m := range regexp.MustCompile("`((?:kubectl|docker|sudo|systemctl) [^`\n]+)`").FindAllStringSubmatch(text, -1) {
			add(document, m[1])
		}
	}
	paths, err := filepath.Glob("../*/kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, "../worker/kubernetes.yaml") {
		for _, m := range regexp.MustCompile(`(?m)^#.*?(kubectl .*)$`).FindAllStringSubmatch(read(t, path), -1) {
			add(path, m[1])
		}
	}
	return all
}

// TestCommandsNameWhatExists: an operator in trouble copies them.
func TestCommandsNameWhatExists(t *testing.T) {
	all := manifests(t, secured(t))
	seen := map[string]int{}
	for _, words := range documented(t) {
		why := ""
		switch words[0] {
		case "kubectl":
			why = kubectl(t, all, words[1:])
		case "docker":
			why = docker(words[1:])
		case "systemctl":
			why = systemctl(t, words[1:])
		default:
			continue
		}
		seen[words[0]]++
		if why != "" {
			t.Errorf("%q: %s", words, why)
		}
	}
	if seen["kubectl"] < 10 || seen["docker"] < 8 || seen["systemctl"] < 4 {
		t.Errorf("found only %v", seen)
	}
}

// kubectl says what is wrong with a command.
func kubectl(t *testing.T, all map[string]runtime.Object, words []string) string {
	t.Helper()
	if words[0] == "apply" {
		if len(words) != 3 || words[1] != "-f" {
			return "not apply -f"
		}
		exists(t, "kubectl apply", filepath.Join(root, words[2]))
		return ""
	}
	if fmt.Sprint(words) == "[delete node NAME]" {
		return ""
	}
	if words[0] != "-n" || words[1] != namespace {
		return "not in the namespace"
	}
	words = slices.DeleteFunc(words[2:], func(w string) bool { return w == "--wait=false" })
	named := func(kind, name string) string {
		for at := range all {
			if strings.EqualFold(at, kind+"/"+name) {
				return ""
			}
		}
		return "there is no " + kind + " " + name
	}
	pod := func(name string) string {
		set, ordinal, _ := cutLast(name, "-")
		for i := range *find[*appsv1.StatefulSet](t, all, "StatefulSet/"+set).Spec.Replicas {
			if fmt.Sprint(i) == ordinal {
				return ""
			}
		}
		return "there is no pod " + name
	}
	switch what := strings.Join(words[:2], " "); {
	case what == "rollout status", words[0] == "port-forward":
		kind, name, _ := strings.Cut(words[len(words)-1], "/")
		if words[0] == "port-forward" {
			kind, name, _ = strings.Cut(words[1], "/")
		}
		return named(kind, name)
	case what == "get service" && words[2] == "-l":
		for _, o := range all {
			if s, ok := o.(interface{ GetLabels() map[string]string }); ok {
				for k, v := range s.GetLabels() {
					if k+"="+v == words[3] {
						return ""
					}
				}
			}
		}
		return "nothing has the label " + words[3]
	case what == "delete pod":
		return pod(words[2])
	case what == "delete pvc":
		for _, o := range all {
			set, ok := o.(*appsv1.StatefulSet)
			if !ok {
				continue
			}
			for _, claim := range set.Spec.VolumeClaimTemplates {
				if name, ok := strings.CutPrefix(words[2], claim.Name+"-"); ok && strings.HasPrefix(name, set.Name+"-") {
					return pod(name)
				}
			}
		}
		return "there is no claim " + words[2]
	case words[0] == "create":
		kind, name := words[1], words[2]
		if kind == "secret" {
			name = words[3]
		}
		return used(t, all, kind, name)
	}
	return "unknown: teach this test"
}

// used says whether pods ask for a secret or configmap of that name.
func used(t *testing.T, all map[string]runtime.Object, kind, name string) string {
	t.Helper()
	for _, pod := range templates(t, all) {
		for _, v := range pod.Spec.Volumes {
			if kind == "secret" && v.Secret != nil && v.Secret.SecretName == name || kind == "configmap" && v.ConfigMap != nil && v.ConfigMap.Name == name {
				return ""
			}
		}
		for _, e := range pod.Spec.Containers[0].EnvFrom {
			if kind == "secret" && e.SecretRef != nil && e.SecretRef.Name == name {
				return ""
			}
		}
	}
	return "no pod uses the " + kind + " " + name
}

// docker takes only what deletes nothing.
func docker(words []string) string {
	if words[0] == "compose" {
		words = words[1:]
		if len(words) > 1 && words[0] == "-f" {
			words = words[2:]
		}
		if words[0] != "up" && words[0] != "create" {
			return "may delete a volume with jobs"
		}
		for _, flag := range words[1:] {
			if !slices.Contains([]string{"-d", "--build", "--remove-orphans"}, flag) {
				return flag + " may delete a volume with jobs"
			}
		}
		return ""
	}
	if !slices.Equal(words, []string{"volume", "ls", "-q", "--filter", "name=nsq"}) {
		return "unknown: teach this test"
	}
	return ""
}

func systemctl(t *testing.T, words []string) string {
	t.Helper()
	for _, w := range words[1:] {
		if !strings.HasPrefix(w, "-") && !slices.ContainsFunc(units, func(s service) bool { return filepath.Base(s.path) == w+".service" }) {
			return "there is no unit " + w
		}
	}
	return ""
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// What is restored is where nsqd looks for it, and nsqd's; the move from one to three keeps the volume and removes the old nsqadmin.
func TestRunbookKeepsJobs(t *testing.T) {
	runbook := read(t, "../nsq/README.md")
	o := units[0].options(t, shipped)
	folder, user := "/var/lib/"+o["Service.StateDirectory"][0], o["Service.User"][0]
	p, err := project(t, shipped, "nsq/one/compose.yaml", composeFiles["nsq/one/compose.yaml"])
	if err != nil {
		t.Fatal(err)
	}
	volume := p.Volumes[p.Services["nsqd"].Volumes[0].Source].Name
	for _, want := range []string{
		"sudo install -d -m " + o["Service.StateDirectoryMode"][0] + " " + folder + "\n",
		"sudo cp -a /mnt" + folder + "/. " + folder + "/\nsudo chown -R " + user + ":" + user + " " + folder + "\n",
		"sudo cp -a /mnt/var/lib/docker/volumes/" + volume + "/_data/. /var/lib/docker/volumes/" + volume + "/_data/\n",
		"docker compose -f nsqd.yaml up -d --remove-orphans\n",
		"The last line must print\n   `" + volume + "` and no second one. Never `down -v`",
		"mounted before the first start at `" + folder + "`",
		`mountpoint="` + folder + `"`,
		`persistentvolumeclaim=~"data-nsqd-.*"`,
		"| **the disk fills: page somebody**",
	} {
		if !strings.Contains(runbook, want) {
			t.Errorf("the runbook lacks %q", want)
		}
	}
}
