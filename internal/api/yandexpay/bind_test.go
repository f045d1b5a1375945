package yandexpay

import (
	"testing"

	"github.com/sluicepay/sluice/internal/api"
)

// TestWholeNumbersInAnySpelling reads a ttl. A whole number is one whatever its spelling: some clients print all
// numbers with a point.
func TestWholeNumbersInAnySpelling(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		literal string
		want    int // 0 is a fault
	}{
		{`1800`, 1800}, {`"1800"`, 1800}, {`null`, defaultTTL}, {`""`, defaultTTL},
		{`1800.0`, 1800}, {`1.8e3`, 1800}, {`180000E-2`, 1800}, {`604800.00`, mostTTL},
		{`1800.5`, 0}, {`179.99`, 0}, {`179`, 0}, {`604801`, 0}, {`604800.1`, 0}, {`-1800`, 0}, {`-1800.0`, 0}, {`1e400`, 0}, {`18446744073709553416`, 0},
		{`4294969096`, 0}, {`"1800.0"`, 0}, {`"x"`, 0}, {`true`, 0}, {`[1800]`, 0}, {`{}`, 0},
	} {
		doc, err := api.Decode([]byte(`{"ttl":` + c.literal + `}`))
		if err != nil {
			t.Fatal(err)
		}
		b := newBinder(doc)
		got := b.integer("ttl", leastTTL, mostTTL, defaultTTL)
		if len(*b.faults) > 0 {
			got = 0
		}
		if got != c.want {
			t.Errorf("%s is %d, want %d", c.literal, got, c.want)
		}
	}
}
