package bucketsetup

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// editedBy tells whether the rule in text has the ID of one of ours, and what differs then.
func editedBy(text, id string, wanted []wantedRule) (differs []string, ours bool, err error) {
	i := slices.IndexFunc(wanted, func(w wantedRule) bool { return w.rule.ID == id })
	if i < 0 {
		return nil, false, nil
	}
	differs, err = differences(text, wanted[i].text)
	return differs, true, err
}

func warnOfEdit(label string, differs []string) Warning {
	return Warning{"lifecycle " + label, "it has the ID of a rule from deploy/oss and is not the same: " + strings.Join(differs, "; ") +
		". It is kept as it is", "if that is meant, nothing; if not, edit it to be as deploy/oss has it, or delete it and run this with --apply"}
}

// differences lists, element by element, what a rule has that another one has not. All elements count, those that this program does not know
// too; their order and layout do not, nor do empty ones, as OSS shows or leaves out an empty prefix.
func differences(have, want string) (list []string, err error) {
	had, err := leaves(have)
	if err != nil {
		return nil, err
	}
	wants, err := leaves(want)
	if err != nil {
		return nil, err
	}
	both := maps.Clone(had)
	maps.Copy(both, wants)
	for _, path := range slices.Sorted(maps.Keys(both)) {
		is, should := strings.Join(had[path], ", "), strings.Join(wants[path], ", ")
		switch {
		case slices.Equal(had[path], wants[path]):
		case should == "":
			list = append(list, fmt.Sprintf("%s is %s instead of none", path, is))
		case is == "":
			list = append(list, fmt.Sprintf("%s is missing instead of %s", path, should))
		default:
			list = append(list, fmt.Sprintf("%s is %s instead of %s", path, is, should))
		}
	}
	return list, nil
}

// leaves are the texts in a rule, sorted, by the path of their elements.
func leaves(rule string) (map[string][]string, error) {
	texts := map[string][]string{}
	var path []string
	var text strings.Builder
	decoder := xml.NewDecoder(strings.NewReader(rule))
	for leaf := false; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: lifecycle: %w", ErrDocument, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			path, leaf = append(path, token.Name.Local), true
			text.Reset()
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			if leaf && text.Len() > 0 && len(path) > 1 {
				at := strings.Join(path[1:], "/") // without the rule itself
				texts[at] = append(texts[at], text.String())
			}
			path, leaf = path[:len(path)-1], false
		}
	}
	for _, list := range texts {
		slices.Sort(list)
	}
	return texts, nil
}
