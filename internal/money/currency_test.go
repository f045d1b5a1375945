package money

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/currency"
)

//go:embed testdata/iso4217.csv
var isoList string

func TestParseCurrency(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code    string
		fiat    bool
		minor   int
		numeric string
	}{
		{"EUR", true, 2, "978"}, {"USD", true, 2, "840"}, {"JPY", true, 0, "392"}, {"KWD", true, 3, "414"},
		{"ISK", true, 0, "352"}, {"UGX", true, 0, "800"}, {"CLF", true, 4, "990"}, {"UYW", true, 4, "927"},
		{"IQD", true, 3, "368"}, {"IRR", true, 2, "364"}, {"IDR", true, 2, "360"}, {"COP", true, 2, "170"},
		{"HUF", true, 2, "348"}, {"MGA", true, 2, "969"}, {"ALL", true, 2, "008"}, {"VES", true, 2, "928"},
		{"SLE", true, 2, "925"}, {"ZWG", true, 2, "924"}, {"XCG", true, 2, "532"}, {"BGN", true, 2, "975"},
		{"XAD", true, 2, "396"}, {"BTC", false, 8, ""}, {"ETH", false, 18, ""}, {"USDT", false, 6, ""},
		{"XMR", false, 12, ""},
	} {
		c, err := ParseCurrency(tc.code)
		if err != nil || string(c) != tc.code {
			t.Errorf("ParseCurrency(%q) = %q, %v", tc.code, c, err)
		}
		if c.Fiat() != tc.fiat || c.MinorUnits() != tc.minor || c.Numeric() != tc.numeric || !c.Valid() {
			t.Errorf("%s: fiat %t, %d minor units, number %q, valid %t", c, c.Fiat(), c.MinorUnits(), c.Numeric(), c.Valid())
		}
	}
}

func TestParseCurrencyRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "E", "EU", "eur", "Eur", "EURO", " EUR", "EUR ", "978", "XXX", "XTS", "XAU", "XDR", "ANG", "HRK", "ZWL",
		"DEM", "btc", "AAA", "ZZZ", "ZZZZ", "€", "\x00", strings.Repeat("E", 1000),
	} {
		c, err := ParseCurrency(s)
		if !errors.Is(err, ErrCurrency) || c != "" {
			t.Errorf("ParseCurrency(%.16q) = %q, %v, want ErrCurrency", s, c, err)
		}
		if err != nil && len(err.Error()) > 60 {
			t.Errorf("error of %d characters", len(err.Error()))
		}
		if unknown := Currency(s); unknown.Valid() || unknown.Fiat() || unknown.MinorUnits() != -1 || unknown.Numeric() != "" {
			t.Errorf("%.16q passes for a currency", s)
		}
	}
}

func TestCurrenciesAreSortedAndDistinct(t *testing.T) {
	t.Parallel()
	for name, table := range map[string][]entry{"fiat": fiat, "crypto": crypto} {
		if !slices.IsSortedFunc(table, func(a, b entry) int { return strings.Compare(a.code, b.code) }) {
			t.Errorf("%s is not sorted: searching it would miss", name)
		}
	}
	all := Currencies()
	if len(all) != len(fiat)+len(crypto) || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("Currencies lists %d, of %d and %d", len(all), len(fiat), len(crypto))
	}
	for _, c := range all {
		if !c.Valid() || c.MinorUnits() > Scale || c.Fiat() != (c.Numeric() != "") {
			t.Errorf("%s: valid %t, %d minor units, fiat %t, number %q", c, c.Valid(), c.MinorUnits(), c.Fiat(), c.Numeric())
		}
	}
	all[0] = "changed"
	if Currencies()[0] == "changed" {
		t.Error("the list is shared between callers")
	}
}

// The Debian list is older than the table and holds codes that name no money; these are all the differences.
func TestFiatAgreesWithTheISOList(t *testing.T) {
	t.Parallel()
	newer := []string{"XAD", "XCG", "ZWG"}
	withdrawn := []string{"ANG", "CUC", "HRK", "SLL", "ZWL"}
	withoutMinorUnit := []string{
		"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX",
	}
	listed := map[string]string{}
	for line := range strings.Lines(isoList) {
		if code, number, ok := strings.Cut(strings.TrimSpace(line), ","); ok && !strings.HasPrefix(line, "#") {
			listed[code] = number
		}
	}
	if len(listed) < 170 {
		t.Fatalf("the list has only %d codes", len(listed))
	}
	for _, e := range fiat {
		if number, ok := listed[e.code]; ok == slices.Contains(newer, e.code) || (ok && number != e.number) {
			t.Errorf("%s %s: the list says %q", e.code, e.number, number)
		}
		delete(listed, e.code)
	}
	for code := range listed {
		if !slices.Contains(withdrawn, code) && !slices.Contains(withoutMinorUnit, code) {
			t.Errorf("%s is on the list and missing here", code)
		}
	}
	if want := len(withdrawn) + len(withoutMinorUnit); len(listed) != want {
		t.Errorf("%d codes left out, want %d", len(listed), want)
	}
}

// CLDR tells how many decimals people write, which is none for some currencies that officially have them.
// Apart from those, named here, and from currencies newer than its tables, both must agree.
func TestMinorUnitsAgreeWithCLDR(t *testing.T) {
	t.Parallel()
	writtenWithout := strings.Fields(
		"AFN ALL AMD COP GYD IDR IQD IRR KPW LAK LBP MGA MMK MNT MUR PKR RSD SOS SYP TZS UZS YER")
	unknown := strings.Fields("MRU SLE UYW VED VES XAD XCG ZWG")
	for _, e := range fiat {
		unit, err := currency.ParseISO(e.code)
		if (err != nil) != slices.Contains(unknown, e.code) {
			t.Errorf("%s: %v", e.code, err)
		}
		if err != nil {
			continue
		}
		digits, _ := currency.Standard.Rounding(unit)
		if slices.Contains(writtenWithout, e.code) {
			if digits != 0 || e.units == 0 {
				t.Errorf("%s: %d minor units, and %d written", e.code, e.units, digits)
			}
		} else if digits != int(e.units) {
			t.Errorf("%s: %d minor units, CLDR says %d", e.code, e.units, digits)
		}
	}
}
