package sqltext

import (
	"strconv"
	"strings"
)

// Positional writes the placeholders $1, $2 … as question marks where they stand in this order: the driver asks the name of
// every placeholder at each execution, and SQLite goes through a list for each name. A placeholder that comes once more keeps
// its number. Where they stand in another order the text remains.
func Positional(text string) string {
	var out strings.Builder
	last := 0
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		n, err := strconv.Atoi(after[:digits])
		switch {
		case err != nil || n > last+1 || n == 0:
			return text
		case n == last+1:
			out.WriteByte('?')
			last = n
		default:
			out.WriteString("?" + after[:digits])
		}
		rest = after[digits:]
	}
}
