package money_test

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/money"
)

func TestParseJSONNumberTo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lit      string
		decimals int
		want     string
	}{
		{"0.30000000000000004", 2, "0.3"},
		{"3.3000000000000003", 2, "3.3"},
		{"3.3000000000000003e0", 2, "3.3"},
		{"33000000000000003e-16", 2, "3.3"},
		{"0.29999999999999998889776975374843459576368331909179687500", 2, "0.3"}, // the double 0.3, to its last digit
		{"0.3000000000000001", 2, "0.3"},                                         // 1.8 units off
		{"0.3000000000000002", 2, "0.3000000000000002"},                          // 3.6
		{"99.99999999999999", 0, "100"},
		{"4.000000000000001", 2, "4"},
		{"3.9999999999999996", 2, "4"},
		{"999999999.9999999", 2, "1000000000"},
		{"0.0010000000000000002", 3, "0.001"},
		{"0.010000000000000002", 2, "0.01"},
		{"10.005", 2, "10.005"},
		{"0.004999999999999999", 2, "0.004999999999999999"},
		{"1.5", 0, "1.5"},
		{"0.1", 2, "0.1"},
		{"12.50", 2, "12.5"},
		{"1e3", 2, "1000"},
		{"0.30000000000000004", 18, "0.30000000000000004"},
		{"0.30000000000000004", -1, "0.30000000000000004"},
	} {
		got, err := money.ParseJSONNumberTo(c.lit, c.decimals)
		if err != nil || got.String() != c.want {
			t.Errorf("%s to %d: %s, %v; want %s", c.lit, c.decimals, got, err, c.want)
		}
	}
	for lit, want := range map[string]error{
		"-0.30000000000000004": money.ErrNegative, "0.3.0": money.ErrSyntax, `"0.3"`: money.ErrSyntax, "1e-19": money.ErrPrecision,
		"0.00000000000000000001": money.ErrPrecision, "1e31": money.ErrRange, "1.0050000000000000001": money.ErrPrecision,
		"0.3" + strings.Repeat("0", 61) + "4": money.ErrSyntax,
	} {
		if got, err := money.ParseJSONNumberTo(lit, 2); !errors.Is(err, want) {
			t.Errorf("%s: %s, %v; want %v", lit, got, err, want)
		}
	}
}

// TestNoiseOfDoubles: what a program gets that adds and multiplies whole numbers of cents as doubles is read as those, and
// a double three steps beside them is not.
func TestNoiseOfDoubles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.Uint64Range(1, 100_000_000_00).Draw(t, "cents")
		want, err := money.FromMinor(cents, 2)
		if err != nil {
			t.Fatal(err)
		}
		double, err := strconv.ParseFloat(want.String(), 64)
		if err != nil {
			t.Fatal(err)
		}
		steps := rapid.IntRange(-8, 8).Draw(t, "steps")
		towards := math.Inf(steps)
		for range max(steps, -steps) {
			double = math.Nextafter(double, towards)
		}
		lit := strconv.FormatFloat(double, 'f', -1, 64)
		got, err := money.ParseJSONNumberTo(lit, 2)
		switch near := -1 <= steps && steps <= 1; {
		case near && (err != nil || got != want):
			t.Fatalf("%s: %s, %v; want %s", lit, got, err, want)
		case steps >= 3 && got == want, steps <= -6 && got == want: // below a power of two steps are half as long
			t.Fatalf("%s is taken for %s", lit, want)
		}
	})
}

func BenchmarkParseJSONNumberTo(b *testing.B) {
	for _, lit := range []string{"11.12", "0.30000000000000004"} {
		b.Run(lit, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := money.ParseJSONNumberTo(lit, 2); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
