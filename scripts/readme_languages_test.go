package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v3"
)

const readmeEN, readmeZH = "README.md", "README.zh-CN.md"

// TestReadmeLanguages ties the Chinese README to the English one: what is not prose is the same in both.
func TestReadmeLanguages(t *testing.T) {
	en, zh := document(t, readmeEN), document(t, readmeZH)
	if !strings.HasPrefix(en, "[中文]("+readmeZH+")\n") || !strings.HasPrefix(zh, "[English]("+readmeEN+")\n") {
		t.Error("the first lines do not link to the other language")
	}
	ours, theirs := sections(en), sections(zh)
	if len(ours) != len(theirs) || len(ours) < 10 {
		t.Fatalf("%s has %d headings, %s %d", readmeEN, len(ours), readmeZH, len(theirs))
	}
	for i, s := range ours {
		if diff := cmp.Diff(s, theirs[i], cmp.FilterPath(proseOrNumbers, cmp.Ignore())); diff != "" {
			t.Errorf("%q and %q differ (- %s, + %s):\n%s", s.heading(), theirs[i].heading(), readmeEN, readmeZH, diff)
			continue
		}
		missing(t, theirs[i].heading(), s.Prose, theirs[i].Prose)
		for j, row := range s.Rows {
			missing(t, theirs[i].heading()+": "+row.Text, row, theirs[i].Rows[j])
		}
	}
}

