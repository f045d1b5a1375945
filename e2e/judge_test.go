package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// booking is one line of the simulator's ledger: what was really done.
type booking struct {
	Seq       int64       `json:"seq"`
	Type      string      `json:"type"`
	Kind      string      `json:"kind"`
	Reference string      `json:"reference"`
	Original  string      `json:"originalReference"`
	Amount    json.Number `json:"amount"`
	Currency  string      `json:"currency"`
}

// paymentID is the middle of our reference, epoch-payment-attempt.
func paymentID(reference string) string {
	parts := strings.Split(reference, "-")
	if len(parts) != 3 || len(parts[1]) != 32 {
		return ""
	}
	return parts[1]
}

// readLedger reads the whole ledger.
func (s *simulator) readLedger(t testing.TB) []booking {
	t.Helper()
	res, err := http.Get(s.URL + "/ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var all []booking
	for lines := json.NewDecoder(res.Body); lines.More(); {
		var b booking
		if err := lines.Decode(&b); err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// control posts to one of the simulator's controls.
func (s *simulator) control(t testing.TB, path string, body any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(s.URL+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s: status %d", path, res.StatusCode)
	}
}

// healthy fails the test when the simulator's own books were ever wrong.
func (s *simulator) healthy(t testing.TB) {
	t.Helper()
	res, err := http.Get(s.URL + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the simulator's books are wrong: status %d", res.StatusCode)
	}
}

// account is what the ledger holds for one payment.
type account struct {
	held, captured, voided, refunded, paidOut, verified []booking
}

func accounts(ledger []booking) map[string]*account {
	all := map[string]*account{}
	for _, b := range ledger {
		id := paymentID(b.Reference)
		a := all[id]
		if a == nil {
			a = &account{}
			all[id] = a
		}
		switch b.Type {
		case "authorized":
			a.held = append(a.held, b)
		case "captured":
			a.captured = append(a.captured, b)
		case "voided", "expired":
			a.voided = append(a.voided, b)
		case "refunded":
			a.refunded = append(a.refunded, b)
		case "paid_out":
			a.paidOut = append(a.paidOut, b)
		case "verified":
			a.verified = append(a.verified, b)
		}
	}
	return all
}

func (a *account) moved() bool {
	return len(a.held)+len(a.captured)+len(a.voided)+len(a.refunded)+len(a.paidOut) > 0
}

// disagreements compares every payment of the shop with the ledger and returns each difference in words. The list is
// complete: money that moved for a payment which the shop does not have is a difference too. So is money that was kept
// of a deposit which the merchant was told to be rolled back.
func disagreements(shown []paid, ledger []booking, undone ...string) []string {
	var found []string
	books := accounts(ledger)
	byID := map[string]*paid{}
	returned := map[string]*big.Rat{}
	for i := range shown {
		p := &shown[i]
		byID[p.ID] = p
		a := books[p.ID]
		if a == nil {
			a = &account{}
		}
		if why := disagrees(p, a); why != "" {
			found = append(found, fmt.Sprintf("%s %s %s: %s", p.PaymentType, p.ID, p.State, why))
		}
		for _, b := range a.refunded {
			if returned[p.Parent] == nil {
				returned[p.Parent] = new(big.Rat)
			}
			returned[p.Parent].Add(returned[p.Parent], number(b.Amount))
		}
	}
	for id, a := range books {
		if byID[id] == nil && a.moved() {
			found = append(found, fmt.Sprintf("money moved for payment %q, which the shop does not have", id))
		}
	}
	for id, sum := range returned {
		if p := byID[id]; p == nil || sum.Cmp(number(p.Amount)) > 0 {
			found = append(found, fmt.Sprintf("%s refunded of deposit %q %+v", sum.FloatString(2), id, p))
		}
	}
	for _, id := range undone {
		if kept := keptOf(books[id], returned[id]); kept != "" {
			found = append(found, fmt.Sprintf("deposit %s %s was rolled back: %s", id, byID[id].State, kept))
		}
	}
	return found
}

// keptOf says what a merchant still has, or holds, of a deposit of which so much was refunded; nothing is "".
func keptOf(a *account, returned *big.Rat) string {
	if a == nil {
		return ""
	}
	kept := new(big.Rat)
	for _, b := range a.captured {
		kept.Add(kept, number(b.Amount))
	}
	if returned != nil {
		kept.Sub(kept, returned)
	}
	switch {
	case kept.Sign() != 0:
		return kept.FloatString(2) + " of its money is kept"
	case len(a.captured) == 0 && len(a.held) > len(a.voided):
		return "its money is held"
	}
	return ""
}

// disagrees says what is wrong with one payment, or nothing.
func disagrees(p *paid, a *account) string {
	if p.State == "PENDING" {
		return "still open"
	}
	switch p.PaymentType {
	case "WITHDRAWAL":
		return once(p, a.paidOut, p.State == "COMPLETED", "paid out")
	case "REFUND":
		return once(p, a.refunded, p.State == "COMPLETED", "refunded")
	}
	if p.State == "COMPLETED" && p.binding() {
		if len(a.verified) != 1 || len(a.held)+len(a.captured) > 0 {
			return fmt.Sprintf("the card was verified %d times, held %d, captured %d", len(a.verified), len(a.held), len(a.captured))
		}
		return ""
	}
	if why := once(p, a.captured, p.State == "COMPLETED", "captured"); why != "" {
		return why
	}
	if len(a.held) > 1 || len(a.voided) > len(a.held) {
		return fmt.Sprintf("held %d times, released %d times", len(a.held), len(a.voided))
	}
	standing := len(a.held) - len(a.voided)
	switch {
	case p.State == "AUTHORIZED" && (standing != 1 || number(a.held[0].Amount).Cmp(number(p.Amount)) != 0):
		return fmt.Sprintf("holds are %+v less %d", a.held, len(a.voided))
	case p.State == "COMPLETED" && len(a.voided) > 0:
		return "the hold was released"
	case p.State != "AUTHORIZED" && p.State != "COMPLETED" && standing != 0:
		return "the money is still held"
	}
	return ""
}

// once checks that the money moved exactly once, for the payment's amount, or not at all.
func once(p *paid, moves []booking, want bool, what string) string {
	if !want {
		if len(moves) > 0 {
			return fmt.Sprintf("%s %d times", what, len(moves))
		}
		return ""
	}
	if len(moves) != 1 {
		return fmt.Sprintf("%s %d times", what, len(moves))
	}
	if number(moves[0].Amount).Cmp(number(p.Amount)) != 0 || moves[0].Currency != p.Currency {
		return fmt.Sprintf("%s %s %s instead of %s %s", what, moves[0].Amount, moves[0].Currency, p.Amount, p.Currency)
	}
	return ""
}

// number reads an exact decimal; what is none counts as -1, which equals nothing.
func number(n json.Number) *big.Rat {
	if r, ok := new(big.Rat).SetString(n.String()); ok {
		return r
	}
	return big.NewRat(-1, 1)
}

// settle asks for each open payment until none is left or the time is over, and returns all payments of the shop. The
// money of the deposits undone has to be back, too; where that takes long, merchants roll back once more.
func (c *client) settle(t testing.TB, within time.Duration, undone ...string) []paid {
	t.Helper()
	var open []string
	for _, p := range c.all(t) {
		if p.State == "PENDING" {
			open = append(open, p.ID)
		}
	}
	deadline := time.Now().Add(within)
	for ; len(open) > 0 && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		open = slices.DeleteFunc(open, func(id string) bool { return c.get(t, id).State != "PENDING" })
	}
	shown := c.all(t)
	patient := setting.Number(t, "SLUICE_TEST_KILLS", 12) >= 50
	remind := time.Now().Add(ownAccord)
	if patient {
		remind = remind.Add(ownAccordAgain)
	}
	deadline = remind.Add(patience + within)
	reminded := false
	for open = owing(shown, undone); len(open) > 0 && time.Now().Before(deadline); open = owing(shown, undone) {
		if time.Now().After(remind) {
			forgotten := untried(shown, open)
			late := patient || len(forgotten) > 0 && time.Now().After(remind.Add(patience))
			if late && !reminded {
				t.Errorf("the engine has not given back by itself: %v, and never tried for %v", open, forgotten)
				reminded = true
			}
			c.remind(t, shown, slices.DeleteFunc(open, func(id string) bool { return !reminded && slices.Contains(forgotten, id) }))
		}
		time.Sleep(200 * time.Millisecond)
		shown = c.all(t)
	}
	return shown
}

// ownAccord is how long the engine has to give the money of rolled back deposits back before merchants roll back once
// more those for which it has begun to, and ownAccordAgain how much longer it may take where a try of that was killed: it
// waits for a minute before the next.
const (
	ownAccord      = 6 * time.Second
	ownAccordAgain = 3 * time.Minute
)

// untried returns the paid ones of the deposits open that no refund without a name, such as the engine's own, was ever
// made for, whatever came of it.
func untried(shown []paid, open []string) (found []string) {
	tried := map[string]bool{}
	for i := range shown {
		if p := &shown[i]; p.PaymentType == "REFUND" && (p.ReferenceID == "" || p.State == "PENDING") {
			tried[p.Parent] = true
		}
	}
	for i := range shown {
		if p := &shown[i]; p.State == "COMPLETED" && slices.Contains(open, p.ID) && !tried[p.ID] {
			found = append(found, p.ID)
		}
	}
	return found
}

// remind rolls deposits back once more, which tries at once what failed before.
func (c *client) remind(t testing.TB, shown []paid, open []string) {
	t.Helper()
	m := &merchant{client: c}
	for i := range shown {
		if p := &shown[i]; slices.Contains(open, p.ID) {
			a, err := m.call(t.Context(), payCall{method: "POST", path: ordersPath(p.ReferenceID) + "/rollback"})
			if err != nil || a.status != http.StatusOK && !a.tryAgain() {
				t.Errorf("rollback of %s once more: %v %v", p.ID, a, err)
			}
		}
	}
}

// owing returns those of the deposits undone that still hold or have money, by what the shop is shown.
func owing(shown []paid, undone []string) []string {
	returned := map[string]*big.Rat{}
	var open []string
	for i := range shown {
		p := &shown[i]
		if p.PaymentType != "REFUND" {
			continue
		}
		if p.State == "PENDING" {
			open = append(open, p.Parent)
		}
		if returned[p.Parent] == nil {
			returned[p.Parent] = new(big.Rat)
		}
		if p.State == "COMPLETED" {
			returned[p.Parent].Add(returned[p.Parent], number(p.Amount))
		}
	}
	for i := range shown {
		p := &shown[i]
		if !slices.Contains(undone, p.ID) {
			continue
		}
		back := returned[p.ID]
		completed := p.State == "COMPLETED" && !p.binding()
		if p.State == "PENDING" || p.State == "AUTHORIZED" || completed && (back == nil || back.Cmp(number(p.Amount)) != 0) {
			open = append(open, p.ID)
		}
	}
	return open
}
