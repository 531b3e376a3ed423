package check

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// commented are lines that an operator is told to uncomment.
var commented = map[string]*regexp.Regexp{
	".yaml": regexp.MustCompile(`(?m)^( *)# ((?:  )*(?:---$|- (?:--|/|\{|[a-zA-Z]+:)|[a-zA-Z]+:(?: |$)).*)$`),
	".env":  regexp.MustCompile(`(?m)^()#([A-Z_]+=.*)$`),
}

// secured is a copy of the files with all of those lines in force: TLS and auth.
func secured(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, part := range []string{"nsq", "worker"} {
		if err := filepath.WalkDir(filepath.Join(shipped, part), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !slices.Contains([]string{".yaml", ".env", ".service"}, filepath.Ext(path)) || entry.Name() == ".env" {
				return err
			}
			relative, err := filepath.Rel(shipped, path)
			if err != nil {
				return err
			}
			to := filepath.Join(dir, relative)
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				return err
			}
			text := read(t, path)
			if lines := commented[filepath.Ext(path)]; lines != nil {
				text = lines.ReplaceAllString(text, "$1$2")
			}
			return os.WriteFile(to, []byte(text), 0o600)
		}); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tlsAndAuth are the flags that nsqd must have then.
var tlsAndAuth = map[string]*regexp.Regexp{
	"--tls-cert":          regexp.MustCompile(`^/etc/nsq/tls\.crt$`),
	"--tls-key":           regexp.MustCompile(`^/etc/nsq/tls\.key$`),
	"--tls-required":      regexp.MustCompile(`^tcp-https$`), // any other refuses health checks and nsqadmin over HTTP
	"--auth-http-address": regexp.MustCompile(`^(?:127\.0\.0\.1|10\.0\.0\.11|nsq-auth\.oss-callback\.svc):4181$`),
}

func TestEveryNSQDHasTLSAndAuth(t *testing.T) {
	seen := 0
	for where, line := range commandLines(t, secured(t)) {
		if filepath.Base(line[0]) != "nsqd" {
			continue
		}
		seen++
		for name, value := range tlsAndAuth {
			if got := flagValues(line, name); len(got) != 1 || !value.MatchString(got[0]) {
				t.Errorf("%s: %s is %q", where, name, got)
			}
		}
		// The secret is in the clear there: it stays on the machine, or in the cluster.
		if own := strings.HasSuffix(where, ".env"); own != slices.Contains(line, "--auth-http-address=127.0.0.1:4181") {
			t.Errorf("%s: %q", where, flagValues(line, "--auth-http-address"))
		}
	}
	if seen != 5 {
		t.Errorf("%d nsqd", seen)
	}
	for where, line := range commandLines(t, shipped) {
		for name := range tlsAndAuth {
			if got := flagValues(line, name); len(got) > 0 {
				t.Errorf("%s: %s is %q without being asked for", where, name, got)
			}
		}
	}
}

func flagValues(line []string, name string) (values []string) {
	for _, word := range line {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			values = append(values, value)
		}
	}
	return values
}

// The certificate is where nsqd looks for it, and its CA where the worker does.
func TestSecuredMounts(t *testing.T) {
	dir := secured(t)
	for name, s := range composeServices(t, dir) {
		if !strings.HasSuffix(name, " nsqd") && !strings.HasSuffix(name, " worker") {
			continue
		}
		found := false
		for _, v := range s.Volumes {
			found = found || v.ReadOnly && v.Source == v.Target && (v.Target == "/etc/nsq" || v.Target == "/etc/nsq/ca.crt")
		}
		if !found {
			t.Errorf("%s: no certificate in %+v", name, s.Volumes)
		}
	}
	const ca = "/etc/nsq/ca.crt"
	if got := environment(t, dir, "worker/worker.env")["SSL_CERT_FILE"]; got != ca {
		t.Errorf("worker.env: SSL_CERT_FILE=%s", got)
	}

	all := manifests(t, dir)
	mounted := func(pod corev1.PodSpec) corev1.VolumeSource {
		t.Helper()
		for _, m := range pod.Containers[0].VolumeMounts {
			for _, v := range pod.Volumes {
				if m.MountPath == "/etc/nsq" && m.ReadOnly && m.Name == v.Name {
					return v.VolumeSource
				}
			}
		}
		t.Errorf("nothing is mounted on /etc/nsq: %+v", pod.Volumes)
		return corev1.VolumeSource{}
	}
	// nsqd is no root there: its group, fsGroup, reads the key.
	if s := mounted(find[*appsv1.StatefulSet](t, all, "StatefulSet/nsqd").Spec.Template.Spec).Secret; s == nil || s.SecretName != "nsqd-tls" ||
		s.DefaultMode == nil || *s.DefaultMode != 0o440 {
		t.Errorf("nsqd: %+v", s)
	}
	worker := find[*appsv1.Deployment](t, all, "Deployment/worker").Spec.Template.Spec
	if m := mounted(worker).ConfigMap; m == nil || m.Name != "nsqd-ca" {
		t.Errorf("worker: %+v", m)
	}
	if got := workerValue(t, all, "SSL_CERT_FILE"); got != ca {
		t.Errorf("worker: SSL_CERT_FILE is %s", got)
	}
	find[*networkingv1.NetworkPolicy](t, all, "NetworkPolicy/nsq-auth")
}
