package payment_test

import (
	"fmt"
	"math/bits"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// said is one thing that the provider tells about an attempt.
type said struct {
	attempt int
	fact    payment.Fact
}

// history is what a provider tells about a payment in the course of time, and how its attempts stand in the end, which is
// what it answers when it is asked.
type history struct {
	name  string
	begin func(t *testing.T) *world
	told  []said
	truth map[int]payment.Fact
	ends  payment.State

	// backToo: an order in which the failure is told first, to a shop that does not honour late success, ends without
	// money instead: the merchant was told that it failed, and the money goes back.
	backToo bool
}

// opened is a payment whose first call has led to nothing that is known yet.
func opened(kind payment.Type, preAuth bool) func(*testing.T) *world {
	return func(t *testing.T) *world {
		p := deposit("10", preAuth)
		if p.Type = kind; kind != payment.Deposit {
			p.Parent = "parent"
		}
		return first(t, p, doubtful)
	}
}

func holdWith(c payment.Command) func(*testing.T) *world {
	return then(hold(holding), doing(c), answered(doubtful))
}

func of(attempt int, facts ...payment.Fact) (all []said) {
	for _, f := range facts {
		all = append(all, said{attempt, f})
	}
	return all
}

func takenOf(amount string) payment.Fact {
	return payment.Fact{Class: payment.ClassApproved, Echoed: money.Sum{Amount: money.MustParse(amount), Currency: "EUR"}}
}

// only is a history of one attempt.
func only(name string, begin func(*testing.T) *world, ends payment.State, facts ...payment.Fact) history {
	return history{name: name, begin: begin, told: of(1, facts...), truth: map[int]payment.Fact{1: facts[len(facts)-1]}, ends: ends}
}

func histories() []history {
	sale, held := opened(payment.Deposit, false), opened(payment.Deposit, true)
	waits := payment.Fact{Class: payment.ClassWaiting}
	all := []history{
		only("sale done", sale, payment.Completed, waits, approval, approval),
		only("sale refused", sale, payment.Declined, waits, refusal, refusal),
		only("sale done, then declined", sale, payment.Declined, waits, approval, refusal),
		only("sale done, then closed", sale, payment.Cancelled, waits, approval, closing),
		only("sale done, declined and done", sale, payment.Completed, approval, refusal, approval),
		only("sale declined, then done", sale, payment.Completed, waits, refusal, approval),
		only("hold", held, payment.Authorized, waits, holding, holding),
		only("hold that the provider ends", held, payment.Cancelled, waits, holding, closing),
		only("hold that the provider takes", held, payment.Completed, waits, holding, approval),
		only("hold that the provider takes in part", held, payment.Completed, holding, takenOf("4")),
		only("hold that is declined after all", held, payment.Declined, waits, holding, refusal),
		only("hold, taken, then undone", held, payment.Declined, holding, approval, refusal),
		only("hold, taken, then released", held, payment.Cancelled, holding, approval, closing),
		only("sale told five times", sale, payment.Declined, waits, approval, approval, waits, refusal),
		only("hold told five times", held, payment.Completed, waits, holding, holding, waits, approval),
	}
	all[4].backToo, all[5].backToo = true, true
	for _, kind := range []payment.Type{payment.Withdrawal, payment.Refund} {
		p := opened(kind, false)
		all = append(all,
			only(string(kind)+" done", p, payment.Completed, waits, approval, approval),
			only(string(kind)+" done, then returned", p, payment.Declined, waits, approval, refusal),
			only(string(kind)+" done, then closed", p, payment.Cancelled, waits, approval, closing),
			only(string(kind)+" refused, then done", p, payment.Completed, waits, refusal, approval),
			only(string(kind)+" done, returned and done", p, payment.Completed, approval, refusal, approval))
	}
	capture, void := payment.Capture{Amount: money.MustParse("4"), Run: run("c")}, payment.Void{Run: run("v")}
	return append(all,
		history{name: "capture done", begin: holdWith(capture), ends: payment.Completed,
			told: append(of(2, approval, approval), of(1, takenOf("4"))...), truth: map[int]payment.Fact{1: takenOf("4"), 2: approval}},
		history{name: "capture refused, then done", begin: holdWith(capture), ends: payment.Completed,
			told: append(of(2, refusal, approval), of(1, takenOf("4"))...), truth: map[int]payment.Fact{1: takenOf("4"), 2: approval}},
		history{name: "capture done, then not", begin: holdWith(capture), ends: payment.Authorized,
			told: append(of(2, approval, refusal), of(1, takenOf("4"), holding)...), truth: map[int]payment.Fact{1: holding, 2: refusal}},
		history{name: "capture of what is not held any more", begin: holdWith(capture), ends: payment.Cancelled,
			told: append(of(2, refusal), of(1, closing, closing)...), truth: map[int]payment.Fact{1: closing, 2: refusal}},
		history{name: "void done", begin: holdWith(void), ends: payment.Cancelled,
			told: append(of(2, approval, approval), of(1, closing, holding)...), truth: map[int]payment.Fact{1: closing, 2: approval}},
		history{name: "void refused, then done", begin: holdWith(void), ends: payment.Cancelled,
			told: append(of(2, refusal, approval), of(1, closing)...), truth: map[int]payment.Fact{1: closing, 2: approval}},
		history{name: "void done, then not", begin: holdWith(void), ends: payment.Authorized,
			told: append(of(2, approval, refusal), of(1, closing, holding)...), truth: map[int]payment.Fact{1: holding, 2: refusal}},
		history{name: "void refused because it is taken", begin: holdWith(void), ends: payment.Completed,
			told: append(of(2, refusal), of(1, approval, approval)...), truth: map[int]payment.Fact{1: approval, 2: refusal}},
	)
}

// TestAnyOrderOfNoticesEndsAlike tells each history in every order, asking the provider at once after any of the notices or
// only in the end: the payment ends as the provider's books say.
func TestAnyOrderOfNoticesEndsAlike(t *testing.T) {
	t.Parallel()
	for _, h := range histories() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			var code payment.ErrorCode
			orders := 0
			permute(len(h.told), func(order []int) {
				for _, asked := range masks(len(order)) {
					for _, honour := range []bool{false, true} {
						w := h.play(t, order, asked, honour)
						if orders++; orders == 1 {
							code = w.p.ErrorCode
						}
						if why := h.wrong(w, honour, code); why != "" {
							t.Fatalf("order %v, asked after %b, honour %t: %s\n%v", order, asked, honour, why, w.story())
						}
					}
				}
			})
			t.Logf("%d orders", orders)
		})
	}
}

