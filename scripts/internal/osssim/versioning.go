package osssim

import (
	"encoding/xml"
	"fmt"
	"net/http"
)

type versioningXML struct {
	XMLName xml.Name `xml:"VersioningConfiguration"`
	Status  string   `xml:"Status,omitempty"`
}

type aclXML struct {
	XMLName xml.Name `xml:"AccessControlPolicy"`
	Owner   string   `xml:"Owner>ID"`
	Grant   string   `xml:"AccessControlList>Grant"`
}

// SetVersioning says what GetBucketVersioning shows: "Enabled", "Suspended", or "", which is a bucket that never had it. Objects are
// stored as in a bucket without versions whatever it is.
func (s *Server) SetVersioning(bucket, status string) error {
	if status != "" && status != "Enabled" && status != "Suspended" {
		return fmt.Errorf("osssim: versioning is Enabled or Suspended, not %q", status)
	}
	s.settings.put(bucket, "versioning", []byte(status))
	return nil
}

// SetACL says what GetBucketAcl shows: "private", which is the default, "public-read" or "public-read-write". Requests must be signed
// whatever it is.
func (s *Server) SetACL(bucket, grant string) error {
	if grant != "private" && grant != "public-read" && grant != "public-read-write" {
		return fmt.Errorf("osssim: there is no ACL %q", grant)
	}
	s.settings.put(bucket, "acl", []byte(grant))
	return nil
}

func (s *Server) getVersioning(c *call) error {
	status, _ := s.settings.get(c.bucket, "versioning")
	c.write(http.StatusOK, "application/xml", marshalXML(versioningXML{Status: string(status)}))
	return nil
}

func (s *Server) getACL(c *call) error {
	grant, ok := s.settings.get(c.bucket, "acl")
	if !ok {
		grant = []byte("private")
	}
	c.write(http.StatusOK, "application/xml", marshalXML(aclXML{Owner: "0000000000000000", Grant: string(grant)}))
	return nil
}
