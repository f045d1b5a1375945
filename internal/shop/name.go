package shop

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestName bounds the names of shops, merchants and terminals, in characters.
const longestName = 100

// CheckName refuses a name that people cannot read: a blank one, one with characters that show nothing or begin a new
// line, or one that is too long. what is said to be wrong with.
func CheckName(what, name string) error {
	switch {
	case !utf8.ValidString(name):
		return fmt.Errorf("%s: is not UTF-8", what)
	case strings.TrimSpace(name) == "":
		return fmt.Errorf("%s: must not be blank", what)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("%s: must not begin or end with a blank", what)
	case utf8.RuneCountInString(name) > longestName:
		return fmt.Errorf("%s: must be at most %d characters long", what, longestName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%s: must not hold characters that cannot be seen", what)
	}
	return nil
}
