package money

import (
	"cmp"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const largest = "99999999999999999999.999999999999999999"

// step is 10^18, the denominator of every amount.
var step = new(big.Int).Exp(big.NewInt(10), big.NewInt(Scale), nil)

func (a Amount) rat() *big.Rat {
	n := new(big.Int).SetUint64(a.hi)
	n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(a.lo))
	return new(big.Rat).SetFrac(n, step)
}

// amounts draws values of every size: a number of steps with up to 38 digits.
func amounts() *rapid.Generator[Amount] {
	return rapid.Custom(func(t *rapid.T) Amount {
		digits := rapid.StringMatching(`[0-9]{1,38}`).Draw(t, "steps")
		digits = strings.Repeat("0", 38-len(digits)) + digits
		return MustParse(digits[:unitDigits] + "." + digits[unitDigits:])
	})
}

func TestAmountArithmeticAgreesWithRationals(t *testing.T) {
	t.Parallel()
	ceiling := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(unitDigits), nil))
	rapid.Check(t, func(t *rapid.T) {
		a, b := amounts().Draw(t, "a"), amounts().Draw(t, "b")
		if got, want := a.Cmp(b), a.rat().Cmp(b.rat()); got != want {
			t.Fatalf("Cmp(%s, %s) = %d, want %d", a, b, got, want)
		}
		if (a == b) != (a.Cmp(b) == 0) {
			t.Fatalf("== and Cmp disagree on %s and %s", a, b)
		}
		want := new(big.Rat).Add(a.rat(), b.rat())
		sum, err := a.Add(b)
		switch {
		case want.Cmp(ceiling) >= 0:
			if !errors.Is(err, ErrRange) || sum != (Amount{}) {
				t.Fatalf("%s + %s = %s, %v, want ErrRange", a, b, sum, err)
			}
		case err != nil || sum.rat().Cmp(want) != 0:
			t.Fatalf("%s + %s = %s, %v", a, b, sum, err)
		default:
			if back, err := sum.Sub(b); err != nil || back != a {
				t.Fatalf("%s - %s = %s, %v, want %s", sum, b, back, err, a)
			}
		}
		difference, err := a.Sub(b)
		if a.Cmp(b) < 0 {
			if !errors.Is(err, ErrNegative) || difference != (Amount{}) {
				t.Fatalf("%s - %s = %s, %v, want ErrNegative", a, b, difference, err)
			}
		} else if err != nil || difference.rat().Cmp(new(big.Rat).Sub(a.rat(), b.rat())) != 0 {
			t.Fatalf("%s - %s = %s, %v", a, b, difference, err)
		}
	})
}

func TestAmountTextsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := amounts().Draw(t, "a"), amounts().Draw(t, "b")
		for name, text := range map[string]string{"String": a.String(), "Fixed": a.Fixed()} {
			for reader, parse := range map[string]func(string) (Amount, error){"Parse": Parse, "ParseFixed": ParseFixed} {
				if back, err := parse(text); err != nil || back != a {
					t.Fatalf("%s(%s %q) = %s, %v", reader, name, text, back, err)
				}
			}
		}
		if want := strings.TrimRight(strings.TrimRight(a.rat().FloatString(Scale), "0"), "."); a.String() != want {
			t.Fatalf("String = %q, want %q", a, want)
		}
		if got, want := cmp.Compare(a.Fixed(), b.Fixed()), a.Cmp(b); got != want {
			t.Fatalf("texts %s and %s compare as %d, amounts as %d", a.Fixed(), b.Fixed(), got, want)
		}
		_, fraction, _ := strings.Cut(a.String(), ".")
		if a.Decimals() != len(fraction) {
			t.Fatalf("Decimals of %s = %d", a, a.Decimals())
		}
	})
}

