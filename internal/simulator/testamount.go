package simulator

import (
	"time"

	"github.com/sluicepay/sluice/internal/money"
)

// testAmountsYandex, as testAmounts of a payment, lets the amounts of the Yandex Pay sandbox decide about it.
const testAmountsYandex = "yandexpay"

// testAmount is an amount, in major units of whatever currency, that decides about a payment by itself.
type testAmount struct {
	amount decimal
	code   string // the verdict; empty: the customer never finishes
	note   string
}

var testAmounts = []testAmount{
	{decimal{money.MustParse("10001")}, "05", "declined with any card, code `05`"},
	{decimal{money.MustParse("10002")}, "51", "declined with any card: insufficient funds, code `51`"},
	{decimal{money.MustParse("10003")}, codeAuthFailed, "3DS fails with any card, code `T01`"},
	{decimal{money.MustParse("10004")}, "", "pending with any card until `expiresAt`, then declined, code `C04`"},
}

// bookTestAmount decides about t by its amount, where the request asks for that and the amount is one of the table.
// The customer is not asked. A scenario that names an answer code overrules it.
func (s *Simulator) bookTestAmount(t *tx, c *command, eff Effect, now time.Time) bool {
	if c.testAmounts == "" || c.method != methodCard || eff.ResponseCode != "" {
		return false
	}
	for _, a := range testAmounts {
		if a.amount != t.Amount {
			continue
		}
		switch a.code {
		case "":
			s.leaveWaiting(t)
			s.decide(t, verdict(codeCustomerTimeout), now)
			return true
		case codeAuthFailed:
			t.Auth = authNo
		}
		s.decide(t, verdict(a.code), now)
		return true
	}
	return false
}

// leaveWaiting keeps t open until the customer's time is over, or for ever where that has no end.
func (s *Simulator) leaveWaiting(t *tx) {
	t.Async, t.DueAt = -1, t.ActionUntil
	if !t.DueAt.IsZero() {
		s.later(dueItem{at: t.DueAt, tx: t})
	}
}
