package money

import (
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, want string // want is the text of String, if there is no error
		err      error
	}{
		{"0", "0", nil},
		{"0.0", "0", nil},
		{"10", "10", nil},
		{"10.00", "10", nil},
		{"11.12", "11.12", nil},
		{"0.00001", "0.00001", nil},
		{"007.50", "7.5", nil},
		{"1000000000", "1000000000", nil},
		{"0.000000000000000001", "0.000000000000000001", nil},
		{"1.0000000000000000010000", "1.000000000000000001", nil},
		{largest, largest, nil},
		{"00" + largest + "00", largest, nil},
		{strings.Repeat("0", 63) + "7", "7", nil},
		{"20000000000000000000.5", "20000000000000000000.5", nil},

		{"0.0000000000000000001", "", ErrPrecision},
		{"1.1234567890123456789", "", ErrPrecision},
		{"100000000000000000000", "", ErrRange},
		{"340282366920938463463374607431768211456", "", ErrRange},
		{strings.Repeat("9", 64), "", ErrRange},

		{"", "", ErrSyntax},
		{".", "", ErrSyntax},
		{".5", "", ErrSyntax},
		{"5.", "", ErrSyntax},
		{"-1", "", ErrSyntax},
		{"+1", "", ErrSyntax},
		{"-0", "", ErrSyntax},
		{"1e3", "", ErrSyntax},
		{"1E3", "", ErrSyntax},
		{" 1", "", ErrSyntax},
		{"1 ", "", ErrSyntax},
		{"1\n", "", ErrSyntax},
		{"1\x00", "", ErrSyntax},
		{"1_000", "", ErrSyntax},
		{"1,5", "", ErrSyntax},
		{"1.2.3", "", ErrSyntax},
		{"0x1F", "", ErrSyntax},
		{"NaN", "", ErrSyntax},
		{"Inf", "", ErrSyntax},
		{"٣", "", ErrSyntax},
		{"１", "", ErrSyntax},
		{"\xff", "", ErrSyntax},
		{strings.Repeat("0", 64) + "7", "", ErrSyntax},
	} {
		got, err := Parse(tc.in)
		if !errors.Is(err, tc.err) {
			t.Errorf("Parse(%q) error = %v, want %v", tc.in, err, tc.err)
			continue
		}
		if err == nil && got.String() != tc.want {
			t.Errorf("Parse(%q) = %s, want %s", tc.in, got, tc.want)
		}
		if err != nil && got != (Amount{}) {
			t.Errorf("Parse(%q) = %s beside an error", tc.in, got)
		}
		if _, fixed := ParseFixed(tc.in); !errors.Is(fixed, tc.err) {
			t.Errorf("ParseFixed(%q) error = %v, want %v", tc.in, fixed, tc.err)
		}
	}
}

func TestParseJSONNumber(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, want string
		err      error
	}{
		{"0", "0", nil},
		{"0.0", "0", nil},
		{"0e30", "0", nil},
		{"10", "10", nil},
		{"11.120", "11.12", nil},
		{"1.5e3", "1500", nil},
		{"1.5E+3", "1500", nil},
		{"1112e-2", "11.12", nil},
		{"1e-18", "0.000000000000000001", nil},
		{"1e19", "10000000000000000000", nil},
		{"1e0000000000000000000000005", "100000", nil},
		{"1000000000000000000000000000000e-30", "1", nil},
		{"0.000000000000000000000000000001e30", "1", nil},
		{"0.000000000012345678e12", "12.345678", nil},
		{largest, largest, nil},
		{"99999999999999999999999999999999999999e-18", largest, nil},

		{"1e20", "", ErrRange},
		{"1e30", "", ErrRange},
		{"1e31", "", ErrRange},
		{"1e400", "", ErrRange},
		{"0e31", "", ErrRange},
		{"1e-31", "", ErrRange},
		{"1e99999999999999999999999999", "", ErrRange},
		{"100000000000000000000", "", ErrRange},
		{"1e-19", "", ErrPrecision},
		{"1e-30", "", ErrPrecision},
		{"0.0000000000000000001", "", ErrPrecision},

		{"-1", "", ErrNegative},
		{"-0", "", ErrNegative},
		{"-0.0e1", "", ErrNegative},
		{"-1e400", "", ErrNegative},

		{"", "", ErrSyntax},
		{"-", "", ErrSyntax},
		{"--1", "", ErrSyntax},
		{"+1", "", ErrSyntax},
		{"01", "", ErrSyntax},
		{"00", "", ErrSyntax},
		{"-01", "", ErrSyntax},
		{".5", "", ErrSyntax},
		{"5.", "", ErrSyntax},
		{"5.e1", "", ErrSyntax},
		{"1e", "", ErrSyntax},
		{"1e+", "", ErrSyntax},
		{"1e1.5", "", ErrSyntax},
		{"1 ", "", ErrSyntax},
		{"1,", "", ErrSyntax},
		{`"1"`, "", ErrSyntax},
		{"null", "", ErrSyntax},
		{"NaN", "", ErrSyntax},
		{"Infinity", "", ErrSyntax},
		{"0x1", "", ErrSyntax},
		{strings.Repeat("1", 65), "", ErrSyntax},
	} {
		got, err := ParseJSONNumber(tc.in)
		if !errors.Is(err, tc.err) {
			t.Errorf("ParseJSONNumber(%q) error = %v, want %v", tc.in, err, tc.err)
			continue
		}
		if err == nil && got.String() != tc.want {
			t.Errorf("ParseJSONNumber(%q) = %s, want %s", tc.in, got, tc.want)
		}
	}
}

