package checkout_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
)

// tryAgain is what the form says after a try that never left.
const tryAgain = "through no fault of yours"

// TestFormComesAgainWhenNothingCouldLeave: one calm sentence, the same form, and the next click pays, once.
func TestFormComesAgainWhenNothingCouldLeave(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.shutOff(true)
	id, page := h.deposit()
	first := h.card(page, approved)
	for range 2 {
		if a := h.do("POST", page, h.card(page, approved)); a.status != http.StatusSeeOther || a.location() != strings.TrimPrefix(page, h.url) {
			t.Fatalf("status %d to %q", a.status, a.location())
		}
		a := h.get(page)
		if a.status != http.StatusOK || !strings.Contains(a.body, tryAgain) || !strings.Contains(a.body, `name="number"`) ||
			!strings.Contains(a.body, "/cancel") || a.header.Get("Refresh") != "" || h.state(id) != payment.Pending {
			t.Fatalf("status %d, state %s:\n%s", a.status, h.state(id), a.body)
		}
	}
	h.bank.shutOff(false)
	h.do("POST", page, first) // of an old tab: it shows the payment as it is
	if len(h.bank.calls()) != 0 {
		t.Error("the form of an earlier try was taken")
	}
	form := h.card(page, approved)
	for range 2 {
		h.do("POST", page, form)
	}
	if h.state(id) != payment.Completed || len(h.bank.calls()) != 1 {
		t.Errorf("%s after %d calls", h.state(id), len(h.bank.calls()))
	}
}

// TestBetweenTriesThePageCancelsAndExpires.
func TestBetweenTriesThePageCancelsAndExpires(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.shutOff(true)
	between := func(edit ...func(*engine.Create)) (payment.ID, string) {
		id, page := h.deposit(edit...)
		h.do("POST", page, h.card(page, approved))
		return id, page
	}
	id, page := between()
	h.do("POST", page+"/cancel", h.fill(page))
	if a := h.get(page); h.state(id) != payment.Cancelled || !strings.Contains(a.body, "cancelled") {
		t.Errorf("%s:\n%s", h.state(id), a.body)
	}
	id, page = between()
	form := h.card(page, approved)
	h.clock.Advance(61 * time.Minute)
	h.bank.shutOff(false)
	h.do("POST", page, form)
	if a := h.get(page); len(h.bank.calls()) != 0 || !strings.Contains(a.body, "Time ran out") {
		t.Errorf("%d calls:\n%s", len(h.bank.calls()), a.body)
	}
	if err := h.engine.Work(t.Context(), h.shop.ID, id); err != nil {
		t.Fatal(err)
	}
	if a := h.get(page); h.state(id) != payment.Cancelled || !strings.Contains(a.body, "Time ran out") {
		t.Errorf("%s:\n%s", h.state(id), a.body)
	}
}
