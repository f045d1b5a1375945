package money

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrCurrency: the text is not the code of a known currency.
var ErrCurrency = errors.New("unknown currency")

// Currency is the code of a currency: three letters of ISO 4217, or the symbol of a cryptocurrency. A value
// that did not come from ParseCurrency may be anything; Valid tells. The zero value is not a currency.
type Currency string

// ParseCurrency returns the currency of that code. Codes are upper case; any other text is ErrCurrency.
func ParseCurrency(s string) (Currency, error) {
	e, ok := find(s)
	if !ok {
		return "", fmt.Errorf("%w: %.16q", ErrCurrency, strings.Clone(s))
	}
	return Currency(e.code), nil
}

// Valid reports whether the currency is on the list.
func (c Currency) Valid() bool {
	_, ok := find(string(c))
	return ok
}

// Fiat reports whether the currency is one of ISO 4217, as opposed to a cryptocurrency or an unknown code.
func (c Currency) Fiat() bool {
	_, ok := search(fiat, string(c))
	return ok
}

// MinorUnits is the number of decimals of the currency: for ISO 4217 the official one, which may differ from
// what people use in shops; for a cryptocurrency that of its smallest on-chain step. It is -1 for a code that
// is not Valid, so that no amount fits it.
func (c Currency) MinorUnits() int {
	e, ok := find(string(c))
	if !ok {
		return -1
	}
	return int(e.units)
}

// Numeric is the three-digit number of ISO 4217, "008" for ALL, and empty for any currency without one.
func (c Currency) Numeric() string {
	e, _ := find(string(c))
	return e.number
}

// Currencies lists every known currency, sorted by code. The slice is the caller's.
func Currencies() []Currency {
	all := make([]Currency, 0, len(fiat)+len(crypto))
	for _, table := range [][]entry{fiat, crypto} {
		for _, e := range table {
			all = append(all, Currency(e.code))
		}
	}
	slices.Sort(all)
	return all
}

// entry is a row of the tables in currency_table.go.
type entry struct {
	code   string
	number string // ISO 4217, empty for cryptocurrencies
	units  uint8  // decimals of the smallest step
}

func find(code string) (entry, bool) {
	if e, ok := search(fiat, code); ok {
		return e, true
	}
	return search(crypto, code)
}

// search needs the table sorted by code, which a test checks.
func search(table []entry, code string) (entry, bool) {
	i, ok := slices.BinarySearchFunc(table, code, func(e entry, code string) int {
		return strings.Compare(e.code, code)
	})
	if !ok {
		return entry{}, false
	}
	return table[i], true
}
