package checkout

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/money"
)

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"01/30": "01 2030", "1/30": "01 2030", "01 / 30": "01 2030", "01/2030": "01 2030", "0130": "01 2030", "012030": "01 2030",
		" 12-39 ": "12 2039", "12.39": "12 2039", "12 39": "12 2039", "12\t/ 2039": "12 2039", "12//39": "12 2039", "-1/30": "01 2030",
		"": "", "/": "", "13/30": "", "00/30": "", "01": "", "130": "", "1/3": "", "01/030": "", "001/30": "", "01/30/1": "",
		"ab/cd": "", "٠١/٣٠": "01 2030", "+1/30": "", "01/+3": "", "4000000000000408": "",
	} {
		month, year, err := parseExpiry(text)
		if got := strings.TrimSpace(month + " " + year); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}

func FuzzParseExpiry(f *testing.F) {
	for _, seed := range []string{"01/30", "0130", "012030", "1 / 2030", "13/30", "٠١/٣٠", "0/0", " - "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		month, year, err := parseExpiry(text)
		if err != nil {
			return
		}
		if len(month) != 2 || month < "01" || month > "12" || len(year) != 4 {
			t.Fatalf("%q became %q, %q", text, month, year)
		}
		if _, err := time.Parse("012006", month+year); err != nil {
			t.Fatal(err)
		}
		if again, other, err := parseExpiry(month + "/" + year); again != month || other != year || err != nil {
			t.Fatalf("%q is not stable: %q %q %v", text, again, other, err)
		}
	})
}

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text     string
		currency money.Currency
		want     string
		err      error
	}{
		{"12.50", "EUR", "12.5", nil},
		{" 1 250,5 ", "EUR", "1250.5", nil},
		{"7", "JPY", "7", nil},
		{"0,00001", "BTC", "", money.ErrSyntax}, // a comma with more than two digits could mean thousands
		{"0.00001", "BTC", "0.00001", nil},
		{"0.000001", "BTC", "", money.ErrRange},
		{"1,234", "KWD", "", money.ErrSyntax},
		{"1,", "EUR", "", money.ErrSyntax},
		{"1.005", "EUR", "", money.ErrPrecision},
		{"7.5", "JPY", "", money.ErrPrecision},
		{"1000000000", "EUR", "1000000000", nil},
		{"1000000000.01", "EUR", "", money.ErrRange},
		{"", "EUR", "", errNoAmount},
		{"0.00", "EUR", "", errNoAmount},
		{"-5", "EUR", "", money.ErrSyntax},
		{"1e3", "EUR", "", money.ErrSyntax},
		{"NaN", "EUR", "", money.ErrSyntax},
	} {
		got, err := parseAmount(tc.text, tc.currency)
		if !errors.Is(err, tc.err) || err == nil && got.String() != tc.want {
			t.Errorf("%q %s: %s, %v, want %s, %v", tc.text, tc.currency, got, err, tc.want, tc.err)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"12.50", "1 250,5", "0,00", "1e9", "1,234.50", "1000000000.01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAmount(text, "EUR")
		if err == nil && (a.IsZero() || a.Decimals() > 2 || a.Cmp(money.MustParse(mostAmount)) > 0) {
			t.Fatalf("%q became %s", text, a)
		}
	})
}

func TestFormatAmount(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		amount   string
		currency money.Currency
		want     string
	}{
		{"1234.5", "EUR", "1,234.50"}, {"0.01", "EUR", "0.01"}, {"999", "EUR", "999.00"}, {"1000000000", "JPY", "1,000,000,000"},
		{"1.5", "KWD", "1.500"}, {"0.00001", "BTC", "0.00001"}, {"2", "BTC", "2"}, {"1.005", "EUR", "1.005"},
	} {
		if got := formatAmount(money.MustParse(tc.amount), tc.currency, languages()[0]); got != tc.want {
			t.Errorf("%s %s: %q, want %q", tc.amount, tc.currency, got, tc.want)
		}
	}
}

func TestPlainName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"": true, "Ada Lovelace": true, "Зоя Космодемьянская": true, "李小龍": true, "John Smith 3rd": true,
		strings.Repeat("é", 128): true, "a\x00b": false, "a\u202eb": false, "a\xffb": false,
		"4000 0000 0000 0408": false, "٤٠٠٠٠٠٠٠": false,
	} {
		if got := plainName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestASCIIURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                "",
		"https://shop.example/a?b=c#d":    "https://shop.example/a?b=c#d",
		"https://shop.example/é?ü=\u00f6": "https://shop.example/%C3%A9?%C3%BC=%C3%B6",
		"https://shop.example/?a='b';c":   "https://shop.example/?a=%27b%27%3Bc",
		"https://shop.example/\r\nX: y":   "",
	} {
		if got := asciiURL(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestBrowserTextsAreBounded(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"en-GB,en;q=0.8": "en-GB", "": "", "*": "", "de;q=1": "de", "<b>": "", strings.Repeat("a", 33): "",
	} {
		if got := firstLanguage(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := printable("Mozilla\x00 \x7f\xffé"+strings.Repeat("x", 600), 512); len(got) != 512 || !utf8.ValidString(got) || !strings.HasPrefix(got, "Mozilla xxx") {
		t.Errorf("%q", got)
	}
}
