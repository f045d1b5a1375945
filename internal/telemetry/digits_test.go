package telemetry

import (
	"regexp"
	"strings"
	"testing"
)

func TestMaskDigits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"nothing", "hello", "hello"},
		{"alone", "4111111111111111", "411111***1111"},
		{"in a text", "card 4000000000000408, thanks", "card 400000***0408, thanks"},
		{"spaces", "4111 1111 1111 1111", "411111***1111"},
		{"hyphens", "4111-1111-1111-1111", "411111***1111"},
		{"American Express", "3782 822463 10005", "378282***0005"},
		{"thirteen digits", "4222222222222", "422222***2222"},
		{"nineteen digits", "6304000000000000000", "630400***0000"},
		{"nineteen digits with a wrong check digit", "1304000000000000007", "1304000000000000007"},
		{"wrong check digit", "4111111111111112", "4111111111111112"},
		{"twelve digits", "411111111111", "411111111111"},
		{"two", "4111111111111111,4000000000000002", "411111***1111,400000***0002"},
		{"followed by expiry and code", "4111 1111 1111 1111 12 26 123", "411111***1111 12 26 123"},
		{"glued to letters", "pan4111111111111111x", "pan411111***1111x"},
		{"inside a longer run", "994111111111111111", "99411111***1111"},
		{"track data", "4111111111111111261220100000", "411111***0000"},
		{"zeros of an amount", "1.000000000000000000", "1.000000000000000000"},
		{"two spaces part runs", "4111  1111  1111  1111", "4111  1111  1111  1111"},
		{"our identifier", "019fb5f4111171118111111111111114", "019fb5f4111171118111111111111114"},
		{"a UUID", "019fb5f4-1111-7111-8111-111111111114", "019fb5f4-1111-7111-8111-111111111114"},
		{"our key at a provider", "e87cecda-019fb5f4111171118111111111111114-1", "e87cecda-019fb5f4111171118111111111111114-1"},
		{"a key in a document", `"4111111f-01a2249301234567a019fb4111111111-12"`, `"4111111f-01a2249301234567a019fb4111111111-12"`},
		{"no key: without a try", "e87cecda-019fb5f4111171118111111111111114", "e87cecda-019fb5f411117***1114"},
		{"no key: no letter in its id", "e87cecda-01902345411171118111111111111111-1", "e87cecda-019023***1111-1"},
		{"hexadecimal that is no UUID", "aa4111111111111111bbaa4111111111", "aa411111***1111bbaa4111111111"},
		{"left-over digits form a new number", "4111111111111111-2345678905", MaskDigits("411111***1111-2345678905")},
	} {
		if got := MaskDigits(tc.in); got != tc.want {
			t.Errorf("%s: MaskDigits(%q) = %q, want %q", tc.name, tc.in, got, tc.want)
		}
	}
}

var (
	uuidWord = regexp.MustCompile(`(^|[^0-9A-Za-z-])([0-9a-f]{12}[47][0-9a-f]{3}[89ab][0-9a-f]{15}|` +
		`[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|` +
		`[0-9a-f]{8}-[0-9a-f]{12}[47][0-9a-f]{3}[89ab][0-9a-f]{15}-[0-9]{1,6})($|[^0-9A-Za-z-])`)
	digitText = regexp.MustCompile(`[0-9]+([ -][0-9]+)*`)
)

// survivingCard looks for a card number the slow and plain way; identifiers are taken out first.
func survivingCard(s string) string {
	for {
		loc := uuidWord.FindStringSubmatchIndex(s)
		if loc == nil {
			break
		}
		id := s[loc[4]:loc[5]]
		if len(id) > 36 {
			id = id[9:41] // of a key
		}
		if !strings.ContainsAny(id, "abcdef") {
			s = s[:loc[4]] + "!" + s[loc[4]:loc[5]] + "!" + s[loc[5]:]
			break
		}
		s = s[:loc[4]] + "!" + s[loc[5]:]
	}
	for _, group := range digitText.FindAllString(s, -1) {
		runs := regexp.MustCompile(`[ -]`).Split(group, -1)
		for i := range runs {
			for j := i + 1; j <= len(runs); j++ {
				number := strings.Join(runs[i:j], "")
				if len(number) >= 13 && len(number) <= 19 && strings.Trim(number, "0") != "" && luhn(number) {
					return number
				}
			}
		}
	}
	return ""
}

func luhn(number string) bool {
	sum := 0
	for i := range number {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return sum%10 == 0
}

func FuzzMaskDigits(f *testing.F) {
	for _, s := range []string{"4111 1111 1111 1111", "4111111111111111-2345678905", "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		"019fb5f4-1111-7111-8111-111111111114", "41111111111111112222222222222", "0000000000000000", "a4111111111111111"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		masked := MaskDigits(s)
		if card := survivingCard(masked); card != "" {
			t.Fatalf("%q became %q, which still holds %s", s, masked, card)
		}
		if again := MaskDigits(masked); again != masked {
			t.Fatalf("masking twice differs: %q, %q", masked, again)
		}
	})
}
