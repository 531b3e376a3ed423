// Package queue carries jobs from the function to the workers over NSQ.
//
// A Job is published by a Publisher, handed to a ProcessFunc by a Consumer, and, when it cannot be done, kept as a DeadLetter.
// Delivery is at least once: a Job's ID is the same however often the job is sent, and work must be harmless when repeated.
package queue

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Version is the newest version of the job's wire format that this build writes and reads.
const Version = 1

// OutputPrefix is where the worker writes what it makes. Callbacks for objects under it are refused: nothing must loop.
const OutputPrefix = "thumbs/"

// Errors of DecodeJob. Neither gets better by trying again: a Consumer sends such messages to the dead letters.
var (
	ErrMalformedJob   = errors.New("queue: malformed job")
	ErrUnknownVersion = errors.New("queue: unknown job version")
)

// Job is one uploaded object waiting for heavy work. Fields that a fork adds travel with it; old workers ignore fields they do
// not know, and a change of meaning asks for a new Version.
type Job struct {
	V        int    `json:"v"`
	ID       string `json:"id"` // JobID: equal for repeats of the same upload
	Bucket   string `json:"bucket"`
	Object   string `json:"object"`
	ETag     string `json:"etag,omitempty"` // without quotes; empty if the callback named none
	Size     int64  `json:"size"`           // bytes; -1 if neither the callback nor OSS told
	MimeType string `json:"mime_type,omitempty"`

	// Image is what OSS said of the image, nil when it could not be asked in time or when the object is no image: see Reason.
	Image  *Image `json:"image"`
	Reason string `json:"reason,omitempty"` // why Image is nil: image_info_pending or not_an_image

	Vars      map[string][]string `json:"vars,omitempty"`       // the callback's own variables, "x:" names and unknown ones
	RequestID string              `json:"request_id,omitempty"` // OSS's id of the upload, for support tickets
	Accepted  time.Time           `json:"accepted"`             // when the callback was accepted, UTC

	// Outbox is the key of the job's entry in the outbox of its bucket, if it has one: whoever ends the job removes it.
	Outbox string `json:"outbox,omitempty"`

	// Attempts, NotBefore and Channel belong to the Consumer, which sets them when it sends a job again: for its own channel only,
	// whatever other channels the topic has.
	Attempts  int       `json:"attempts,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	Channel   string    `json:"channel,omitempty"`
}

// Image holds the facts of an image that OSS's image/info tells. Positions and other EXIF data never travel.
type Image struct {
	Format      string `json:"format"` // as OSS spells it: jpg, png, gif, webp, bmp, tiff, heic, avif
	Width       int    `json:"width"`  // pixels, before Orientation is applied
	Height      int    `json:"height"`
	Orientation int    `json:"orientation,omitempty"` // EXIF, 1 to 8; 0 if the image has none
}

// JobID names the work for one version of one object: a hash of bucket, object and ETag, or of bucket, object and the upload's
// request id when there is no ETag. Repeats of a callback get the same id, a later upload to the same object another one.
func JobID(bucket, object, etag, requestID string) string {
	version := "etag:" + etag
	if etag == "" {
		version = "request:" + requestID
	}
	h := sha256.New()
	for _, s := range []string{bucket, object, version} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Encode is the job as it travels: one JSON object.
func (j Job) Encode() ([]byte, error) {
	b, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("queue: encode job %s: %w", j.ID, err)
	}
	return b, nil
}

// DecodeJob reads what Encode wrote, by this or an older build. It returns ErrMalformedJob or ErrUnknownVersion, wrapped.
func DecodeJob(b []byte) (Job, error) {
	var version struct{ V int }
	if err := json.Unmarshal(b, &version); err != nil {
		return Job{}, fmt.Errorf("%w: %v", ErrMalformedJob, err)
	}
	if version.V > Version { // its other fields may have other types
		return Job{}, fmt.Errorf("%w: %d is newer than %d, upgrade the worker first", ErrUnknownVersion, version.V, Version)
	}
	var j Job
	if err := json.Unmarshal(b, &j); err != nil {
		return Job{}, fmt.Errorf("%w: %v", ErrMalformedJob, err)
	}
	if j.V < 1 || j.ID == "" || j.Bucket == "" || j.Object == "" {
		return Job{}, fmt.Errorf("%w: v, id, bucket and object are required", ErrMalformedJob)
	}
	return j, nil
}
