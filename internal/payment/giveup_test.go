package payment_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// TestCodesAtTheBank: a customer who refuses is told from one who is late, whoever noticed that it was too late; and a
// customer who only began at the end of the checkout has the time to confirm.
func TestCodesAtTheBank(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method payment.Method
		fact   payment.Fact
		state  payment.State
		code   payment.ErrorCode
	}{
		"refused in the app": {payment.Blik, payment.Fact{Class: payment.ClassCancelled, Code: "2.00"}, payment.Cancelled, "2.00"},
		"late":               {payment.Blik, payment.Fact{Class: payment.ClassCancelled, Code: "1.04"}, payment.Declined, "3.18"},
		"without a reason":   {payment.Blik, payment.Fact{Class: payment.ClassCancelled}, payment.Declined, "3.18"},
		"another method":     {payment.Pix, payment.Fact{Class: payment.ClassCancelled}, payment.Cancelled, "1.04"},
	} {
		p := deposit("10", false)
		p.Method, p.CheckoutUntil = c.method, start.Add(10*time.Minute)
		w := sent(t, p)
		w.answerAt(t, payment.Fact{Class: payment.ClassWaiting, Next: payment.GoTo("https://bank.example/1")}, 0)
		w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")})
		if d := w.answerAt(t, c.fact, 0); w.p.State() != c.state || w.p.ErrorCode != c.code || d.Call != nil {
			t.Errorf("%s: %s %q, want %s %q", name, w.p.State(), w.p.ErrorCode, c.state, c.code)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGivenUpAt: when the provider is asked to close what is open, by whom and how the customer pays.
func TestGivenUpAt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method      payment.Method
		order       bool
		after, ends time.Duration // of the checkout: begun, and given up; never where ends is 0
	}{
		"card":       {payment.BasicCard, false, 0, 0},
		"order":      {payment.BasicCard, true, 0, 10 * time.Minute},
		"code":       {payment.Blik, false, 0, 10 * time.Minute},
		"late code":  {payment.Blik, false, 9 * time.Minute, 12 * time.Minute},
		"late order": {payment.Blik, true, 8 * time.Minute, 11 * time.Minute},
		"charge":     {payment.Pix, false, 9 * time.Minute, 10 * time.Minute},
		"bank":       {payment.OpenBanking, false, 0, 0},
	} {
		p := deposit("10", false)
		p.Method, p.CheckoutUntil = c.method, start.Add(10*time.Minute)
		if c.order {
			p.Terms.Lasts = 10 * time.Minute
		}
		w := newWorld(t, p, nil)
		w.now = start.Add(c.after)
		w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
		call := w.call
		w.do(t, payment.Answer{Attempt: call.Attempt.Seq, Op: call.Op, Fact: payment.Fact{Class: payment.ClassWaiting},
			NextCheck: start.Add(time.Hour)})
		end := start.Add(c.ends)
		switch {
		case c.ends == 0 && (w.p.GivenUp(start.Add(24*time.Hour)) || !w.p.Due.Equal(start.Add(time.Hour))):
			t.Errorf("%s: given up by the clock, due %s", name, w.p.Due)
		case c.ends != 0 && (w.p.GivenUp(end.Add(-time.Microsecond)) || !w.p.GivenUp(end) || !w.p.Due.Equal(end)):
			t.Errorf("%s: not given up at %s, or due %s", name, end, w.p.Due)
		}
		w.do(t, payment.Abandon{})
		if !w.p.GivenUp(w.now) || !w.p.Due.Equal(w.now) {
			t.Errorf("%s: abandoned at %s, due %s", name, w.now, w.p.Due)
		}
		if d := w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")}); !d.Call.Fence {
			t.Errorf("%s: abandoned, and only asked about", name)
		}
	}
}
