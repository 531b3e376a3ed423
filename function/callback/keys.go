package callback

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

const (
	keyHost    = "gosspublic.alicdn.com"
	embeddedV1 = "/callback_pub_key_v1.pem"

	// refreshEvery is how often a key that did not fit may be fetched again, in case OSS changed it.
	refreshEvery = 10 * time.Minute
	// failureMemory is how long a key that could not be fetched is not asked for again.
	failureMemory = 15 * time.Second
)

// keyName is a file at the top of the key host, its name maxKeyName bytes long at most; everything else on it is none of ours.
var keyName = regexp.MustCompile(`^/[A-Za-z0-9][A-Za-z0-9_.-]*\.pem$`)

const maxKeyName = 69

// embeddedHeaders are the two x-oss-pub-key-url that name the embedded key, which is all that most callbacks ever send. Taking such a
// URL apart takes a seventh of the time of checking the signature.
var embeddedHeaders = []string{
	base64.StdEncoding.EncodeToString([]byte("https://" + keyHost + embeddedV1)),
	base64.StdEncoding.EncodeToString([]byte("http://" + keyHost + embeddedV1)),
}

var errTooMany = errors.New("too many keys were asked for")

// foundKey is the key to try for a callback.
type foundKey struct {
	public  *rsa.PublicKey
	name    string // its file on the key host; empty for the configured key
	trusted bool   // the callback's key URL is OSS's own
}

// keyring holds OSS's public keys by file name. Locks are never held across a fetch.
type keyring struct {
	pinned *rsa.PublicKey // replaces all others
	fetch  *fetcher
	limit  *rate.Limiter // strangers choose file names: bounds what they make us fetch
	flight singleflight.Group
	now    func() time.Time

	mu        sync.Mutex
	keys      map[string]*rsa.PublicKey
	fresh     map[string]*rsa.PublicKey // fetched again, and not yet proved by a signature
	refreshed map[string]time.Time
	failed    map[string]time.Time
}

func newKeyring(pinned []byte, transport http.RoundTripper, now func() time.Time) (*keyring, error) {
	k := &keyring{
		fetch:     newFetcher(transport),
		limit:     rate.NewLimiter(rate.Every(5*time.Second), 4),
		now:       now,
		keys:      map[string]*rsa.PublicKey{},
		fresh:     map[string]*rsa.PublicKey{},
		refreshed: map[string]time.Time{},
		failed:    map[string]time.Time{},
	}
	if len(pinned) > 0 {
		key, err := parsePublicKey(pinned)
		k.pinned = key
		return k, err
	}
	v1, err := parsePublicKey([]byte(ossKeyV1))
	k.keys[embeddedV1] = v1
	return k, err
}

// find returns the key that the callback's header names.
func (k *keyring) find(ctx context.Context, header string) (foundKey, error) {
	if header == "" {
		return foundKey{}, fmt.Errorf("%w: no x-oss-pub-key-url header", ErrUnsigned)
	}
	name, err := trustedKeyName(header)
	if k.pinned != nil {
		return foundKey{public: k.pinned, trusted: err == nil}, nil
	}
	if err != nil {
		return foundKey{}, err
	}
	key, err := k.load(ctx, name)
	return foundKey{public: key, name: name, trusted: true}, err
}

// load returns a key that is at hand, or fetches it, once for all who wait for it. How that went is remembered even if they all
// leave.
func (k *keyring) load(ctx context.Context, name string) (*rsa.PublicKey, error) {
	if key, err := k.remembered(name); key != nil || err != nil {
		return key, err
	}
	return k.once(ctx, name, func() (*rsa.PublicKey, error) {
		if key, err := k.remembered(name); key != nil || err != nil { // another flight has just landed
			return key, err
		}
		key, err := k.download(name)
		k.mu.Lock()
		defer k.mu.Unlock()
		if err == nil {
			k.keys[name] = key
		} else if !errors.Is(err, errTooMany) {
			k.remember(name)
		}
		return key, err
	})
}

