package instrument

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBrandRulesAreWellFormed(t *testing.T) {
	t.Parallel()
	figure := regexp.MustCompile(`\A[0-9]{1,8}\z`)
	seen := map[Brand]bool{}
	for i, rule := range brandRules {
		seen[rule.brand] = true
		if !rule.brand.Valid() || rule.lengths == 0 || rule.lengths&^lengths(panMinDigits, panMaxDigits) != 0 {
			t.Errorf("rule %d of %q with lengths %b", i, rule.brand, rule.lengths)
		}
		for text := range strings.FieldsSeq(rule.ranges) {
			low, high, ok := strings.Cut(text, "-")
			if !ok {
				high = low
			}
			if !figure.MatchString(low) || len(low) != len(high) || !figure.MatchString(high) || low > high {
				t.Errorf("range %q of %s", text, rule.brand)
			}
		}
	}
	if len(seen) != len(Brands()) {
		t.Errorf("%d brands have rules, want %d", len(seen), len(Brands()))
	}
	if last := brandRules[len(brandRules)-1]; last.brand != BrandUnknown || last.ranges != "0-9" {
		t.Errorf("the last rule does not hold every number: %v", last)
	}
	if Brand("ELO").Valid() || Brand("").Valid() {
		t.Error("brands outside of the contract are valid")
	}
}

// firstRule reads the table the slow way: as text, from the top.
func firstRule(number string) *brandRule {
	for i := range brandRules {
		for text := range strings.FieldsSeq(brandRules[i].ranges) {
			low, high, ok := strings.Cut(text, "-")
			if !ok {
				high = low
			}
			if head := number[:len(low)]; low <= head && head <= high {
				return &brandRules[i]
			}
		}
	}
	return nil
}

func TestFindBrandTakesTheFirstRule(t *testing.T) {
	t.Parallel()
	check := func(number string) {
		if got, want := findBrand([]byte(number)), firstRule(number); got != want {
			t.Fatalf("%s is %s, want %s", number, got.brand, want.brand)
		}
	}
	// Both sides of both ends of every range.
	for _, rule := range brandRules {
		for text := range strings.FieldsSeq(rule.ranges) {
			low, high, ok := strings.Cut(text, "-")
			if !ok {
				high = low
			}
			for _, n := range []uint32{eightDigits(low, '0') - 1, eightDigits(low, '0'), eightDigits(high, '9'), eightDigits(high, '9') + 1} {
				if n < 100_000_000 {
					check(eightText(n))
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`[0-9]{8,19}`).Draw(t, "number")
		if got, want := findBrand([]byte(number)), firstRule(number); got != want {
			t.Fatalf("%s is %s, want %s", number, got.brand, want.brand)
		}
	})
}

func eightText(n uint32) string {
	var out [brandDigits]byte
	for i := range out {
		out[brandDigits-1-i] = byte('0' + n%10)
		n /= 10
	}
	return string(out[:])
}

func TestLuhn(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]bool{
		"4242424242424242": true, "4242424242424241": false, "378282246310005": true, "79927398713": true,
		"79927398710": false, "0": true, "18": true, "19": false, "": false, "4242 4242 4242 4242": false,
		"424242424242424x": false, "-18": false, "１8": false,
	} {
		if Luhn(digits) != want {
			t.Errorf("Luhn(%q) = %t", digits, !want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[0-9]{1,30}`).Draw(t, "body")
		right := 0
		for _, check := range "0123456789" {
			if Luhn(body + string(check)) {
				right++
			}
		}
		if right != 1 {
			t.Fatalf("%d check digits fit %s", right, body)
		}
	})
}

func BenchmarkParsePAN(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParsePAN("4242 4242 4242 4242"); err != nil {
			b.Fatal(err)
		}
	}
}
