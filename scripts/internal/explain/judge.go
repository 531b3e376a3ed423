package explain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"oss-callback/function/callback"
)

// judge holds the options, checked. Its verifier is the function's own.
type judge struct {
	verifier *callback.Verifier // of signatures only: no bucket is called "-"
	oss      *callback.Verifier // the same, with OSS's keys whatever the options say
	keys     []publicKey        // the first is the one that the function would use
	buckets  []string
	secrets  [][]byte
	now      func() time.Time
}

func newJudge(o Options) (*judge, error) {
	key, err := publicPEM(o.Key)
	if err != nil {
		return nil, err
	}
	o.Key = key
	config := callback.Config{Buckets: []string{"-"}, TokenSecrets: o.TokenSecrets, PublicKey: o.Key, Transport: offline{}}
	verifier, err := callback.NewVerifier(config) // checks the secrets, too
	if err != nil {
		return nil, err
	}
	config.PublicKey = nil
	oss, err := callback.NewVerifier(config)
	if err != nil {
		return nil, err
	}
	j := &judge{verifier: verifier, oss: oss, buckets: o.Buckets, secrets: o.TokenSecrets, now: o.Now}
	for _, text := range [][]byte{o.Key, []byte(ossKeyV1)} {
		if len(text) == 0 {
			continue
		}
		key, err := parseKey(text)
		if err != nil {
			return nil, err
		}
		key.given = len(o.Key) > 0 && len(j.keys) == 0
		j.keys = append(j.keys, key)
	}
	return j, nil
}

// offline is the network of explain: none.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("explain works offline")
}

func requestOf(c Capture) callback.Request {
	return callback.Request{Path: c.Path, Query: c.Query, Header: c.Header, Body: c.Body}
}

// verify returns nil if the capture's signature is good as it stands, whatever it says and whosever it is.
func (j *judge) verify(ctx context.Context, c Capture) error {
	_, err := j.verifier.Verify(ctx, requestOf(c))
	if errors.Is(err, callback.ErrMalformed) || errors.Is(err, callback.ErrBucketNotAllowed) {
		return nil
	}
	return err
}

// genuine reports a capture that verifies.
func (j *judge) genuine(ctx context.Context, c Capture, report *Report) {
	report.conclude(Genuine, "The request is genuine and unaltered.")
	if changes := methodChange(c); changes != nil {
		report.Alterations = append(report.Alterations, changes[0].alteration(true))
		report.conclude(Altered, "OSS made this signature for this path, query and body, but sends POST and nothing else: %s.", MethodChanged)
	}
	if len(c.Query.Params) > 0 {
		report.note("The raw query was lost, as on Function Compute's go1 runtime, and was rebuilt from its parameters, as the function does.")
	}
	defer report.note("If your server says no to it, look at your verifier. Go 1.24 and later refuse OSS's 512-bit key unless go.mod holds " +
		"`godebug rsa1024min=0`. Decode the path once, with a path decoder. Take the raw query, and no \"?\" without one. One line feed, then the body's " +
		"raw bytes. Hash with MD5 once, by the RSA function and not before it.")
	up, err := j.upload(ctx, requestOf(c), j.keys[0])
	if err != nil {
		report.note("It verifies, but the function would refuse what it says: %v.", err)
		return
	}
	report.Upload = &up
	if why := j.notOurs(ctx, requestOf(c), j.keys[0], up); why != "" && report.Verdict != Genuine {
		report.note("It is not ours either: %s", why)
		return
	} else if why != "" {
		report.conclude(GenuineNotOurs, "The request is genuine and unaltered, but not ours: %s", why)
		return
	}
	j.noteOwner(up, report)
}

// noteOwner says how little a good signature proves.
func (j *judge) noteOwner(up callback.Upload, report *Report) {
	switch {
	case len(j.buckets) == 0:
		report.note("The signature proves only that some customer of OSS caused this. The body says bucket %.63q: give yours with --bucket or ALLOWED_BUCKETS.",
			up.Bucket)
	case len(j.secrets) == 0:
		report.note("The bucket is the body's word, which any customer of OSS can choose. Ask OSS for the object, or use tokens (CALLBACK_TOKEN_SECRET).")
	}
}

// upload is what a request with a good signature says. Its error is callback.ErrMalformed, wrapped.
func (j *judge) upload(ctx context.Context, r callback.Request, key publicKey) (callback.Upload, error) {
	v, err := callback.NewVerifier(callback.Config{Buckets: []string{claimedBucket(r)}, PublicKey: key.pem, Transport: offline{}})
	if err != nil {
		return callback.Upload{}, err
	}
	return v.Verify(ctx, r)
}

// rebuilds reports whether the function, given decoded parameters instead of the query, finds the query again.
func (j *judge) rebuilds(ctx context.Context, r callback.Request, key publicKey) bool {
	values, err := url.ParseQuery(r.Query.Raw)
	if err != nil {
		return false
	}
	r.Query = callback.Query{Params: map[string]string{}}
	for name, list := range values {
		r.Query.Params[name] = strings.Join(list, ",")
	}
	v, err := callback.NewVerifier(callback.Config{Buckets: []string{"-"}, PublicKey: key.pem, Transport: offline{}})
	if err != nil {
		return false
	}
	_, err = v.Verify(ctx, r)
	return errors.Is(err, callback.ErrMalformed) || errors.Is(err, callback.ErrBucketNotAllowed)
}

// notOurs says why an upload is not ours, or nothing if it may be.
func (j *judge) notOurs(ctx context.Context, r callback.Request, key publicKey, up callback.Upload) string {
	if len(j.buckets) > 0 && !slices.Contains(j.buckets, up.Bucket) {
		return fmt.Sprintf("the body says bucket %.63q, which is not among yours. Any customer of OSS can have OSS call your address.", up.Bucket)
	}
	if len(j.secrets) == 0 {
		return ""
	}
	v, err := callback.NewVerifier(callback.Config{Buckets: []string{up.Bucket}, TokenSecrets: j.secrets, PublicKey: key.pem, Transport: offline{}, Now: j.now})
	if err == nil {
		_, err = v.Verify(ctx, r)
	}
	switch {
	case err == nil:
		return ""
	case errors.Is(err, callback.ErrTokenExpired):
		return fmt.Sprintf("its token is too old (%v). Your backend must mint a new one for the uploader.", err)
	}
	return fmt.Sprintf("its token is not one of yours (%v). Either CALLBACK_TOKEN_SECRET is another one here than where the token was minted, or somebody "+
		"else made this up.", err)
}

// claimedBucket is the first bucket that the body names, for the verifier to accept; it is "-" if there is none.
func claimedBucket(r callback.Request) string {
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		dec := json.NewDecoder(bytes.NewReader(r.Body))
		if open, err := dec.Token(); err != nil || open != json.Delim('{') {
			return "-"
		}
		for dec.More() {
			name, err := dec.Token()
			var value json.RawMessage
			if err != nil || dec.Decode(&value) != nil {
				return "-"
			}
			var bucket string
			if name == "bucket" && json.Unmarshal(value, &bucket) == nil {
				return bucket
			}
		}
		return "-"
	}
	for part := range strings.SplitSeq(string(r.Body), "&") {
		name, value, _ := strings.Cut(part, "=")
		if name, err := url.QueryUnescape(name); err != nil || name != "bucket" {
			continue
		}
		if bucket, err := url.QueryUnescape(value); err == nil {
			return bucket
		}
	}
	return "-"
}
