package checkout_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/risk"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// TestThePageOfAPaymentInReviewWaits: it shows no form, says nothing of why, and takes neither another card nor a cancel. Once
// the payment was let pass it is paid; where the card is gone, the form comes again, and forms of before are not taken.
func TestThePageOfAPaymentInReviewWaits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var from netip.Addr
	h.screen = func(f *risk.Facts) (payment.Verdict, error) {
		from = f.From
		if f.Payment.Screened.Passed {
			return payment.Verdict{}, nil
		}
		return payment.Verdict{Kind: payment.VerdictReview, Reason: "suspicious", Until: f.Now.Add(72 * time.Hour)}, nil
	}
	pass := func(id payment.ID) {
		t.Helper()
		_, _, err := h.engine.ManualUpdate(t.Context(), store.ManualUpdate{Shop: h.shop.ID, Payment: id, To: store.PassByHand, Reason: "known", AskedBy: "ann"})
		if err != nil {
			t.Fatal(err)
		}
	}
	waits := func(id payment.ID, page string) {
		t.Helper()
		form := h.card(page, approved)
		for range 2 {
			if a := h.do("POST", page, form); a.status != http.StatusSeeOther {
				t.Fatalf("status %d:\n%s", a.status, a.body)
			}
		}
		h.do("POST", page+"/cancel", form)
		a := h.get(page)
		if a.status != http.StatusOK || strings.Contains(a.body, `name="number"`) || strings.Contains(a.body, "/cancel") ||
			strings.Contains(a.body, "suspicious") || !strings.Contains(a.body, `http-equiv="refresh"`) || h.state(id) != payment.Pending || len(h.bank.calls()) != 0 {
			t.Fatalf("status %d, state %s, %d calls:\n%s", a.status, h.state(id), len(h.bank.calls()), a.body)
		}
	}
	id, page := h.deposit()
	waits(id, page)
	if !from.IsValid() {
		t.Error("the screening does not hear where the customer is")
	}
	h.clock.Advance(2 * vault.Hold) // the card is gone
	before := h.state(id)
	pass(id)
	a := h.get(page)
	if before != payment.Pending || !strings.Contains(a.body, `name="number"`) || h.state(id) != payment.Pending {
		t.Fatalf("%s, then %s:\n%s", before, h.state(id), a.body)
	}
	form := h.card(page, approved)
	for range 2 {
		h.do("POST", page, form)
	}
	if h.state(id) != payment.Completed || len(h.bank.calls()) != 1 {
		t.Errorf("%s after %d calls", h.state(id), len(h.bank.calls()))
	}
}

// TestWhatAReviewLetPassMayNeedItsCustomer: the bank that asks finds the page ready to lead there, with time left.
func TestWhatAReviewLetPassMayNeedItsCustomer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.screen = func(f *risk.Facts) (payment.Verdict, error) {
		return payment.Verdict{Kind: payment.VerdictReview, Until: f.Now.Add(72 * time.Hour)}, nil
	}
	id, page := h.deposit()
	h.do("POST", page, h.card(page, challenge))
	h.clock.Advance(vault.Hold / 2)
	_, _, err := h.engine.ManualUpdate(t.Context(), store.ManualUpdate{Shop: h.shop.ID, Payment: id, To: store.PassByHand, Reason: "known", AskedBy: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if a := h.get(page); !strings.Contains(a.body, page[len(h.url):]+"/continue") || h.state(id) != payment.Pending {
		t.Errorf("%s:\n%s", h.state(id), a.body)
	}
	h.do("POST", page+"/continue", nil)
	if a := h.get(page + "/continue"); !strings.HasSuffix(a.header.Get("Refresh"), h.bank.page) {
		t.Errorf("led to %q", a.header.Get("Refresh"))
	}
	h.bank.settles(payment.ClassApproved)
	h.get(page + "/return")
	if h.state(id) != payment.Completed {
		t.Errorf("it is %s", h.state(id))
	}
}