func TestMinorUnits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		amount string
		digits int
		minor  uint64
		ok     bool
	}{
		{"0", 2, 0, true},
		{"11.12", 2, 1112, true},
		{"11.12", 3, 11120, true},
		{"11.12", 1, 0, false},
		{"11.12", 0, 0, false},
		{"1500", 0, 1500, true},
		{"0.000000000000000001", 18, 1, true},
		{"0.000000000000000001", 17, 0, false},
		{"18.446744073709551615", 18, 1<<64 - 1, true},
		{"18.446744073709551616", 18, 0, false},
		{"18446744073709551615", 0, 1<<64 - 1, true},
		{"18446744073709551616", 0, 0, false},
		{largest, 2, 0, false},
		{largest, 18, 0, false},
		{"1", -1, 0, false},
		{"1", 19, 0, false},
	} {
		a := MustParse(tc.amount)
		minor, ok := a.Minor(tc.digits)
		if ok != tc.ok || (ok && minor != tc.minor) {
			t.Errorf("%s.Minor(%d) = %d, %t, want %d, %t", a, tc.digits, minor, ok, tc.minor, tc.ok)
		}
		if !tc.ok {
			continue
		}
		if back, err := FromMinor(tc.minor, tc.digits); err != nil || back != a {
			t.Errorf("FromMinor(%d, %d) = %s, %v, want %s", tc.minor, tc.digits, back, err, a)
		}
	}
	for _, digits := range []int{-1, 19} {
		if a, err := FromMinor(1, digits); !errors.Is(err, ErrRange) {
			t.Errorf("FromMinor(1, %d) = %s, %v, want ErrRange", digits, a, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n, digits := rapid.Uint64().Draw(t, "n"), rapid.IntRange(0, Scale).Draw(t, "digits")
		a, err := FromMinor(n, digits)
		if err != nil {
			t.Fatal(err)
		}
		if back, ok := a.Minor(digits); !ok || back != n {
			t.Fatalf("%d minor units of %d digits are %s, and back %d, %t", n, digits, a, back, ok)
		}
	})
}

func TestAmountAtItsBounds(t *testing.T) {
	t.Parallel()
	top, grain := MustParse(largest), MustParse("0.000000000000000001")
	if got := top.Fixed(); got != largest || top.String() != largest {
		t.Errorf("largest amount prints as %s and %s", got, top)
	}
	if sum, err := top.Add(grain); !errors.Is(err, ErrRange) {
		t.Errorf("largest and one step = %s, %v, want ErrRange", sum, err)
	}
	if sum, err := top.Add(top); !errors.Is(err, ErrRange) {
		t.Errorf("largest twice = %s, %v, want ErrRange", sum, err)
	}
	below, err := top.Sub(grain)
	if err != nil || below.Cmp(top) != -1 {
		t.Fatalf("below the largest: %s, %v", below, err)
	}
	if back, err := below.Add(grain); err != nil || back != top {
		t.Errorf("up to the largest: %s, %v", back, err)
	}
	var zero Amount
	if !zero.IsZero() || zero.String() != "0" || zero.Fixed() != "00000000000000000000.000000000000000000" || grain.IsZero() {
		t.Errorf("zero value is %q, %q", zero, zero.Fixed())
	}
	if got := MustParse("11.12").Fixed(); got != "00000000000000000011.120000000000000000" {
		t.Errorf("Fixed = %q", got)
	}
}

func TestAmountInJSON(t *testing.T) {
	t.Parallel()
	type doc struct {
		Amount Amount  `json:"amount,omitzero"`
		Fee    *Amount `json:"fee,omitempty"`
	}
	var d doc
	if err := json.Unmarshal([]byte(`{"amount": 1112e-2, "fee": 0.10}`), &d); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(d)
	if err != nil || string(out) != `{"amount":11.12,"fee":0.1}` {
		t.Errorf("written back: %s, %v", out, err)
	}
	if out, err = json.Marshal(doc{}); err != nil || string(out) != `{}` {
		t.Errorf("no amounts: %s, %v", out, err)
	}
	for in, want := range map[string]error{
		`{"amount":"10.00"}`:                 ErrSyntax,
		`{"amount":null}`:                    ErrSyntax,
		`{"amount":true}`:                    ErrSyntax,
		`{"amount":{}}`:                      ErrSyntax,
		`{"amount":-1}`:                      ErrNegative,
		`{"amount":1e400}`:                   ErrRange,
		`{"amount":0.0000000000000000001}`:   ErrPrecision,
		`{"amount":123456789012345678901}`:   ErrRange,
		`{"amount":10, "fee":"1"}`:           ErrSyntax,
		`{"amount":100000000000000000000.5}`: ErrRange,
	} {
		if err := json.Unmarshal([]byte(in), new(doc)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", in, err, want)
		}
	}
}
