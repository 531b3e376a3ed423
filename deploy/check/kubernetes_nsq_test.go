package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestKubernetesNSQ(t *testing.T) {
	all := manifests(t, shipped)
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
	if !slices.Contains(admin, "--http-address=127.0.0.1:4171") { // which port-forward reaches, and nobody else
		t.Errorf("nsqadmin: %q", admin)
	}
	for _, s := range []string{"nsqd", "nsqlookupd", "worker"} {
		budget := find[*policyv1.PodDisruptionBudget](t, all, "PodDisruptionBudget/"+s)
		if budget.Spec.MaxUnavailable.IntValue() != 1 || !selects(t, budget.Spec.Selector, templates(t, all)[s].Labels) {
			t.Errorf("%s: disruption budget %+v", s, budget.Spec)
		}
	}
}

// What would lose jobs, or leave nsqd unfound, without anybody noticing on the first day.
func TestKubernetesNSQDKeepsItsJobs(t *testing.T) {
	all := manifests(t, shipped)
	set := find[*appsv1.StatefulSet](t, all, "StatefulSet/nsqd").Spec
	pod := set.Template.Spec
	if pod.SecurityContext.FSGroup == nil || *pod.SecurityContext.FSGroup != *pod.SecurityContext.RunAsGroup {
		t.Error("fsGroup: nsqd cannot write to its volume")
	}
	if pod.TerminationGracePeriodSeconds == nil || *pod.TerminationGracePeriodSeconds < 60 {
		t.Error("terminationGracePeriodSeconds: killed before all is on its disk")
	}
	if set.PodManagementPolicy != appsv1.ParallelPodManagement {
		t.Error("podManagementPolicy: an nsqd that does not start keeps the others down")
	}
	if r := set.PersistentVolumeClaimRetentionPolicy; r != nil &&
		(r.WhenDeleted != appsv1.RetainPersistentVolumeClaimRetentionPolicyType || r.WhenScaled != appsv1.RetainPersistentVolumeClaimRetentionPolicyType) {
		t.Errorf("volumes with jobs are deleted: %+v", r)
	}
	claim := set.VolumeClaimTemplates[0].Spec
	if least := resource.MustParse("20Gi"); !slices.Equal(claim.AccessModes, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}) ||
		claim.Resources.Requests.Storage().Cmp(least) < 0 {
		t.Errorf("claim %v %v: a cloud disk is 20Gi at least, and of one pod", claim.AccessModes, claim.Resources.Requests.Storage())
	}
	c := pod.Containers[0]
	for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe} {
		if probe == nil || probe.TCPSocket == nil {
			t.Errorf("%+v: with /ping a full disk takes nsqd away from those who would empty it", probe)
		}
	}
	for _, name := range []string{"nsqd", "nsqlookupd"} {
		if !find[*corev1.Service](t, all, "Service/"+name).Spec.PublishNotReadyAddresses {
			t.Errorf("%s: its name is unknown until it is ready", name)
		}
	}
}

// Every nsqd pod has its own address in the VPC, and none of them is public.
func TestKubernetesAddressesInTheVPC(t *testing.T) {
	all := manifests(t, shipped)
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
		if s.Spec.Ports[0].TargetPort.StrVal != "tcp" || s.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal {
			t.Errorf("%s: to port %s, %q hides the caller from networkpolicy.yaml", name, s.Spec.Ports[0].TargetPort.StrVal, s.Spec.ExternalTrafficPolicy)
		}
	}
}

// TestNetworkPolicies: whoever has a port has a policy that opens it, and no other.
func TestNetworkPolicies(t *testing.T) {
	all := manifests(t, shipped)
	closed := find[*networkingv1.NetworkPolicy](t, all, "NetworkPolicy/closed")
	if len(closed.Spec.Ingress) > 0 || len(closed.Spec.PodSelector.MatchLabels) > 0 || !ingressOnly(closed) {
		t.Errorf("closed: %+v", closed.Spec)
	}
	pods := templates(t, all)
	for name, pod := range pods {
		want := map[int]bool{}
		for _, p := range pod.Spec.Containers[0].Ports {
			want[int(p.ContainerPort)] = true
		}
		got := map[int]bool{}
		if policy, ok := all["NetworkPolicy/"+name].(*networkingv1.NetworkPolicy); ok {
			if !selects(t, &policy.Spec.PodSelector, pod.Labels) || !ingressOnly(policy) {
				t.Errorf("%s: the policy is for others", name)
			}
			for _, rule := range policy.Spec.Ingress {
				if len(rule.From) == 0 || len(rule.Ports) == 0 {
					t.Errorf("%s: open to all, or on all ports", name)
				}
				for _, peer := range rule.From {
					if why := tooWide(peer); why != "" {
						t.Errorf("%s: lets in %s", name, why)
					}
					if peer.PodSelector != nil && !selectsAny(t, peer.PodSelector, pods) {
						t.Errorf("%s: lets in nobody with %v", name, peer.PodSelector)
					}
				}
				for _, p := range rule.Ports {
					if p.EndPort != nil || p.Protocol != nil {
						t.Errorf("%s: opens %+v", name, p)
					}
					got[p.Port.IntValue()] = true
				}
			}
		}
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Errorf("%s: listens on %v, the policy opens %v", name, want, got)
		}
	}
}

func ingressOnly(p *networkingv1.NetworkPolicy) bool {
	return slices.Equal(p.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress})
}

func selectsAny(t *testing.T, s *metav1.LabelSelector, pods map[string]corev1.PodTemplateSpec) bool {
	t.Helper()
	for _, pod := range pods {
		if selects(t, s, pod.Labels) {
			return true
		}
	}
	return false
}

// tooWide is what is wrong with a peer that is more than one kind of pod, one namespace, or one part of a private network.
func tooWide(p networkingv1.NetworkPolicyPeer) string {
	for _, s := range []*metav1.LabelSelector{p.PodSelector, p.NamespaceSelector} {
		if s != nil && len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 {
			return "whatever an empty selector finds"
		}
	}
	if p.IPBlock == nil || p.IPBlock.CIDR == "100.64.0.0/10" { // the second: Alibaba Cloud's own, for health checks of load balancers
		return ""
	}
	block, err := netip.ParsePrefix(p.IPBlock.CIDR)
	if err != nil || !block.Addr().IsPrivate() || block.Bits() < 16 {
		return p.IPBlock.CIDR
	}
	return ""
}
