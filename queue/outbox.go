package queue

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/queue/ossclient"
)

// ErrOutbox is wrapped by every error of an Outbox: OSS did not do what was asked, or not in time. A Put that timed out may have
// been done all the same, which is harmless: jobs have stable ids.
var ErrOutbox = errors.New("queue: outbox")

const (
	// maxEntry bounds an entry, in bytes. A job is a little larger than the callback it comes from, 64 KiB at most, escaped.
	maxEntry = 512 << 10
	// maxEntries bounds one listing; what is beyond it comes with a later one.
	maxEntries = 20_000
	// maxPublished is as far as an entry's name counts.
	maxPublished = 999_999_999
)

// Outbox keeps jobs as small objects in the bucket of their upload, for the time when no nsqd takes them, or until they are done.
// An entry's key tells for which topic and which job it is, and how often the job had been published when it was written:
//
//	.outbox/<topic>/<job id>-<published>.json
//
// Deployments that share a bucket have topics of their own, and never see each other's entries. It is safe for concurrent use, also by several processes: who writes the same entry twice has written it once.
type Outbox struct {
	client *ossclient.Client
	folder string // prefix and topic
}

// Entry names a job in the outbox.
type Entry struct {
	Bucket, Key string
	JobID       string
	Written     time.Time // by OSS's clock
	Published   int       // times, 0 if it never was
}

// NewOutbox refuses a prefix that would mix entries with uploads, and a topic that makes no folder.
func NewOutbox(client *ossclient.Client, prefix, topic string) (*Outbox, error) {
	if !isFolder(prefix) {
		return nil, fmt.Errorf("OUTBOX_PREFIX: %q is no folder such as .outbox/", prefix)
	}
	folder := prefix + topic + "/"
	if !isFolder(folder) || strings.Contains(topic, "/") {
		return nil, fmt.Errorf("NSQ_TOPIC: %q cannot name a folder of the outbox", topic)
	}
	return &Outbox{client: client, folder: folder}, nil
}

func isFolder(key string) bool {
	return len(key) >= 2 && strings.HasSuffix(key, "/") && path.Clean("/"+key)+"/" == "/"+key
}

// Name returns the job as it is to be published: with the key of its next entry in it, so that whoever ends the job can remove
// the entry. Nothing is written yet.
func (o *Outbox) Name(job Job, published int) Job {
	job.Outbox = fmt.Sprintf("%s%s-%d.json", o.folder, job.ID, min(published, maxPublished))
	return job
}

// Write writes the entry of a job that Name has named.
func (o *Outbox) Write(ctx context.Context, keys ossclient.Credentials, job Job) error {
	if _, ok := o.entry(job.Bucket, job.Outbox, time.Time{}); !ok {
		return fmt.Errorf("%w: %q is no entry's name", ErrOutbox, job.Outbox)
	}
	body, err := job.Encode()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOutbox, err)
	}
	bucket, err := o.client.Bucket(keys, job.Bucket)
	if err == nil {
		err = bucket.PutObject(job.Outbox, bytes.NewReader(body), oss.WithContext(ctx), oss.ContentType("application/json"))
	}
	if err != nil {
		return fmt.Errorf("%w: write %s: %w", ErrOutbox, job.Outbox, err)
	}
	return nil
}

// Put names and writes an entry for the job, and returns the job as it is to be published.
func (o *Outbox) Put(ctx context.Context, keys ossclient.Credentials, job Job, published int) (Job, error) {
	job = o.Name(job, published)
	return job, o.Write(ctx, keys, job)
}

// List returns the entries of a bucket, oldest first; of more than 20,000 some. Objects in its folder that are no entries are left alone:
// how many there were is told too.
func (o *Outbox) List(ctx context.Context, keys ossclient.Credentials, bucket string) (entries []Entry, strangers int, err error) {
	b, err := o.client.Bucket(keys, bucket)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrOutbox, err)
	}
	token := ""
	for len(entries) < maxEntries {
		page, err := b.ListObjectsV2(oss.Prefix(o.folder), oss.MaxKeys(1000), oss.ContinuationToken(token), oss.WithContext(ctx))
		if err != nil {
			return nil, 0, fmt.Errorf("%w: list %s: %w", ErrOutbox, bucket, err)
		}
		for _, object := range page.Objects {
			if e, ok := o.entry(bucket, object.Key, object.LastModified); ok {
				entries = append(entries, e)
			} else {
				strangers++
			}
		}
		if token = page.NextContinuationToken; !page.IsTruncated || token == "" {
			break
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Or(a.Written.Compare(b.Written), cmp.Compare(a.Key, b.Key)) })
	return entries, strangers, nil
}

// entryName is a job's ID, maxID bytes long at most, and a count up to maxPublished.
var entryName = regexp.MustCompile(`^([0-9a-f]+)-([0-9]{1,9})\.json$`)

const maxID = 64

func (o *Outbox) entry(bucket, key string, written time.Time) (Entry, bool) {
	name, ok := strings.CutPrefix(key, o.folder)
	m := entryName.FindStringSubmatch(name)
	if !ok || m == nil || len(m[1]) > maxID {
		return Entry{}, false
	}
	published, err := strconv.Atoi(m[2])
	return Entry{bucket, key, m[1], written, published}, err == nil
}

// Read returns an entry's job. ErrMalformedJob and ErrUnknownVersion, wrapped, tell of a body that will never be read, and come with
// that body as far as it was taken; ErrOutbox tells of OSS. An entry that another worker has removed meanwhile is neither: ok is false.
func (o *Outbox) Read(ctx context.Context, keys ossclient.Credentials, e Entry) (job Job, body []byte, ok bool, err error) {
	b, err := o.client.Bucket(keys, e.Bucket)
	if err != nil {
		return Job{}, nil, false, fmt.Errorf("%w: %w", ErrOutbox, err)
	}
	r, err := b.GetObject(e.Key, oss.WithContext(ctx))
	if status, _ := ossclient.Status(err); status == 404 {
		return Job{}, nil, false, nil
	}
	if err != nil {
		return Job{}, nil, false, fmt.Errorf("%w: read %s: %w", ErrOutbox, e.Key, err)
	}
	defer r.Close()
	body, err = io.ReadAll(io.LimitReader(r, maxEntry+1))
	if err != nil {
		return Job{}, nil, false, fmt.Errorf("%w: read %s: %w", ErrOutbox, e.Key, err)
	}
	if len(body) > maxEntry {
		return Job{}, body[:maxEntry], true, fmt.Errorf("%w: %s has more than %d bytes", ErrMalformedJob, e.Key, maxEntry)
	}
	job, err = DecodeJob(body)
	if err == nil && (job.Bucket != e.Bucket || job.ID != e.JobID) {
		err = fmt.Errorf("%w: %s holds another job or bucket than its name says", ErrMalformedJob, e.Key)
	}
	return job, body, true, err
}

// Remove removes an entry, and never anything else. One that is not there any more is fine.
func (o *Outbox) Remove(ctx context.Context, keys ossclient.Credentials, bucket, key string) error {
	if _, ok := o.entry(bucket, key, time.Time{}); !ok {
		return fmt.Errorf("%w: %q is no entry's name", ErrOutbox, key)
	}
	b, err := o.client.Bucket(keys, bucket)
	if err == nil {
		err = b.DeleteObject(key, oss.WithContext(ctx))
	}
	if err != nil {
		return fmt.Errorf("%w: remove %s: %w", ErrOutbox, key, err)
	}
	return nil
}