// TestReadmeLinks: what the READMEs link to is there.
func TestReadmeLinks(t *testing.T) {
	for _, name := range []string{readmeEN, readmeZH} {
		targets := all(linkTarget, document(t, name))
		if len(targets) < 5 {
			t.Errorf("%s: only %q", name, targets)
		}
		for _, target := range targets {
			if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(target))); err != nil && !strings.HasPrefix(target, "https://") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestReadmeCommands: each `go run ./scripts …` in the documents is one that the command line takes, and both READMEs name every command.
func TestReadmeCommands(t *testing.T) {
	app := newApp(environment{})
	flags := []string{"help"}
	for _, c := range app.Commands {
		flags = append(flags, flagsOf(c)...)
	}
	found := 0
	for _, name := range documents(t) {
		for _, line := range all(invocation, document(t, name)) {
			words := strings.Fields(quoted.ReplaceAllLiteralString(line, "quoted"))
			if len(words) == 0 || words[0] == "…" {
				continue
			}
			found++
			c := app.Command(words[0])
			if c == nil {
				t.Errorf("%s: there is no command %s", name, words[0])
				continue
			}
			for _, word := range words[1:] {
				flag, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
				if strings.HasPrefix(word, "-") && flag != "help" && !slices.Contains(flagsOf(c), flag) {
					t.Errorf("%s: %s has no %s", name, c.Name, word)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d command lines only", found)
	}
	for _, name := range []string{readmeEN, readmeZH} {
		text := document(t, name)
		for _, span := range all(inlineCode, fence.ReplaceAllLiteralString(text, "")) {
			if flag := strings.TrimPrefix(span, "--"); lone.MatchString(span) && !slices.Contains(flags, flag) {
				t.Errorf("%s: no command has %s", name, span)
			}
		}
		_, table, _ := strings.Cut(text, "| `go run ./scripts …` | |\n")
		table, _, _ = strings.Cut(table, "\n\n")
		listed := all(regexp.MustCompile("(?m)^\\| `(\\w+)[^`]*` \\|"), table)
		for _, c := range listed {
			if app.Command(c) == nil {
				t.Errorf("%s lists %s, which is no command", name, c)
			}
		}
		for _, c := range app.VisibleCommands() {
			if !slices.Contains(listed, c.Name) && !strings.Contains(text, "`go run ./scripts "+c.Name+"`") && !strings.Contains(text, "\ngo run ./scripts "+c.Name+"\n") {
				t.Errorf("%s does not list %s", name, c.Name)
			}
		}
	}
}

// section is what one heading covers.
type section struct {
	Level  int
	Blocks []string // fenced, without what is translated in them
	Rows   []passage
	Prose  passage // all the rest, with the heading in front
}

// passage is a piece of text and what of it does not depend on the language.
type passage struct {
	Text    string
	Cells   int
	Names   []string // `such`
	Links   []string
	Numbers []string // in digits; a translation may have more, where the other language uses words
}

func (s section) heading() string {
	first, _, _ := strings.Cut(s.Prose.Text, "\n")
	return strings.TrimLeft(first, "# ")
}

func proseOrNumbers(p cmp.Path) bool {
	name := p.Last().String()
	return name == ".Text" || name == ".Numbers"
}

var (
	fence      = regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```$")
	inlineCode = regexp.MustCompile("`([^`\n]+)`")
	linkTarget = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	number     = regexp.MustCompile(`(\d+(?:[.,]\d+)*)`)
	millions   = regexp.MustCompile(`(\d)00 万`) // 5000 万 are 50 million
	quoted     = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	lone       = regexp.MustCompile(`^--[a-z][a-z-]*$`)
	invocation = regexp.MustCompile("go run \\./scripts((?:\\\\\n|'[^'\n]*'|\"[^\"\n]*\"|[^\n`;|&#'\"])*)")
	// What is translated, by language of the block: comments, labels, and in the tree of folders what stands beside the names.
	translated = map[string]*regexp.Regexp{
		"sh": regexp.MustCompile(`(?m)\s+# .*$`), "mermaid": regexp.MustCompile(`(?m)(?: as |: ).*$`), "": regexp.MustCompile(`(?m)\b {2,}\S.*$|(/) {2,}\S.*$`),
	}
)

func sections(text string) (list []section) {
	_, text, _ = strings.Cut(text, "\n") // the link to the other language
	var blocks []string
	text = fence.ReplaceAllStringFunc(text, func(block string) string {
		if re, ok := translated[fence.FindStringSubmatch(block)[1]]; ok {
			block = re.ReplaceAllString(block, "$1")
		}
		blocks = append(blocks, block)
		return "\x00"
	})
	for _, part := range strings.Split("\n"+text, "\n#")[1:] {
		s := section{Level: 1 + len(part) - len(strings.TrimLeft(part, "#"))}
		var prose []string
		for line := range strings.Lines(part) {
			switch {
			case strings.HasPrefix(line, "|"):
				s.Rows = append(s.Rows, newPassage(line))
			case strings.HasPrefix(line, "\x00"):
				s.Blocks, blocks = append(s.Blocks, blocks[0]), blocks[1:]
			default:
				prose = append(prose, line)
			}
		}
		s.Prose = newPassage(strings.Join(prose, ""))
		list = append(list, s)
	}
	return list
}

func newPassage(text string) passage {
	return passage{
		Text: text, Cells: strings.Count(text, "|"), Names: sorted(all(inlineCode, text)), Links: sorted(all(linkTarget, text)),
		Numbers: all(number, millions.ReplaceAllString(text, "$1")),
	}
}

// missing finds the numbers that were changed in one language only.
func missing(t *testing.T, where string, en, zh passage) {
	t.Helper()
	for _, n := range en.Numbers {
		if !slices.Contains(zh.Numbers, n) {
			t.Errorf("%s lacks %s in %s", readmeZH, n, where)
		}
	}
}

// documents are those where a reader finds commands to copy.
func documents(t *testing.T) []string {
	t.Helper()
	names := []string{readmeEN, readmeZH}
	for _, dir := range []string{"deploy", ".github"} {
		err := fs.WalkDir(os.DirFS(".."), dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && (dir == ".github" || entry.Name() == readmeEN) {
				names = append(names, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func flagsOf(c *cli.Command) (names []string) {
	for _, f := range c.Flags {
		names = append(names, f.Names()...)
	}
	return names
}

// all returns the first group of every match.
func all(re *regexp.Regexp, text string) (found []string) {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// sorted keeps each once.
func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
