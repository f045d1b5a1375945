package money_test

import (
	"errors"
	"testing"

	"github.com/sluicepay/sluice/internal/money"
)

// TestTimes: exact until the last step, which goes to the even neighbour where it is a half.
func TestTimes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, factor string
		decimals  int
		want      string
	}{
		{"10.00", "1.1", 2, "11"},
		{"10.01", "0.015", 2, "0.15"},                // 0.15015
		{"0.05", "0.5", 2, "0.02"},                   // 0.025: to the even one
		{"0.15", "0.5", 2, "0.08"},                   // 0.075: likewise
		{"0.050000000000000001", "0.5", 2, "0.03"},   // a little more than a half
		{"12345.67", "0", 2, "0"},                    //
		{"0", "7", 18, "0"},                          //
		{"1000", "149.123456789", 0, "149123"},       // as yen
		{"0.000000000000000001", "0.5", 18, "0"},     // half of the smallest step
		{"0.000000000000000003", "0.5", 18, "2e-18"}, // likewise
		{"99999999999999999999.99", "1", 2, "99999999999999999999.99"},
	} {
		want := money.MustParse("0.000000000000000002")
		if c.want != "2e-18" {
			want = money.MustParse(c.want)
		}
		if got, err := money.MustParse(c.a).Times(money.MustParse(c.factor), c.decimals); err != nil || got != want {
			t.Errorf("%s × %s with %d decimals is %s, %v; want %s", c.a, c.factor, c.decimals, got, err, want)
		}
	}
	for _, c := range []struct {
		a, factor string
		decimals  int
	}{
		{"99999999999999999999", "1.1", 2}, {"99999999999999999999", "99999999999999999999", 2}, {"99999999999999999999.99", "1", 1}, {"1", "1", 19}, {"1", "1", -1},
	} {
		if got, err := money.MustParse(c.a).Times(money.MustParse(c.factor), c.decimals); !errors.Is(err, money.ErrRange) {
			t.Errorf("%s × %s with %d decimals: %s, %v", c.a, c.factor, c.decimals, got, err)
		}
	}
}
