package payment_test

import (
	"fmt"
	"testing"

	"github.com/sluicepay/sluice/internal/payment"
)

// TestTokensOfDecisions: a payment tells of its last decisions whether they were made, and says so when it has forgotten.
func TestTokensOfDecisions(t *testing.T) {
	t.Parallel()
	mine := payment.Decision{Payment: payment.Payment{ID: "p", Version: 3}}
	if made, known := mine.Made(&payment.Payment{Version: 4}); made || !known {
		t.Errorf("without a token: made %t, known %t", made, known)
	}
	for _, bad := range []string{"", "short", "much too long"} {
		if mine.Sign(bad) == nil {
			t.Errorf("signed by %q", bad)
		}
	}
	if err := mine.Sign("mine0000"); err != nil || mine.Sign("again000") == nil {
		t.Errorf("signed once: %v, or twice", err)
	}
	stored, foreign := mine.Payment, payment.Payment{ID: "p", Version: 3}
	stored.Version++
	for n := range 20 {
		made, known := mine.Made(&stored)
		if want := n < 16; made != want || known != want {
			t.Errorf("applied, then %d others: made %t, known %t", n, made, known)
		}
		made, known = mine.Made(&foreign)
		if want := n < 17; made || known != want { // the 17th may have come instead of one that is forgotten
			t.Errorf("not applied, %d others came: made %t, known %t", n, made, known)
		}
		for _, p := range []*payment.Payment{&stored, &foreign} {
			d := payment.Decision{Payment: *p}
			if err := d.Sign(fmt.Sprintf("%08d", n)); err != nil {
				t.Fatal(err)
			}
			*p = d.Payment
			p.Version++
		}
	}
}

// TestTokensAreNotFoundAcrossTheirEdges: eight characters that end one token and begin the next are none.
func TestTokensAreNotFoundAcrossTheirEdges(t *testing.T) {
	t.Parallel()
	d := payment.Decision{Token: "bbbbcccc", Payment: payment.Payment{Version: 1}}
	if made, known := d.Made(&payment.Payment{Version: 2, Tokens: "aaaabbbbccccdddd"}); made || !known {
		t.Errorf("made %t, known %t", made, known)
	}
}
