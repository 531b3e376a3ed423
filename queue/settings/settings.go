// Package settings reads from the environment what the function and the worker share, and names the variable that is wrong.
package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Log says what to log.
type Log struct {
	Level slog.Level `env:"LOG_LEVEL" envDefault:"info"`
}

// OSS says which buckets are ours and how to reach them.
type OSS struct {
	Endpoint        string   `env:"OSS_ENDPOINT,notEmpty"`
	Region          string   `env:"OSS_REGION"` // after Check: as signatures want it, such as cn-hangzhou
	FCRegion        string   `env:"FC_REGION"`
	Buckets         []string `env:"ALLOWED_BUCKETS,notEmpty"`
	AccessKeyID     string   `env:"ALIBABA_CLOUD_ACCESS_KEY_ID"`
	AccessKeySecret string   `env:"ALIBABA_CLOUD_ACCESS_KEY_SECRET"`
	SecurityToken   string   `env:"ALIBABA_CLOUD_SECURITY_TOKEN"`
}

// NSQ says how to talk to nsqd.
type NSQ struct {
	Addrs      []string `env:"NSQD_ADDRS"`
	Topic      string   `env:"NSQ_TOPIC" envDefault:"oss_upload"`
	TLS        bool     `env:"NSQ_TLS" envDefault:"false"`
	AuthSecret string   `env:"NSQ_AUTH_SECRET"`
}

// Parse reads the environment into T, a struct tagged for github.com/caarlos0/env whose nested structs are embedded. An empty
// variable counts as unset. Errors name the variable, all bad ones at once; T is filled as far as it went.
func Parse[T any]() (T, error) {
	t, err := env.ParseAs[T]()
	var all env.AggregateError
	if !errors.As(err, &all) {
		return t, err
	}
	names := variables(reflect.TypeFor[T]())
	var faults []error
	for _, fault := range all.Errors {
		var parse env.ParseError
		var empty env.EmptyVarError
		switch {
		case errors.As(fault, &parse):
			fault = fmt.Errorf("%s: %w", names[parse.Name], parse.Err)
		case errors.As(fault, &empty):
			fault = fmt.Errorf("%s is missing", empty.Key)
		}
		faults = append(faults, fault)
	}
	return t, errors.Join(faults...)
}

// variables maps the fields of a struct to their variables.
func variables(t reflect.Type) map[string]string {
	names := map[string]string{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("env"), ","); name != "" {
			names[f.Name] = name
		}
	}
	return names
}

// Lengths are checked apart: counted repeats in a pattern take longer to compile than the rest of a cold start's reading of settings.
var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*[a-z0-9]$`) // 3 to 63 characters
	regionName = regexp.MustCompile(`^[a-z0-9-]+$`)                 // up to 64
	ossHost    = regexp.MustCompile(`^oss-([a-z]{2}-[a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com$`)
)

// Check trims the values, fills in the region from FC_REGION or from the endpoint's name, and names what is wrong.
func (o *OSS) Check() error {
	var faults []error
	trim(o.Buckets)
	for _, name := range o.Buckets {
		if len(name) < 3 || len(name) > 63 || !bucketName.MatchString(name) {
			faults = append(faults, fmt.Errorf("ALLOWED_BUCKETS: %q is no bucket name", name))
		}
	}
	if o.Endpoint == "" {
		return errors.Join(faults...) // Parse has said so
	}
	if !strings.Contains(o.Endpoint, "://") {
		o.Endpoint = "https://" + o.Endpoint
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.Hostname() == "" || u.User != nil ||
		strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return errors.Join(append(faults, errors.New("OSS_ENDPOINT: no endpoint such as https://oss-cn-hangzhou-internal.aliyuncs.com"))...)
	}
	if o.Region == "" {
		o.Region = o.FCRegion
	}
	if m := ossHost.FindStringSubmatch(u.Hostname()); o.Region == "" && m != nil {
		o.Region = m[1]
	}
	o.Region = strings.TrimPrefix(o.Region, "oss-") // as the console shows it
	switch {
	case o.Region == "":
		faults = append(faults, errors.New("OSS_REGION is missing: OSS_ENDPOINT does not tell it; it is such as cn-hangzhou"))
	case len(o.Region) > 64 || !regionName.MatchString(o.Region):
		faults = append(faults, fmt.Errorf("OSS_REGION: %.64q is no region such as cn-hangzhou", o.Region))
	}
	return errors.Join(faults...)
}

// CheckAddrs trims host:port addresses and names the variable if one is wrong.
func CheckAddrs(variable string, addrs []string) error {
	trim(addrs)
	var faults []error
	for _, addr := range addrs {
		host, port, err := net.SplitHostPort(addr)
		if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || host == "" {
			faults = append(faults, fmt.Errorf("%s: %q is not host:port", variable, addr))
		}
	}
	return errors.Join(faults...)
}

func trim(list []string) {
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
}
