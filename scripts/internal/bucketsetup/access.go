package bucketsetup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/queue/ossclient"
)

// Errors of the bucket's settings. Nobody retries: every step may be run again by hand.
var (
	// ErrDenied tells that the key may not do this; the error names the RAM action.
	ErrDenied = errors.New("denied")
	// ErrEndpoint tells that the bucket is not at this endpoint.
	ErrEndpoint = errors.New("wrong endpoint or bucket")
	// ErrTooLarge tells of a document of more than 4 MiB, which OSS does not have.
	ErrTooLarge = errors.New("the bucket's document is too large")
)

// maxDocument bounds what is read of a document, in bytes. A thousand lifecycle rules fit in.
const maxDocument = 4 << 20

// resource is one sub-resource of the bucket, as the API and RAM name it.
type resource struct {
	query   string            // such as "cors"
	name    string            // as in oss:GetBucket<name>
	root    string            // of its document
	child   string            // of a rule in it
	missing string            // OSS's code if there is no document
	headers map[string]string // of a write
}

var (
	corsResource      = resource{query: "cors", name: "Cors", root: "CORSConfiguration", child: "CORSRule", missing: "NoSuchCORSConfiguration"}
	lifecycleResource = resource{query: "lifecycle", name: "Lifecycle", root: "LifecycleConfiguration", child: "Rule", missing: "NoSuchLifecycle",
		// OSS refuses rules whose prefixes overlap unless told otherwise, and does not show whether the rules that are there were written so.
		headers: map[string]string{oss.HTTPHeaderAllowSameActionOverLap: "true"}}
	versioningResource = resource{query: "versioning", name: "Versioning"}
	aclResource        = resource{query: "acl", name: "Acl"}
)

// access reads and writes settings of one bucket. The SDK's own methods for them ignore contexts and unknown elements, its connection does
// not.
type access struct {
	bucket *oss.Bucket
}

// get returns the document's bytes, nil if there is none.
func (a access) get(ctx context.Context, r resource) ([]byte, error) {
	response, err := a.bucket.Client.Conn.DoWithContext(ctx, http.MethodGet, a.bucket.BucketName, "", map[string]any{r.query: nil}, nil, nil, 0, nil)
	if _, code := ossclient.Status(err); code != "" && code == r.missing {
		return nil, nil
	}
	if err != nil {
		return nil, a.explain(err, "oss:GetBucket"+r.name)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return nil, a.explain(err, "oss:GetBucket"+r.name)
	}
	if len(raw) > maxDocument {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrTooLarge, r.query, maxDocument)
	}
	return raw, nil
}

func (a access) put(ctx context.Context, r resource, document string) error {
	headers := map[string]string{oss.HTTPHeaderContentType: "application/xml"}
	for name, value := range r.headers {
		headers[name] = value
	}
	response, err := a.bucket.Client.Conn.DoWithContext(ctx, http.MethodPut, a.bucket.BucketName, "", map[string]any{r.query: nil}, headers,
		bytes.NewReader([]byte(document)), 0, nil)
	if err == nil {
		defer response.Body.Close()
		err = oss.CheckRespCode(response.StatusCode, []int{http.StatusOK})
	}
	if err != nil {
		return a.explain(err, "oss:PutBucket"+r.name)
	}
	return nil
}

// explain says which right is missing, or what else to mend.
func (a access) explain(err error, action string) error {
	var answer oss.ServiceError
	if !errors.As(err, &answer) {
		return fmt.Errorf("%s: %w", strings.TrimPrefix(action, "oss:"), err)
	}
	switch {
	case strings.Contains(answer.Message, "must be addressed using the specified endpoint"):
		return fmt.Errorf("%w: the bucket %s is in another region: name its own endpoint: %w", ErrEndpoint, a.bucket.BucketName, err)
	case answer.Code == "NoSuchBucket":
		return fmt.Errorf("%w: there is no bucket %s: %w", ErrEndpoint, a.bucket.BucketName, err)
	case answer.Code == "AccessDenied":
		return fmt.Errorf("%w: the key needs %s on acs:oss:*:*:%s: %w", ErrDenied, action, a.bucket.BucketName, err)
	}
	return fmt.Errorf("%s: %w", strings.TrimPrefix(action, "oss:"), err)
}
