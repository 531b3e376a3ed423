package explain

import (
	"encoding/json"
	"strings"
)

// member is one of an object: its name as JSON text, and the tokens of its value.
type member struct {
	name  string
	value []string
}

func (m member) plain() string {
	var s string
	_ = json.Unmarshal([]byte(m.name), &s) // it is valid
	return s
}

func (m member) write(spell func(string) string, comma, colon string) string {
	var out strings.Builder
	out.WriteString(spell(m.name) + colon)
	for _, token := range m.value {
		switch token[0] {
		case ',':
			token = comma
		case ':':
			token = colon
		default:
			token = spell(token)
		}
		out.WriteString(token)
	}
	return out.String()
}

func writeMembers(members []member, spell func(string) string, comma, colon, open, end string) string {
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = m.write(spell, comma, colon)
	}
	return "{" + open + strings.Join(texts, comma) + end + "}"
}

// membersOf takes a JSON object apart, without changing any of its tokens.
func membersOf(body string) ([]member, bool) {
	tokens := tokensOf(body)
	if len(tokens) < 2 || len(tokens) > maxPieces || tokens[0] != "{" {
		return nil, false
	}
	var members []member
	for tokens = tokens[1 : len(tokens)-1]; len(tokens) >= 3; {
		depth, end := 0, 2
		for ; end < len(tokens) && (depth > 0 || tokens[end] != ","); end++ {
			switch tokens[end] {
			case "{", "[":
				if depth++; depth >= maxNesting {
					return nil, false
				}
			case "}", "]":
				depth--
			}
		}
		members = append(members, member{tokens[0], tokens[2:end]})
		tokens = tokens[min(end+1, len(tokens)):]
	}
	return members, len(members) > 0
}

// tokensOf splits valid JSON, and gives up behind maxPieces.
func tokensOf(text string) []string {
	var tokens []string
	for i := 0; i < len(text); {
		end := i + 1
		switch text[i] {
		case ' ', '\t', '\r', '\n':
			i++
			continue
		case '{', '}', '[', ']', ',', ':':
		case '"':
			for ; end < len(text) && text[end] != '"'; end++ {
				if text[end] == '\\' {
					end++
				}
			}
			end = min(end+1, len(text))
		default:
			for end < len(text) && !strings.ContainsRune(" \t\r\n{}[],:\"", rune(text[end])) {
				end++
			}
		}
		if tokens = append(tokens, text[i:end]); len(tokens) > maxPieces {
			return tokens
		}
		i = end
	}
	return tokens
}
