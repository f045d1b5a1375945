package checkout

import (
	"errors"
	"strings"
	"unicode"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/private"
)

// People, browsers and password managers write the same thing in many ways: with blanks of all kinds, dashes of print, digits of
// other scripts, marks of direction. What can be read in one way only is read so; anything else is refused, whole: nothing is
// ever left out of what was written to make it fit.

// errStray: something stands in a number that is no part of one.
var errStray = errors.New("more than digits")

// blank reports a character that only keeps others apart.
func blank(r rune) bool { return unicode.IsSpace(r) }

// unseen reports a character that shows nothing and changes nothing: of no width, or a mark of direction. Those that turn the
// order of others around are not among them: what they show is not what would be read.
func unseen(r rune) bool {
	switch {
	case r == '\u00ad', r == '\u061c', r == '\u2060', r == '\ufeff', r == '\u180e':
		return true
	case r >= '\u200b' && r <= '\u200f', r >= '\u202a' && r <= '\u202c', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

// dash reports a hyphen, minus or dash of print.
func dash(r rune) bool { return unicode.Is(unicode.Pd, r) || r == '\u2212' || r == '\u2043' }

// slash reports what stands between month and year.
func slash(r rune) bool { return strings.ContainsRune(`/\|⁄∕／＼｜`, r) }

// dot reports a dot, low or in the middle.
func dot(r rune) bool { return strings.ContainsRune(".·․‧∙⋅・･．。｡", r) }

// apart reports what may stand between the digits of a card number.
func apart(r rune) bool {
	return blank(r) || unseen(r) || dash(r) || slash(r) || dot(r) || r == '_' || r == ',' || r == '，'
}

// readNumber reads a card number. Its errors are errStray and those of instrument.ParsePAN.
func readNumber(text string) (instrument.PAN, error) {
	var digits [instrument.MostDigits + 1]byte // one more than a number has, so that it is seen
	defer clear(digits[:])
	n, err := takeDigits(digits[:], text, apart)
	if err != nil {
		return instrument.PAN{}, err
	}
	return instrument.ParsePAN(private.Text(digits[:n]))
}

// readSecurityCode reads a security code. Its errors are errStray and those of instrument.ParseSecurityCode.
func readSecurityCode(text string) (instrument.SecurityCode, error) {
	var digits [5]byte
	defer clear(digits[:])
	n, err := takeDigits(digits[:], text, func(r rune) bool { return blank(r) || unseen(r) })
	if err != nil {
		return instrument.SecurityCode{}, err
	}
	return instrument.ParseSecurityCode(private.Text(digits[:n]))
}

// takeDigits fills dst with the digits of a text, whose other characters have to be between what may stand between them. What
// does not fit is not counted.
func takeDigits(dst []byte, text string, between func(rune) bool) (n int, err error) {
	for _, r := range text {
		switch d := instrument.Digit(r); {
		case d != 0 && n < len(dst):
			dst[n] = d
			n++
		case d == 0 && !between(r):
			return 0, errStray
		}
	}
	return n, nil
}

// nothing reports that a field was left empty, as far as anybody can see.
func nothing(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !blank(r) && !unseen(r) })
}

// plainly writes a text that is to be read with the digits of ASCII, one kind of blank, and without what nobody sees. What is no
// text is refused as a whole.
func plainly(text string) string {
	return strings.Map(func(r rune) rune {
		switch d := instrument.Digit(r); {
		case d != 0:
			return rune(d)
		case unseen(r):
			return -1
		case blank(r):
			return ' '
		}
		return r
	}, text)
}

// readName reads the name on a card: blanks of all kinds are one space, and marks that nobody sees are gone, but those that join
// letters or keep them apart.
func readName(text string) string {
	text = strings.Map(func(r rune) rune {
		if unseen(r) && r != '\u200c' && r != '\u200d' {
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
