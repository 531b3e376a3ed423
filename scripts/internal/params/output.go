package params

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

var ossHost = regexp.MustCompile(`^(?:https?://)?oss-([a-z]{2}-[a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com/?$`)

// Region is the region in the name of one of OSS's own endpoints, "" for any other.
func Region(endpoint string) string {
	if m := ossHost.FindStringSubmatch(endpoint); m != nil {
		return m[1]
	}
	return ""
}

// Endpoint checks the address of OSS itself and gives it a scheme: https where it has none, so that no key travels in the clear by mistake.
// The bucket's own domain is refused; clients put the bucket's name before the endpoint themselves.
func Endpoint(endpoint, bucket string) (*url.URL, error) {
	if !hasScheme(endpoint) {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return nil, fmt.Errorf("%.200q is no endpoint such as https://oss-cn-hangzhou.aliyuncs.com", endpoint)
	}
	if rest, ok := strings.CutPrefix(u.Host, bucket+"."); ok {
		return nil, fmt.Errorf("%s is the bucket's own domain: give the endpoint, %s://%s", u.Host, u.Scheme, rest)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// PostURL is where a form for bucket goes: https://<bucket>.<endpoint>/, or, where the endpoint is an IP address, with the bucket as path.
// endpoint is as for Endpoint.
func PostURL(endpoint, bucket string) (string, error) {
	u, err := Endpoint(endpoint, bucket)
	if err != nil {
		return "", err
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return u.Scheme + "://" + u.Host + "/" + bucket + "/", nil
	}
	return u.Scheme + "://" + bucket + "." + u.Host + "/", nil
}

// Curl is a command for a POSIX shell that posts the form to postURL, with the file photo.jpg of the current folder.
func (f Form) Curl(postURL string) string {
	var b strings.Builder
	b.WriteString("curl -i \\\n")
	for _, field := range f.Fields { // --form would take what follows "@" or "<" for a file, and ";" for the end
		b.WriteString("  --form-string " + Quote(field.Name+"="+field.Value) + " \\\n")
	}
	b.WriteString("  --form file=@photo.jpg \\\n  " + Quote(postURL) + "\n")
	return b.String()
}

// Quote makes s one word of a POSIX shell, whatever is in it but NUL, which no argument can hold.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
