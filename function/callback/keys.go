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

// keyName is a file at the top of the key host; everything else on it is none of ours.
var keyName = regexp.MustCompile(`^/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\.pem$`)

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
	refreshed map[string]time.Time
	failed    map[string]time.Time
}

func newKeyring(pinned []byte, transport http.RoundTripper, now func() time.Time) (*keyring, error) {
	k := &keyring{
		fetch:     newFetcher(transport),
		limit:     rate.NewLimiter(rate.Every(5*time.Second), 4),
		now:       now,
		keys:      map[string]*rsa.PublicKey{},
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

// find returns the key that the callback's header names: an embedded or remembered one, or one fetched now, once for all callers.
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
	k.mu.Lock()
	key, failedAt := k.keys[name], k.failed[name]
	k.mu.Unlock()
	switch {
	case key != nil:
	case k.now().Sub(failedAt) < failureMemory:
		return foundKey{}, fmt.Errorf("%w: %s failed a moment ago", ErrKeyUnavailable, name)
	default:
		if key, err = k.load(ctx, name); err != nil {
			return foundKey{}, err
		}
	}
	return foundKey{public: key, name: name, trusted: true}, nil
}

// refresh fetches a key again whose copy did not fit, once in a while. It reports whether the key has changed; the old one stays
// until replace.
func (k *keyring) refresh(ctx context.Context, old foundKey) (*rsa.PublicKey, bool) {
	if old.name == "" {
		return nil, false
	}
	k.mu.Lock()
	due := k.now().Sub(k.refreshed[old.name]) >= refreshEvery
	if due {
		k.refreshed[old.name] = k.now()
	}
	k.mu.Unlock()
	if !due {
		return nil, false
	}
	fresh, err := k.load(ctx, old.name)
	return fresh, err == nil && !fresh.Equal(old.public)
}

// replace makes a refreshed key the one to try, once it has proved itself.
func (k *keyring) replace(name string, fresh *rsa.PublicKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[name] = fresh
}

// load fetches one key for all who wait for it. How that went is remembered even if they all leave.
func (k *keyring) load(ctx context.Context, name string) (*rsa.PublicKey, error) {
	result := k.flight.DoChan(name, func() (any, error) {
		key, err := k.download(name)
		k.mu.Lock()
		defer k.mu.Unlock()
		if err != nil {
			k.remember(name)
			return nil, err
		}
		if k.keys[name] == nil {
			k.keys[name] = key
		}
		delete(k.failed, name)
		return key, nil
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %s: %w", ErrKeyUnavailable, name, ctx.Err())
	case r := <-result:
		if r.Err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrKeyUnavailable, name, r.Err)
		}
		return r.Val.(*rsa.PublicKey), nil
	}
}

func (k *keyring) download(name string) (*rsa.PublicKey, error) {
	if !k.limit.AllowN(k.now(), 1) {
		return nil, errors.New("too many keys were asked for")
	}
	file, err := k.fetch.get(name)
	if err != nil {
		return nil, err
	}
	return parsePublicKey(file)
}

// remember notes a failure, and forgets old ones so that invented names do not pile up.
func (k *keyring) remember(name string) {
	for other, at := range k.failed {
		if k.now().Sub(at) >= failureMemory {
			delete(k.failed, other)
		}
	}
	k.failed[name] = k.now()
}

// trustedKeyName is the file that x-oss-pub-key-url names, if the URL is one of OSS's: the scheme http or https, the host exactly
// OSS's, nothing else in it but a .pem file.
func trustedKeyName(header string) (string, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(header)
	if err != nil {
		return "", fmt.Errorf("%w: not base64", ErrUntrustedKeyURL)
	}
	u, err := url.Parse(string(raw))
	if err != nil {
		return "", fmt.Errorf("%w: no URL", ErrUntrustedKeyURL)
	}
	clean := (&url.URL{Scheme: u.Scheme, Host: keyHost, Path: path.Clean(u.Path)}).String()
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host != keyHost || string(raw) != clean || !keyName.MatchString(u.Path) {
		return "", fmt.Errorf("%w: %.128q", ErrUntrustedKeyURL, raw)
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
