package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// snippet is one fenced block of a page, or one command in the midst of a sentence.
type snippet struct {
	page   string // as README.md or docs/events.md
	line   int
	kind   string // the word after the fence
	text   string
	inline bool
}

func (s *snippet) first() string { return strings.SplitN(s.text, "\n", 2)[0] }

// pages are the documents for users.
func docPages(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../docs/*.md")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d pages below docs, %v", len(all), err)
	}
	return append([]string{"../README.md", "../CONTRIBUTING.md", "../SECURITY.md"}, all...)
}

var (
	fence      = regexp.MustCompile("^ *```")
	inlineCode = regexp.MustCompile("`[^`]+`")
	// ours is how commands of ours begin in a sentence.
	ours = regexp.MustCompile(`^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:sudo )?(?:\./)?(?:bin/)?(?:sluice|make|scripts/\w+\.sh|source <\(bin/sluice)(?: |$)`)
)

// snippets reads all of a page.
func snippets(t *testing.T, path string) []snippet {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := strings.TrimPrefix(path, "../")
	var all []snippet
	var block *snippet
	var sentence strings.Builder // code in a sentence may go on in the next line
	began := 0
	flush := func() {
		for _, code := range inlineCode.FindAllString(sentence.String(), -1) {
			if code = strings.Trim(code, "`"); ours.MatchString(code) {
				all = append(all, snippet{page, began, "", strings.ReplaceAll(code, "\n", " "), true})
			}
		}
		sentence.Reset()
	}
	for i, line := range strings.Split(string(raw), "\n") {
		switch {
		case fence.MatchString(line) && block == nil:
			flush()
			block = &snippet{page, i + 1, strings.TrimSpace(strings.Trim(strings.TrimSpace(line), "`")), "", false}
		case fence.MatchString(line):
			block.text = strings.TrimSuffix(block.text, "\n")
			all = append(all, *block)
			block = nil
		case block != nil:
			block.text += line + "\n"
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "|"):
			flush()
			fallthrough
		default:
			if sentence.Len() == 0 {
				began = i + 1
			}
			sentence.WriteString(line + "\n")
		}
	}
	flush()
	if block != nil {
		t.Errorf("%s:%d: the block has no end", page, block.line)
	}
	return all
}

// isSession tells blocks of commands: what a reader types, perhaps behind a dollar sign and among what is answered.
func (s *snippet) isSession() bool {
	for line := range strings.SplitSeq(s.text, "\n") {
		if word := strings.TrimPrefix(strings.TrimSpace(line), "$ "); word != "" && !strings.HasPrefix(word, "#") {
			return strings.HasPrefix(strings.TrimSpace(line), "$ ") || sessionWord.MatchString(word)
		}
	}
	return false
}

var sessionWord = regexp.MustCompile(`^(?:[A-Z_]+=\S+ )*(?:sudo |cd |\./)?(?:bin/)?[a-z][a-z0-9_./-]*(?: |$)`)

// commands are what is typed, each whole: over lines that end in a backslash or within quotes.
func (s *snippet) commands() []string {
	prompted := strings.HasPrefix(strings.TrimSpace(s.text), "$ ")
	var all []string
	open := ""
	for line := range strings.SplitSeq(s.text, "\n") {
		typed, isTyped := strings.CutPrefix(strings.TrimSpace(line), "$ ")
		switch {
		case open != "":
			open += "\n" + line
		case prompted && !isTyped:
			continue // an answer
		default:
			open = typed
		}
		if strings.HasSuffix(line, `\`) || strings.Count(open, "'")%2 == 1 || strings.Count(open, `"`)%2 == 1 && !strings.Contains(open, "'") {
			continue
		}
		if word := strings.TrimSpace(open); word != "" && !strings.HasPrefix(word, "#") {
			all = append(all, open)
		}
		open = ""
	}
	if open != "" {
		all = append(all, open)
	}
	return all
}

var assignment = regexp.MustCompile(`^[A-Z_]+=\S*$`)

// program is the word that names what a command runs, and the words after it; variables set before it are passed over.
func program(command string) (string, []string) {
	words := strings.Fields(anotherUser.ReplaceAllString(command, ""))
	for len(words) > 1 && (assignment.MatchString(words[0]) || words[0] == "sudo") {
		words = words[1:]
	}
	if len(words) == 0 {
		return "", nil
	}
	return words[0], words[1:]
}
