package sqltext

import "strings"

// Split returns the statements of a text, each by itself and without its comments.
func Split(text string) (statements []string) {
	var one strings.Builder
	end := func() {
		if s := strings.TrimSpace(one.String()); s != "" {
			statements = append(statements, s)
		}
		one.Reset()
	}
	for len(text) > 0 {
		length := 1
		switch {
		case strings.HasPrefix(text, "--"):
			if length = strings.IndexByte(text, '\n'); length < 0 {
				length = len(text)
			}
			text = text[length:]
			continue
		case text[0] == '\'' || text[0] == '"': // a doubled quote ends one and begins the next, which is the same
			if n := strings.IndexByte(text[1:], text[0]); n >= 0 {
				length = n + 2
			}
		case text[0] == ';':
			end()
			text = text[1:]
			continue
		}
		one.WriteString(text[:length])
		text = text[length:]
	}
	end()
	return statements
}
