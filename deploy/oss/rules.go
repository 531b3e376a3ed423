// Package rules holds what the bucket needs as OSS takes it: the XML files of this folder. `go run ./scripts bucket` merges them into
// what a bucket has; they are complete documents, for any other tool too.
package rules

import _ "embed" // for the files

// Origin and Outbox are what stands in the files for the settings of a deployment.
const (
	Origin = "https://app.example.com"
	Outbox = ".outbox/"
)

// CORS is a document of one rule, for Origin.
//
//go:embed cors.xml
var CORS string

// Lifecycle is a document of one rule, for any bucket.
//
//go:embed lifecycle.xml
var Lifecycle string

// LifecycleVersioned is a document of one rule, for the Outbox of a bucket that has or had versioning.
//
//go:embed lifecycle-versioned.xml
var LifecycleVersioned string