// masks says after which of n notices to ask: any of them, and of many only after none, all or one.
func masks(n int) (all []int) {
	for m := range 1 << n {
		if n < 5 || bits.OnesCount(uint(m)) <= 1 || m == 1<<n-1 {
			all = append(all, m)
		}
	}
	return all
}

func permute(n int, fn func(order []int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var walk func(k int)
	walk = func(k int) {
		if k == n {
			fn(slices.Clone(order))
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			walk(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	walk(0)
}

// play tells the history in that order. Bit i of asked says to do what is due after the i-th notice.
func (h *history) play(t *testing.T, order []int, asked int, honour bool) *world {
	t.Helper()
	w := h.begin(t)
	for i, n := range order {
		w.now = w.now.Add(time.Second)
		s := h.told[n]
		w.do(t, payment.Notice{Attempt: s.attempt, Fact: s.fact, NextCheck: w.now.Add(time.Hour), HoldCheck: w.now.Add(24 * time.Hour),
			Late: payment.LatePolicy{Honour: honour, Run: run("n")}})
		if asked>>i&1 != 0 {
			h.work(t, w, honour, w.now)
		}
	}
	h.work(t, w, honour, w.now.Add(30*24*time.Hour))
	return w
}

// work does what is due until then, as the engine does.
func (h *history) work(t *testing.T, w *world, honour bool, until time.Time) {
	t.Helper()
	for range 100 {
		if a := w.p.LiveAttempt(); a == nil || a.Op == 0 || a.Reverses == 0 { // what gives money back is called at once
			if w.p.Due.IsZero() || w.p.Due.After(until) {
				return
			}
			if w.p.Due.After(w.now) {
				w.now = w.p.Due
			}
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("w")})
		}
		c := w.call
		truth, known := h.truth[c.Attempt.Seq]
		if !known {
			truth = payment.Fact{Class: payment.ClassApproved}
		}
		if !c.Ask && known {
			t.Fatal("something is sent a second time")
		}
		w.do(t, payment.Answer{Attempt: c.Attempt.Seq, Op: c.Op, Fact: truth, NextCheck: w.now.Add(time.Hour),
			HoldCheck: w.now.Add(24 * time.Hour), Late: payment.LatePolicy{Honour: honour, Run: run("l")}})
		if err := w.p.Check(w.log); err != nil {
			t.Fatalf("%v\n%v", err, w.story())
		}
		if truth.Class == payment.ClassAuthorized && w.p.State() == payment.Authorized && w.p.Due.After(w.now) {
			return // the hold stands, which is asked once a day
		}
	}
	t.Fatalf("it never comes to rest\n%v", w.story())
}

// wrong says what is not as the provider's books are.
func (h *history) wrong(w *world, honour bool, code payment.ErrorCode) string {
	p := &w.p
	back := slices.ContainsFunc(p.Attempts, func(a payment.Attempt) bool { return a.Reversed })
	if h.backToo && !honour && (p.State() == payment.Declined || p.State() == payment.Cancelled) {
		if !back || p.Attempts[len(p.Attempts)-1].Class != payment.ClassApproved || p.DueFails != 0 {
			return "it failed, and the money is not back"
		}
		return ""
	}
	sum := money.Amount{}
	if h.ends == payment.Completed && p.Type == payment.Deposit {
		if sum = h.truth[1].Echoed.Amount; sum.IsZero() {
			sum = p.Attempts[len(p.Attempts)-1].Sent.Amount
		}
	}
	switch {
	case p.State() != h.ends || p.ErrorCode != code && !h.backToo:
		return fmt.Sprintf("%s (code %q), want %s (code %q)", p.State(), p.ErrorCode, h.ends, code)
	case back || p.Live != 0 || p.DueFails != 0:
		return fmt.Sprintf("live %d, gives back %t, fails %d", p.Live, back, p.DueFails)
	case p.Captured != sum:
		return fmt.Sprintf("captured %s, want %s", p.Captured, sum)
	}
	return ""
}
