package payment

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
)

// In reports whether a text repeats the number: as its digits, whatever is between them but letters and digits, in full
// width too, or in base64 or hexadecimal. It is for texts that are kept as they come; it says nothing about other
// numbers.
func (p PAN) In(text string) bool {
	if len(text) < panMinDigits || p.IsZero() {
		return false
	}
	row := strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return r
		}
		return -1
	}, text)
	digits := p.secret.value().bytes()
	return strings.Contains(row, string(digits)) || strings.Contains(row, base64.RawStdEncoding.EncodeToString(digits)) ||
		strings.Contains(strings.ToLower(row), hex.EncodeToString(digits))
}
