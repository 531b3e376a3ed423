package diagnose

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

const (
	// maxObjects is how many places of an input are tried as the beginning of a JSON object: a log line may have a prefix.
	maxObjects = 16
	maxDepth   = 2
)

// readJSON reads the first JSON object in the input that tells anything.
func (e *Evidence) readJSON(input string) {
	rest := input
	for range maxObjects {
		at := strings.IndexByte(rest, '{')
		if at < 0 {
			return
		}
		rest = rest[at:]
		var object map[string]any
		before := *e
		if json.NewDecoder(strings.NewReader(rest)).Decode(&object) == nil {
			if e.readObject(object, maxDepth); *e != before {
				return
			}
		}
		rest = rest[1:]
	}
}

// readObject reads an answer of our function, a line of its log, or an error that somebody turned into JSON.
func (e *Evidence) readObject(object map[string]any, depth int) {
	for _, name := range slices.Sorted(maps.Keys(object)) { // the first of several messages counts, always the same one
		switch value := object[name].(type) {
		case map[string]any:
			if key := plainName(name); depth > 0 && (key == "error" || key == "details") {
				e.readObject(value, depth-1)
			}
		case float64:
			if key := plainName(name); (key == "status" || key == "statuscode") && value >= 100 && value <= 599 {
				e.Status = int(value)
			}
		case string:
			e.setString(plainName(name), value)
		}
	}
}

func (e *Evidence) setString(key, value string) {
	switch key {
	case "status", "outcome":
		if value == "queued" { // whatever its reason: nothing has failed
			e.Code = value
		}
	case "error":
		if ownCode.FindString(value) == value || isOwn(value) {
			e.Code = value
		} else {
			e.set("message", value)
		}
	case "msg":
		if strings.HasPrefix(value, "misconfigured") { // the line that a function writes once, at its start
			e.Code = "misconfigured"
		}
	default:
		e.set(key, value)
	}
}

// plainName makes request_id, requestId and x-oss-request-id comparable.
func plainName(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if strings.ContainsRune("_- ", r) {
			return -1
		}
		return r
	}, name))
}