func TestMustParsePanicsOnWhatParseRefuses(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MustParse("1e3")
}

func TestParsingDoesNotAllocate(t *testing.T) {
	text, raw := "1234567890.123456789", []byte("1234567890.123456789")
	var a Amount
	buf := make([]byte, 0, fixedLen)
	for name, f := range map[string]func(){
		"Parse":           func() { a, _ = Parse(text) },
		"Parse bytes":     func() { a, _ = Parse(string(raw)) },
		"ParseJSONNumber": func() { a, _ = ParseJSONNumber(text) },
		"ParseFixed":      func() { a, _ = ParseFixed(text) },
		"AppendTo":        func() { buf = a.AppendTo(buf[:0]) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// expect says by a second route, rational numbers, what a text that is an unsigned number stands for.
func expect(t *testing.T, text string) (*big.Rat, error) {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("big.Rat does not read %q", text)
	}
	steps := new(big.Rat).Mul(r, new(big.Rat).SetInt(step))
	switch limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil); {
	case !steps.IsInt():
		return nil, ErrPrecision
	case steps.Num().Cmp(limit) >= 0:
		return nil, ErrRange
	}
	return r, nil
}

func agree(t *testing.T, text string, got Amount, err error) {
	t.Helper()
	want, wantErr := expect(t, text)
	switch {
	case wantErr != nil && (errors.Is(err, ErrPrecision) || errors.Is(err, ErrRange)):
		// A text can be both too fine and too large; which of the two is told does not matter.
	case wantErr != nil || err != nil:
		t.Fatalf("%q: error %v, want %v", text, err, wantErr)
	case got.rat().Cmp(want) != 0:
		t.Fatalf("%q = %s, want %s", text, got, want)
	case MustParse(got.String()) != got || MustParse(got.Fixed()) != got:
		t.Fatalf("%q: %s and %s do not read back", text, got, got.Fixed())
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"0", "10", "11.12", "0.00001", largest, ".5", "5.", "-1", "1e3", "NaN", "1_0", "007", "0.0000000000000000001",
		"100000000000000000000", strings.Repeat("9", 65), "18446744073709551616.000000000000000001",
	} {
		f.Add(s)
	}
	plain := regexp.MustCompile(`\A[0-9]+(\.[0-9]+)?\z`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text)
		if len(text) > maxText || !plain.MatchString(text) {
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("%q: %s, %v, want ErrSyntax", text, got, err)
			}
			return
		}
		agree(t, text, got, err)
	})
}

func FuzzParseJSONNumber(f *testing.F) {
	for _, s := range []string{
		"0", "-0", "10", "11.120", "1.5e3", "1112e-2", "1e400", "1e-30", "1e31", "01", "1e", "1.", "-1.5", largest,
		"99999999999999999999999999999999999999e-18", "0.000000000000000000000000000001e30", "1e0000030", `"1"`, "null",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseJSONNumber(text)
		isNumber := json.Valid([]byte(text)) && text != "" && strings.Trim(text, "-.eE+0123456789") == ""
		switch {
		case len(text) > maxText || !isNumber:
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("%q: %s, %v, want ErrSyntax", text, got, err)
			}
			return
		case text[0] == '-':
			if !errors.Is(err, ErrNegative) {
				t.Fatalf("%q: %s, %v, want ErrNegative", text, got, err)
			}
			return
		}
		if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); ok {
			if n, parseErr := strconv.Atoi(exponent); parseErr != nil || n > maxExponent || n < -maxExponent {
				if !errors.Is(err, ErrRange) {
					t.Fatalf("%q: %s, %v, want ErrRange", text, got, err)
				}
				return
			}
		}
		agree(t, text, got, err)
	})
}

func BenchmarkParse(b *testing.B) {
	for _, text := range []string{"11.12", largest} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseJSONNumber(b *testing.B) {
	for _, text := range []string{"11.12", "1112e-2"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseJSONNumber(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkString(b *testing.B) {
	for _, text := range []string{"11.12", largest} {
		a, buf := MustParse(text), make([]byte, 0, fixedLen)
		b.Run("AppendTo/"+text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf = a.AppendTo(buf[:0])
			}
		})
		b.Run("String/"+text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = a.String()
			}
		})
		b.Run("Fixed/"+text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = a.Fixed()
			}
		})
	}
}

// TestZerosThatFillUpMeanNothing: an amount is read back with them as without, and what is no amount is none either way.
func TestZerosThatFillUpMeanNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0", "0.0", "11.12", "1", "00000000", "000000000", "0000000000000000", "00000000.00000000", "1.00000000", "1.000000000", "100000000.5",
		"00000000100000000.100000000", "99999999999999999999.999999999999999999", "00000000.", ".00000000", ".000000000", "00000000x", "00000000-1.5", "1.5x00000000",
		"1.00000000x", "", ".", "0000000000000000000000000000000000000000000000000000000000000001", "00000000000000000000000000000000000000000000000000000000000000001",
		"1.00000000000000000000000000000000000000000000000000000000000000000", "0.0000000000000000001", "1..00000000", "1.2.00000000",
	} {
		want, wrong := Parse(text)
		got, err := ParseFixed(text)
		if got != want || (err == nil) != (wrong == nil) {
			t.Errorf("%q is read as %v, %v; without a short cut as %v, %v", text, got, err, want, wrong)
		}
	}
}
