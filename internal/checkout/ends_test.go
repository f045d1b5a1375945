package checkout_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

func nowhere(c *engine.Create) { c.ReturnURL = "" }

// TestEveryEndSaysWhatToDo: with an address to return to by a link there, else in words.
func TestEveryEndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		end         func(h *house, page string)
		title, then string
	}{
		{"paid", func(h *house, page string) { h.do("POST", page, h.card(page, approved)) }, "Payment successful", "The shop is told that you have paid."},
		{"declined", func(h *house, page string) { h.do("POST", page, h.card(page, refused)) }, "Payment declined", "start again in the shop"},
		{"cancelled", func(h *house, page string) { h.do("POST", page+"/cancel", h.fill(page)) }, "Payment cancelled", "start again in the shop"},
		{"too late", func(h *house, _ string) { h.clock.Advance(61 * time.Minute) }, "Time ran out", "start again in the shop"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			_, page := h.deposit(nowhere)
			tc.end(h, page)
			a := h.get(page)
			a.wants(t, "<h1>"+tc.title+"</h1>", "You can close this page.", tc.then, "Payment reference")
			a.lacks(t, "Return to Northwind")
			if got := a.header.Get("Refresh"); got != "" {
				t.Errorf("Refresh %q", got)
			}
			_, page = h.deposit()
			tc.end(h, page)
			a = h.get(page)
			a.wants(t, "<h1>"+tc.title+"</h1>", "Return to Northwind Books")
			a.lacks(t, "You can close this page.")
		})
	}
}

// TestACheckedCardHoldsNoMoney: the page does not say that an amount was reserved.
func TestACheckedCardHoldsNoMoney(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	id, page := p.deposit(nowhere, func(c *engine.Create) { c.Amount, c.PreAuth, c.Terms.Verify = money.Amount{}, true, true })
	p.do("POST", page, p.card(page, approved))
	if got := p.state(id); got != payment.Authorized {
		t.Fatalf("state %s", got)
	}
	a := p.get(page)
	a.wants(t, "<h1>Card added</h1>", "No money was taken.")
	a.lacks(t, "reserved")
}

func TestThePageSaysHowLongItIsOpen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	for _, step := range []struct {
		after time.Duration
		says  string
	}{{0, "You have 60 minutes to pay."}, {17 * time.Minute, "You have 43 minutes to pay."}, {42 * time.Minute, "You have one minute left to pay."}, {2 * time.Minute, "Time ran out"}} {
		h.clock.Advance(step.after)
		h.get(page).wants(t, step.says)
	}
}

type news struct {
	Shows string
	After int
	Says  string
}

func (h *house) news(page string) news {
	h.t.Helper()
	a := h.get(page + "/news")
	var told news
	if err := json.Unmarshal([]byte(a.body), &told); err != nil || a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		h.t.Fatalf("%d %v: %s", a.status, err, a.body)
	}
	return told
}

// TestAWaitingPageIsToldNews: it stays while what it shows is what there is, and says when it takes long.
func TestAWaitingPageIsToldNews(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, page := h.deposit()
	if got := h.news(page); got.Shows != "form" {
		t.Errorf("of a form: %+v", got)
	}
	h.do("POST", page, h.card(page, unheard))
	a := h.get(page)
	a.wants(t, `role="status" data-shows="wait"`, `data-after="3"`, `<noscript><meta http-equiv="refresh" content="3"></noscript>`, "Look again")
	if got := a.header.Get("Refresh"); got != "" {
		t.Errorf("Refresh %q restarts the page with script, too", got)
	}
	if got, want := h.news(page), (news{"wait", 3, ""}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	h.clock.Advance(40 * time.Second)
	if got := h.news(page); got.Shows != "wait" || got.After != 10 || !strings.Contains(got.Says, "longer than usual") {
		t.Errorf("%+v", got)
	}
	h.bank.settles(payment.ClassApproved)
	h.clock.Advance(time.Minute)
	if got := h.news(page); got.Shows != "result" {
		t.Errorf("%+v", got)
	}
}

// TestTheWayToTheBankLooksForNewsOnceTaken.
func TestTheWayToTheBankLooksForNewsOnceTaken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, page := h.deposit()
	h.do("POST", page, h.card(page, challenge))
	h.get(page).wants(t, `data-shows="bank"`, `data-after="10"`)
	if got, want := h.news(page), (news{"bank", 10, ""}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	h.bank.settles(payment.ClassApproved)
	h.clock.Advance(5 * time.Minute)
	if got := h.news(page); got.Shows != "result" || h.state(id) != payment.Completed {
		t.Errorf("%+v, %s", got, h.state(id))
	}
}

func TestNewsOfNoPayment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if a := h.get(h.url + "/payment/nothing/news"); a.status != http.StatusNotFound {
		t.Errorf("status %d", a.status)
	}
}