// remembered is a key that is at hand, or the news that it could not be fetched a moment ago.
func (k *keyring) remembered(name string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys[name] == nil && k.now().Sub(k.failed[name]) < failureMemory {
		return nil, fmt.Errorf("%w: %s failed a moment ago", ErrKeyUnavailable, name)
	}
	return k.keys[name], nil
}

// remember notes a failure, and forgets old ones.
func (k *keyring) remember(name string) {
	for other, at := range k.failed {
		if k.now().Sub(at) >= failureMemory {
			delete(k.failed, other)
		}
	}
	k.failed[name] = k.now()
}

// refresh returns another key for the same name, if OSS has changed it: it is fetched once in a while when the old one does not
// fit. Forged callbacks make us fetch too; so what was fetched is kept as a second key, until a signature proves it: see replace.
func (k *keyring) refresh(ctx context.Context, old foundKey) (*rsa.PublicKey, bool) {
	if old.name == "" {
		return nil, false
	}
	k.mu.Lock()
	due := k.now().Sub(k.refreshed[old.name]) >= refreshEvery
	if due {
		k.refreshed[old.name] = k.now()
	}
	fresh := k.fresh[old.name]
	k.mu.Unlock()
	if due {
		key, err := k.once(ctx, "again "+old.name, func() (*rsa.PublicKey, error) {
			key, err := k.download(old.name)
			if err == nil {
				k.mu.Lock()
				defer k.mu.Unlock()
				k.fresh[old.name] = key
			}
			return key, err
		})
		if err == nil {
			fresh = key
		}
	}
	return fresh, fresh != nil && !fresh.Equal(old.public)
}

// replace makes a refreshed key the one to try first.
func (k *keyring) replace(name string, fresh *rsa.PublicKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[name] = fresh
}

// once runs get for all who ask for the same thing at the same time. Those who leave do not end it.
func (k *keyring) once(ctx context.Context, what string, get func() (*rsa.PublicKey, error)) (*rsa.PublicKey, error) {
	result := k.flight.DoChan(what, func() (any, error) { return get() })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrKeyUnavailable, ctx.Err())
	case r := <-result:
		if r.Err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKeyUnavailable, r.Err)
		}
		return r.Val.(*rsa.PublicKey), nil
	}
}

func (k *keyring) download(name string) (*rsa.PublicKey, error) {
	if !k.limit.AllowN(k.now(), 1) {
		return nil, errTooMany
	}
	file, err := k.fetch.get(name)
	if err != nil {
		return nil, err
	}
	return parsePublicKey(file)
}

// trustedKeyName is the file that x-oss-pub-key-url names, if the URL is one of OSS's: the scheme http or https, the host exactly
// OSS's, nothing else in it but a .pem file.
func trustedKeyName(header string) (string, error) {
	if slices.Contains(embeddedHeaders, header) {
		return embeddedV1, nil
	}
	raw, err := canonical.DecodeString(header)
	if err != nil {
		return "", fmt.Errorf("%w: not base64", ErrUntrustedKeyURL)
	}
	u, err := url.Parse(string(raw))
	if err != nil {
		return "", fmt.Errorf("%w: no URL", ErrUntrustedKeyURL)
	}
	clean := (&url.URL{Scheme: u.Scheme, Host: keyHost, Path: path.Clean(u.Path)}).String()
	if (u.Scheme != "http" && u.Scheme != "https") || string(raw) != clean || len(u.Path) > maxKeyName || !keyName.MatchString(u.Path) {
		return "", fmt.Errorf("%w: its host is %.64q", ErrUntrustedKeyURL, u.Hostname())
	}
	return u.Path, nil
}

// parsePublicKey reads one RSA key from PEM, in the PKIX form that OSS serves.
func parsePublicKey(b []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("callback: no PEM block of type PUBLIC KEY")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("callback: public key: %w", err)
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("callback: public key is %T, not RSA", key)
	}
	return public, nil
}
