package checkout

import (
	"errors"
	"strings"
	"time"
)

// errExpiry: the text is not a month and a year.
var errExpiry = errors.New("not an expiry date")

// parseExpiry reads a month and a year as people and browsers write them: 01/30, 1/30, 01 / 2030, 01-30, 2030-01, 0130, 012030,
// 203001. The month comes first unless the year has four digits. It returns two and four digits.
func parseExpiry(text string) (month, year string, err error) {
	text = plainly(text)
	between := func(r rune) bool { return r == ' ' || dash(r) || slash(r) || dot(r) }
	parts := strings.FieldsFunc(text, between)
	switch {
	case len(parts) == 2 && len(parts[0]) == 4:
		year, month = parts[0], parts[1]
	case len(parts) == 2:
		month, year = parts[0], parts[1]
	case len(parts) == 1 && len(parts[0]) == 4:
		month, year = parts[0][:2], parts[0][2:]
	case len(parts) == 1 && len(parts[0]) == 6:
		return sixDigits(parts[0])
	default:
		return "", "", errExpiry
	}
	if len(month) == 1 {
		month = "0" + month
	}
	if len(year) == 2 {
		year = "20" + year
	}
	return checkExpiry(month, year)
}

// sixDigits takes the half that begins with 20 for the year's: no month does.
func sixDigits(text string) (month, year string, err error) {
	if strings.HasPrefix(text, "20") {
		return checkExpiry(text[4:], text[:4])
	}
	if !strings.HasPrefix(text[2:], "20") {
		return "", "", errExpiry // a day, a month and a year
	}
	return checkExpiry(text[:2], text[2:])
}

func checkExpiry(month, year string) (string, string, error) {
	if len(month) != 2 || len(year) != 4 {
		return "", "", errExpiry
	}
	if _, err := time.Parse("01 2006", month+" "+year); err != nil {
		return "", "", errExpiry
	}
	return month, year, nil
}
