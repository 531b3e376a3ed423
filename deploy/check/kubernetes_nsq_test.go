package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
)

func TestKubernetesNSQ(t *testing.T) {
	all := manifests(t)
	nsqd := find[*appsv1.StatefulSet](t, all, "StatefulSet/nsqd")
	headless := find[*corev1.Service](t, all, "Service/nsqd")
	if nsqd.Spec.ServiceName != headless.Name || headless.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Error("nsqd's pods have no names")
	}
	command := nsqd.Spec.Template.Spec.Containers[0].Command
	if want := "--broadcast-address=$(POD_NAME).nsqd." + namespace + ".svc"; !slices.Contains(command, want) {
		t.Errorf("nsqd: no %s in %q", want, command)
	}
	claim := nsqd.Spec.VolumeClaimTemplates[0]
	mount := nsqd.Spec.Template.Spec.Containers[0].VolumeMounts[0]
	if mount.Name != claim.Name || !slices.Contains(command, "--data-path="+mount.MountPath) {
		t.Errorf("nsqd: mount %+v, claim %s", mount, claim.Name)
	}
	if len(nsqd.Spec.Template.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) != 1 {
		t.Error("two nsqd may share a machine")
	}

	lookupd := find[*appsv1.StatefulSet](t, all, "StatefulSet/nsqlookupd")
	admin := find[*appsv1.Deployment](t, all, "Deployment/nsqadmin").Spec.Template.Spec.Containers[0].Command
	for i := range *lookupd.Spec.Replicas {
		address := fmt.Sprintf("nsqlookupd-%d.%s.%s.svc", i, lookupd.Spec.ServiceName, namespace)
		if !slices.Contains(command, "--lookupd-tcp-address="+address+":4160") {
			t.Errorf("nsqd does not know %s", address)
		}
		if !slices.Contains(admin, "--lookupd-http-address="+address+":4161") {
			t.Errorf("nsqadmin does not know %s", address)
		}
		if !strings.Contains(workerValue(t, all, "NSQLOOKUPD_ADDRS"), address+":4161") {
			t.Errorf("the worker does not know %s", address)
		}
	}
	for _, s := range []string{"nsqd", "nsqlookupd", "worker"} {
		budget := find[*policyv1.PodDisruptionBudget](t, all, "PodDisruptionBudget/"+s)
		if budget.Spec.MaxUnavailable.IntValue() != 1 || !selects(t, budget.Spec.Selector, templates(t, all)[s].Labels) {
			t.Errorf("%s: disruption budget %+v", s, budget.Spec)
		}
	}
}

// Every nsqd pod has its own address in the VPC, and none of them is public.
func TestKubernetesAddressesInTheVPC(t *testing.T) {
	all := manifests(t)
	replicas := *find[*appsv1.StatefulSet](t, all, "StatefulSet/nsqd").Spec.Replicas
	for i := range replicas {
		s := find[*corev1.Service](t, all, fmt.Sprintf("Service/nsqd-%d-vpc", i))
		if pod := s.Spec.Selector[appsv1.StatefulSetPodNameLabel]; pod != fmt.Sprintf("nsqd-%d", i) {
			t.Errorf("%s: selects %q", s.Name, pod)
		}
	}
	for name, o := range all {
		s, ok := o.(*corev1.Service)
		if !ok || s.Spec.Type == "" {
			continue
		}
		if s.Spec.Type != corev1.ServiceTypeLoadBalancer ||
			s.Annotations["service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type"] != "intranet" {
			t.Errorf("%s: %s, perhaps public", name, s.Spec.Type)
		}
		if len(s.Spec.Ports) != 1 || s.Spec.Ports[0].Port != 4150 {
			t.Errorf("%s: ports %+v", name, s.Spec.Ports)
		}
	}
}

// TestNetworkPolicies: whoever has a port has a policy that opens it, and no other.
func TestNetworkPolicies(t *testing.T) {
	all := manifests(t)
	closed := find[*networkingv1.NetworkPolicy](t, all, "NetworkPolicy/closed")
	if len(closed.Spec.Ingress) > 0 || len(closed.Spec.PodSelector.MatchLabels) > 0 {
		t.Errorf("closed: %+v", closed.Spec)
	}
	for name, pod := range templates(t, all) {
		want := map[int]bool{}
		for _, p := range pod.Spec.Containers[0].Ports {
			want[int(p.ContainerPort)] = true
		}
		got := map[int]bool{}
		if policy, ok := all["NetworkPolicy/"+name].(*networkingv1.NetworkPolicy); ok {
			if !selects(t, &policy.Spec.PodSelector, pod.Labels) {
				t.Errorf("%s: the policy is for others", name)
			}
			for _, rule := range policy.Spec.Ingress {
				if len(rule.From) == 0 {
					t.Errorf("%s: open to all", name)
				}
				for _, p := range rule.Ports {
					got[p.Port.IntValue()] = true
				}
			}
		}
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Errorf("%s: listens on %v, the policy opens %v", name, want, got)
		}
	}
}
