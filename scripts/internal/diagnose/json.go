package diagnose

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// maxDepth is how deep an error may stand in other objects.
const maxDepth = 2

// readJSON reads the JSON object that a text begins with: an answer of our function, a line of its log, or an error that somebody turned
// into JSON. It returns the object's length, 0 if there is none. What failed tries cost, in bytes, is taken from the budget.
func readJSON(text string, nested int, budget *int) (e Evidence, length int) {
	if *budget <= 0 {
		return Evidence{}, 0
	}
	var object map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&object); err != nil {
		cost := len(text)
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			cost = int(syntax.Offset)
		}
		*budget -= cost
		return Evidence{}, 0
	}
	length = int(dec.InputOffset())
	e.readObject(object, maxDepth)
	if inside := strings.Join(stringsIn(object), "\n"); nested > 0 {
		e.fill(read(inside, nested-1))
	} else {
		e.fill(readText(inside))
	}
	e.fill(readText(text[:length]))
	return e, length
}

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

// stringsIn returns all strings in a JSON value, in the order of their names.
func stringsIn(value any) (list []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		for _, element := range value {
			list = append(list, stringsIn(element)...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			list = append(list, stringsIn(value[name])...)
		}
	}
	return list
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
