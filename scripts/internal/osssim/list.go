package osssim

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type listXML struct {
	XMLName               xml.Name    `xml:"ListBucketResult"`
	Name                  string      `xml:"Name"`
	Prefix                string      `xml:"Prefix"`
	Marker                string      `xml:"Marker,omitempty"`
	NextMarker            string      `xml:"NextMarker,omitempty"`
	StartAfter            string      `xml:"StartAfter,omitempty"`
	ContinuationToken     string      `xml:"ContinuationToken,omitempty"`
	NextContinuationToken string      `xml:"NextContinuationToken,omitempty"`
	MaxKeys               int         `xml:"MaxKeys"`
	Delimiter             string      `xml:"Delimiter"`
	EncodingType          string      `xml:"EncodingType,omitempty"`
	IsTruncated           bool        `xml:"IsTruncated"`
	KeyCount              int         `xml:"KeyCount,omitempty"`
	Contents              []listEntry `xml:"Contents"`
	CommonPrefixes        []struct {
		Prefix string `xml:"Prefix"`
	} `xml:"CommonPrefixes"`
}

type listEntry struct {
	Key          string    `xml:"Key"`
	LastModified time.Time `xml:"LastModified"`
	ETag         string    `xml:"ETag"`
	Type         string    `xml:"Type"`
	Size         int64     `xml:"Size"`
	StorageClass string    `xml:"StorageClass"`
}

// listObjects answers both versions of the call. A continuation token is simply the last key of the page before.
func (s *Server) listObjects(c *call) error {
	v2 := c.query.Get("list-type") == "2"
	maxKeys := 100
	if text := c.query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return errInvalidArgument("Argument max-keys must be an integer between 1 and 1000.", "max-keys", text)
		}
		maxKeys = n
	}
	encode := func(key string) string { return key }
	if c.query.Get("encoding-type") == "url" {
		encode = percentEncode
	}
	prefix, delimiter := c.query.Get("prefix"), c.query.Get("delimiter")
	marker := c.query.Get("marker")
	if v2 {
		marker = max(c.query.Get("start-after"), c.query.Get("continuation-token"))
	}

	doc := listXML{Name: c.bucket, Prefix: encode(prefix), MaxKeys: maxKeys, Delimiter: encode(delimiter), EncodingType: c.query.Get("encoding-type")}
	last := ""
	for _, key := range s.store.keys(c.bucket) {
		entry := key
		if delimiter != "" && strings.HasPrefix(key, prefix) {
			if i := strings.Index(key[len(prefix):], delimiter); i >= 0 {
				entry = key[:len(prefix)+i+len(delimiter)]
			}
		}
		if !strings.HasPrefix(key, prefix) || entry <= marker || entry == last {
			continue
		}
		if doc.KeyCount == maxKeys {
			doc.IsTruncated = true
			break
		}
		doc.KeyCount++
		last = entry
		if entry != key {
			doc.CommonPrefixes = append(doc.CommonPrefixes, struct {
				Prefix string `xml:"Prefix"`
			}{encode(entry)})
			continue
		}
		if o, ok := s.store.get(c.bucket, key); ok {
			doc.Contents = append(doc.Contents, listEntry{Key: encode(key), LastModified: o.LastModified, ETag: `"` + o.ETag + `"`,
				Type: objectType(o), Size: o.Size, StorageClass: "Standard"})
		}
	}
	switch {
	case v2:
		doc.StartAfter, doc.ContinuationToken = encode(c.query.Get("start-after")), encode(c.query.Get("continuation-token"))
		if doc.IsTruncated {
			doc.NextContinuationToken = encode(last)
		}
	default:
		doc.Marker, doc.KeyCount = encode(marker), 0
		if doc.IsTruncated {
			doc.NextMarker = encode(last)
		}
	}
	c.write(http.StatusOK, "application/xml", marshalXML(doc))
	return nil
}
