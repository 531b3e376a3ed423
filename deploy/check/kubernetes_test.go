package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const namespace = "oss-callback"

// kubernetesKinds are the kinds in use; another one is an error until it is checked too.
func kubernetesKinds(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, policyv1.AddToScheme, networkingv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

// manifests decodes every document as the API server does when it is told to be strict: unknown and repeated fields are errors.
func manifests(t *testing.T, dir string) map[string]runtime.Object {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "nsq/kubernetes/*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	scheme := kubernetesKinds(t)
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	all := map[string]runtime.Object{}
	for _, path := range append(paths, filepath.Join(dir, "worker/kubernetes.yaml")) {
		documents := yaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(read(t, path))))
		buffer := make([]byte, 1<<20)
		for {
			n, err := documents.Read(buffer)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			document := bytes.TrimSpace(buffer[:n])
			o, kind, err := strict.Decode(document, nil, nil)
			if err != nil {
				t.Fatalf("%s: %v\n%s", path, err, document)
			}
			meta := o.(metav1.Object)
			name := fmt.Sprintf("%s/%s", kind.Kind, meta.GetName())
			if all[name] != nil {
				t.Errorf("%s: there are two", name)
			}
			if kind.Kind != "Namespace" && meta.GetNamespace() != namespace {
				t.Errorf("%s: namespace %q", name, meta.GetNamespace())
			}
			all[name] = o
		}
	}
	return all
}

func find[T runtime.Object](t *testing.T, all map[string]runtime.Object, name string) T {
	t.Helper()
	o, ok := all[name].(T)
	if !ok {
		t.Fatalf("no %s", name)
	}
	return o
}

// templates are the pods that the manifests make, by the name of what makes them.
func templates(t *testing.T, all map[string]runtime.Object) map[string]corev1.PodTemplateSpec {
	t.Helper()
	pods := map[string]corev1.PodTemplateSpec{}
	for _, o := range all {
		var selector *metav1.LabelSelector
		var pod corev1.PodTemplateSpec
		var name string
		switch o := o.(type) {
		case *appsv1.Deployment:
			name, selector, pod = o.Name, o.Spec.Selector, o.Spec.Template
		case *appsv1.StatefulSet:
			name, selector, pod = o.Name, o.Spec.Selector, o.Spec.Template
		default:
			continue
		}
		if !selects(t, selector, pod.Labels) {
			t.Errorf("%s: its selector does not find its pods", name)
		}
		pods[name] = pod
	}
	return pods
}

func selects(t *testing.T, s *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(labels.Set(set))
}

func TestPodsAreConfined(t *testing.T) {
	all := manifests(t, shipped)
	if level := find[*corev1.Namespace](t, all, "Namespace/"+namespace).Labels["pod-security.kubernetes.io/enforce"]; level != "restricted" {
		t.Errorf("the namespace takes pods that are %q", level)
	}
	for name, pod := range templates(t, all) {
		s := pod.Spec
		if s.SecurityContext == nil || !*s.SecurityContext.RunAsNonRoot || *s.SecurityContext.RunAsUser == 0 ||
			s.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || *s.AutomountServiceAccountToken || s.HostNetwork {
			t.Errorf("%s: %+v", name, s.SecurityContext)
		}
		for _, c := range s.Containers {
			x := c.SecurityContext
			if x == nil || *x.AllowPrivilegeEscalation || !*x.ReadOnlyRootFilesystem || !slices.Equal(x.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Errorf("%s: %+v", name, x)
			}
			if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
				t.Errorf("%s: resources %+v", name, c.Resources)
			}
			if name != "worker" && c.Image != nsqImage(t) {
				t.Errorf("%s: image %s, the tests run %s", name, c.Image, nsqImage(t))
			}
		}
	}
}

func TestProbesAskOpenPorts(t *testing.T) {
	for name, pod := range templates(t, manifests(t, shipped)) {
		c := pod.Spec.Containers[0]
		ports := map[string]bool{}
		for _, p := range c.Ports {
			ports[p.Name] = true
		}
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
			switch {
			case probe == nil:
			case probe.HTTPGet != nil && (!ports[probe.HTTPGet.Port.StrVal] || !slices.Contains([]string{"/ping", "/healthz"}, probe.HTTPGet.Path)):
				t.Errorf("%s: %+v", name, probe.HTTPGet)
			case probe.TCPSocket != nil && !ports[probe.TCPSocket.Port.StrVal]:
				t.Errorf("%s: %+v", name, probe.TCPSocket)
			}
		}
		if c.LivenessProbe == nil && name != "nsqadmin" { // which listens on loopback
			t.Errorf("%s: nobody asks whether it lives", name)
		}
		if c.StartupProbe == nil && (name == "nsqd" || name == "worker") { // a backlog, busy CPUs
			t.Errorf("%s: ended while it starts", name)
		}
		if c.ReadinessProbe == nil && strings.HasPrefix(name, "nsq") && name != "nsqadmin" {
			t.Errorf("%s: a rollout does not wait for it", name)
		}
	}
}

func workerValue(t *testing.T, all map[string]runtime.Object, name string) string {
	t.Helper()
	for _, e := range find[*appsv1.Deployment](t, all, "Deployment/worker").Spec.Template.Spec.Containers[0].Env {
		if e.Name == name {
			return e.Value
		}
	}
	t.Fatalf("the worker has no %s", name)
	return ""
}

func TestKubernetesWorker(t *testing.T) {
	all := manifests(t, shipped)
	pod := find[*appsv1.Deployment](t, all, "Deployment/worker").Spec.Template.Spec
	c := pod.Containers[0]
	if grace := *pod.TerminationGracePeriodSeconds; grace <= int64(workerStop(t)) {
		t.Errorf("terminationGracePeriodSeconds %d, the worker takes up to %d s", grace, workerStop(t))
	}
	if limit := c.Resources.Limits.Memory(); limit.Value() <= workerMemory(t) || limit.Cmp(*c.Resources.Requests.Memory()) != 0 {
		t.Errorf("memory %v of %v", c.Resources.Requests.Memory(), limit)
	}
	known := workerVariables(t)
	for _, e := range c.Env {
		if !known[e.Name] {
			t.Errorf("the worker has no setting %s", e.Name)
		}
	}
	if have, want := workerValue(t, all, "METRICS_ADDR"), fmt.Sprintf("0.0.0.0:%d", c.Ports[0].ContainerPort); have != want {
		t.Errorf("METRICS_ADDR is %s: probes ask %s", have, want)
	}
	if replicas := find[*appsv1.Deployment](t, all, "Deployment/worker").Spec.Replicas; replicas == nil || *replicas < 2 {
		t.Error("one worker: none while it is replaced")
	}
	if workerValue(t, all, "NSQD_ADDRS") != "" {
		t.Error("NSQD_ADDRS beside NSQLOOKUPD_ADDRS: the worker refuses to start")
	}
	if c.Image != composeServices(t, shipped)["worker/compose.yaml worker"].Image {
		t.Errorf("image %s", c.Image)
	}
}
