package instrument

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// In reports whether a text repeats the number: see Finder.
func (p PAN) In(text string) bool {
	if len(text) < panMinDigits || p.IsZero() {
		return false
	}
	f := p.Finder()
	defer f.Wipe()
	return f.In(text)
}

// Finder looks for one card number in texts that are kept as they come. It finds the digits whatever is between them but
// letters and digits: spaces, dashes, dots; digits of every script, full width too; escaped for URLs, JSON or HTML; in
// hexadecimal, and in base64 also as a part of what was encoded. It says nothing about other numbers, of which one in ten
// has a right check digit. What it does not find: a number with letters between its digits, cut in two texts, written in
// words or backwards, or encoded twice. It holds the number, so Wipe it. Only one goroutine may use it at a time.
type Finder struct {
	plain, hex row
	base       [3]string64
}

// Finder is one for this number.
func (p PAN) Finder() *Finder {
	f := &Finder{}
	digits := p.secret.value().bytes()
	for _, d := range digits {
		f.plain.add(d)
	}
	for _, d := range digits {
		f.hex.add('3')
		f.hex.add(d)
	}
	if len(digits) < panMinDigits {
		return f
	}
	// In a longer text the number begins at the first, second or third byte of a group. What its neighbours share a
	// letter with is left out.
	for i, from := range [...]int{0, 2, 1} {
		f.base[i].encode(digits[from:])
	}
	return f
}

// Wipe overwrites the number. The finder finds nothing from then on.
func (f *Finder) Wipe() { *f = Finder{} }

// In reports whether the text repeats the number.
func (f *Finder) In(text string) bool {
	if f.plain.length == 0 || len(text) < f.plain.length {
		return false
	}
	if f.likely(text) && f.inDigits(text) {
		return true
	}
	for i := range f.base {
		if strings.Contains(text, string(f.base[i].text[:f.base[i].length])) { // at most 32 bytes: on the stack
			return true
		}
	}
	return false
}

// likely reports whether the text has as many digits as the number with no letter between them, or escapes. Hardly any text
// has, and every text that is written is looked at.
func (f *Finder) likely(text string) bool {
	n := 0
	for i := 0; i < len(text); i++ {
		switch kinds[text[i]] {
		case kindDigit:
			if n++; n >= f.plain.length {
				return true
			}
		case kindLetter:
			n = 0
		case kindWide:
			r, size := utf8.DecodeRuneInString(text[i:])
			i += size - 1
			if unicode.IsDigit(r) {
				if n++; n >= f.plain.length {
					return true
				}
			}
		case kindEscape:
			if i+1 < len(text) && (text[i+1] == 'u' || text[i+1] == '#') {
				return true
			}
		}
	}
	return false
}

// The kinds of bytes that likely tells apart.
const (
	kindOther = iota
	kindDigit
	kindLetter
	kindEscape
	kindWide
)

// kinds says of every byte what it begins.
var kinds = func() (kinds [256]uint8) {
	for c := range kinds {
		switch {
		case c >= '0' && c <= '9':
			kinds[c] = kindDigit
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			kinds[c] = kindLetter
		case c == '\\' || c == '&':
			kinds[c] = kindEscape
		case c >= 0xd9: // no digit of another script begins with less
			kinds[c] = kindWide
		}
	}
	return kinds
}()

// inDigits goes through the text digit by digit.
func (f *Finder) inDigits(text string) bool {
	f.plain.at, f.hex.at = 0, 0
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		switch {
		case r >= utf8.RuneSelf:
			r, size = utf8.DecodeRuneInString(text[i:])
		case r == '\\' || r == '&':
			r, size = unescaped(text[i:])
		}
		i += size
		d := Digit(r)
		switch {
		case d != 0:
			if f.plain.feed(d) || f.hex.feed(d) {
				return true
			}
		case r|0x20 >= 'a' && r|0x20 <= 'z' || r >= utf8.RuneSelf && unicode.IsLetter(r):
			f.plain.at, f.hex.at = 0, 0
		}
	}
	return false
}

// Digit is the digit from '0' to '9' that a character of any script stands for, or 0.
func Digit(r rune) byte {
	switch {
	case r >= '0' && r <= '9':
		return byte(r)
	case r < utf8.RuneSelf || !unicode.IsDigit(r):
		return 0
	}
	n := 0 // digits of a script follow each other from zero on, and some scripts have several sets in a row
	for unicode.IsDigit(r - 1) {
		r--
		n++
	}
	return byte('0' + n%10)
}

// foreignDigit reports that a text has a digit beyond ASCII.
func foreignDigit(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf && unicode.IsDigit(r) })
}

// unescaped reads \u0033, &#51; or &#x33; at the beginning of the text; else its first byte.
func unescaped(text string) (r rune, size int) {
	digits, base, end := "", 10, 0
	switch {
	case len(text) >= 6 && text[1] == 'u':
		digits, base, end = text[2:6], 16, 6
	case strings.HasPrefix(text, "&#"):
		at := strings.IndexByte(text[:min(len(text), 12)], ';')
		if at < 0 {
			return rune(text[0]), 1
		}
		digits, end = text[2:at], at+1
		if rest, ok := strings.CutPrefix(strings.ToLower(digits), "x"); ok {
			digits, base = rest, 16
		}
	}
	n, err := strconv.ParseUint(digits, base, 20)
	if err != nil {
		return rune(text[0]), 1
	}
	return rune(n), end
}

// row finds a row of digits in a stream of them, after Knuth, Morris and Pratt.
type row struct {
	digits [2 * panMaxDigits]byte
	back   [2*panMaxDigits + 1]uint8 // where to go on after so many have matched and the next does not
	length int
	at     int // so many have matched
}

func (r *row) add(digit byte) {
	r.digits[r.length] = digit
	r.length++
	if r.length == 1 {
		return
	}
	at := int(r.back[r.length-1])
	for at > 0 && r.digits[at] != digit {
		at = int(r.back[at])
	}
	if r.digits[at] == digit {
		at++
	}
	r.back[r.length] = uint8(at)
}

func (r *row) feed(digit byte) bool {
	for r.at > 0 && (r.at == r.length || r.digits[r.at] != digit) {
		r.at = int(r.back[r.at])
	}
	if r.digits[r.at] == digit {
		r.at++
	}
	return r.at == r.length
}

// string64 is the part of a text in base64 that its bytes alone decide.
type string64 struct {
	text   [32]byte
	length int
}

func (s *string64) encode(raw []byte) {
	base64.RawStdEncoding.Encode(s.text[:], raw)
	s.length = len(raw) * 8 / 6
}
