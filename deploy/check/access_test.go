package check

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestWhoMayReachWhat: less is an outage, such as a function that cannot reach nsqd, and more is a hole.
func TestWhoMayReachWhat(t *testing.T) {
	want := map[string][]string{
		"nsqd:4150":       {"the function", "worker"},
		"nsqd:4151":       {"nsqadmin"},
		"nsqlookupd:4160": {"nsqd"},
		"nsqlookupd:4161": {"nsqadmin", "worker"},
		"worker:9100":     {"another namespace"},
	}
	if got := access(t, manifests(t, shipped)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	runbook := read(t, "../nsq/README.md")
	secured := access(t, manifests(t, secured(t)))
	want["nsqd:4150"] = []string{"health checks", "the function", "worker"}
	want["nsq-auth:4181"] = []string{"nsqd"}
	if !reflect.DeepEqual(secured, want) {
		t.Errorf("with the lines that are commented out: got  %v\nwant %v", secured, want)
	}
	for place := range maps.Keys(want) {
		if _, port, _ := strings.Cut(place, ":"); !strings.Contains(runbook, "\n| "+port+" | ") {
			t.Errorf("the runbook's list of ports lacks %s", port)
		}
	}
}

// access is who may reach each port that a policy opens. A policy has the name of the pods that it is for.
func access(t *testing.T, all map[string]runtime.Object) map[string][]string {
	t.Helper()
	pods := templates(t, all)
	found := map[string][]string{}
	for _, o := range all {
		policy, ok := o.(*networkingv1.NetworkPolicy)
		if !ok {
			continue
		}
		if app := policy.Spec.PodSelector.MatchLabels["app"]; policy.Name != "closed" && app != policy.Name {
			t.Errorf("%s: is for %q", policy.Name, app)
		}
		for _, rule := range policy.Spec.Ingress {
			for _, port := range rule.Ports {
				place := fmt.Sprintf("%s:%s", policy.Name, port.Port)
				for _, peer := range rule.From {
					found[place] = append(found[place], who(t, peer, pods)...)
				}
				slices.Sort(found[place])
			}
		}
	}
	return found
}

func who(t *testing.T, peer networkingv1.NetworkPolicyPeer, pods map[string]corev1.PodTemplateSpec) (names []string) {
	t.Helper()
	if why := tooWide(peer); why != "" {
		return []string{why}
	}
	switch {
	case peer.IPBlock != nil && peer.IPBlock.CIDR == "100.64.0.0/10":
		return []string{"health checks"}
	case peer.IPBlock != nil:
		return []string{"the function"}
	case peer.NamespaceSelector != nil:
		return []string{"another namespace"}
	}
	for name, pod := range pods {
		if selects(t, peer.PodSelector, pod.Labels) {
			names = append(names, name)
		}
	}
	return names
}

// TestPortsAreThePrograms: names of ports stand for the numbers that the programs listen on, in pods and in Services.
func TestPortsAreThePrograms(t *testing.T) {
	all := manifests(t, shipped)
	want := map[string]map[string]int32{
		"nsqd": {"tcp": 4150, "http": 4151}, "nsqlookupd": {"tcp": 4160, "http": 4161}, "worker": {"metrics": 9100}, "nsqadmin": {},
	}
	for name, pod := range templates(t, all) {
		got := map[string]int32{}
		for _, p := range pod.Spec.Containers[0].Ports {
			got[p.Name] = p.ContainerPort
		}
		if !maps.Equal(got, want[name]) {
			t.Errorf("%s: %v, want %v", name, got, want[name])
		}
	}
	for name, o := range all {
		s, ok := o.(*corev1.Service)
		if !ok {
			continue
		}
		for _, p := range s.Spec.Ports {
			program, _, _ := strings.Cut(s.Name, "-")
			if p.Port != want[program][p.Name] || p.TargetPort.IntVal != 0 && p.TargetPort.IntVal != p.Port ||
				p.TargetPort.StrVal != "" && p.TargetPort.StrVal != p.Name {
				t.Errorf("%s: %d (%s) leads to %s", name, p.Port, p.Name, p.TargetPort.String())
			}
		}
		if app := s.Spec.Selector["app"]; s.Spec.Type == "" && app != s.Name {
			t.Errorf("%s: its names are those of %q", name, app)
		}
	}
}
