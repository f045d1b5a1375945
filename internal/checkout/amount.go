package checkout

import (
	"errors"
	"strings"

	"github.com/sluicepay/sluice/internal/money"
)

// Limits of an amount that a customer may enter: those of the merchant API.
const (
	leastAmount = "0.00001"
	mostAmount  = "1000000000"
)

// errNoAmount: nothing, or nothing but zero, was entered.
var errNoAmount = errors.New("no amount")

// parseAmount reads an amount as customers type it: whole units in groups of three, or as in India of two before the last three, if
// at all, and the decimals after a point or a comma. A single comma stands for the point where at most two digits follow, so that it cannot have meant thousands. It
// returns errNoAmount, money.ErrPrecision for more decimals than the currency has, money.ErrRange beyond the limits, or
// money.ErrSyntax.
func parseAmount(text string, c money.Currency) (money.Amount, error) {
	text = strings.TrimSpace(plainly(text))
	if text == "" {
		return money.Amount{}, errNoAmount
	}
	whole, fraction, err := cutAmount(marks.Replace(text))
	if err != nil {
		return money.Amount{}, err
	}
	if fraction != "" {
		whole += "." + fraction
	}
	a, err := money.Parse(whole)
	switch {
	case err != nil:
		return money.Amount{}, err
	case a.IsZero():
		return money.Amount{}, errNoAmount
	case a.Decimals() > c.MinorUnits():
		return money.Amount{}, money.ErrPrecision
	case a.Cmp(money.MustParse(leastAmount)) < 0, a.Cmp(money.MustParse(mostAmount)) > 0:
		return money.Amount{}, money.ErrRange
	}
	return a, nil
}

// marks are the spellings of what may stand between digits: the Arabic point and sign of thousands, those of full width, and the
// apostrophes with which thousands are written.
var marks = strings.NewReplacer("٫", ".", "．", ".", "，", ",", "٬", "'", "’", "'", "＇", "'")

// grouping is what stands between groups of three digits.
const grouping = " ',."

// cutAmount tells whole units from decimals. The error is money.ErrSyntax.
func cutAmount(text string) (whole, fraction string, err error) {
	point := strings.LastIndexAny(text, ".,")
	if point >= 0 && !strings.Contains(text[:point], text[point:point+1]) { // what is there twice is no point: 1,234,567
		whole, fraction = text[:point], text[point+1:]
		thousands := text[point] == ',' && len(fraction) > 2 && !strings.Contains(whole, ".")
		if whole == "" || fraction == "" || thousands {
			return "", "", money.ErrSyntax
		}
		text = whole
	}
	whole, err = ungrouped(text)
	return whole, fraction, err
}

// ungrouped takes out what stands between groups of digits. There is one kind of it in an amount.
func ungrouped(text string) (string, error) {
	at := strings.IndexAny(text, grouping)
	if at < 0 {
		return text, nil
	}
	groups := strings.Split(text, text[at:at+1])
	width := 3
	if text[at] == ',' && len(groups) > 2 && len(groups[1]) == 2 {
		width = 2 // as in India: 12,34,567
	}
	last := len(groups) - 1
	for i, g := range groups {
		want := width
		if i == last {
			want = 3
		}
		if i == 0 && len(g) > width || i > 0 && len(g) != want || g == "" || strings.ContainsAny(g, grouping) {
			return "", money.ErrSyntax
		}
	}
	return strings.Join(groups, ""), nil
}

// formatAmount writes the number of an amount for people: digits in groups, and the decimals that the currency is usually
// written with. A cryptocurrency gets as many as the amount has. See words.amount for all of it.
func formatAmount(a money.Amount, c money.Currency, w *words) string {
	whole, fraction, _ := strings.Cut(a.String(), ".")
	if c.Fiat() {
		if missing := c.MinorUnits() - len(fraction); missing > 0 {
			fraction += strings.Repeat("0", missing)
		}
	}
	text := w.figures.grouped(whole)
	if fraction != "" {
		text += w.figures.point + fraction
	}
	return text
}

// grouped puts the marks of thousands between digits.
func (f figures) grouped(digits string) string {
	if len(digits) < 3+f.least {
		return digits
	}
	width := 3
	if f.pairs {
		width = 2
	}
	end := len(digits) - 3
	text := digits[end:]
	for ; end > width; end -= width {
		text = digits[end-width:end] + f.group + text
	}
	return digits[:end] + f.group + text
}
