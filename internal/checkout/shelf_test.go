package checkout

import (
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

func shelvedCard(t *testing.T) *instrument.Card {
	t.Helper()
	number, err := instrument.ParsePAN("4000000000000408")
	if err != nil {
		t.Fatal(err)
	}
	return &instrument.Card{Number: number}
}

func TestShelf(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_900_000_000, 0)
	s := newShelf(func() time.Time { return now })
	first := shelvedCard(t)
	ticket := s.put("a", "", first)
	if len(ticket) < 22 || s.get("a", "") != nil || s.get("b", ticket) != nil || s.get("a", ticket[1:]) != nil {
		t.Fatalf("ticket %q", ticket)
	}
	for range 2 {
		if got := s.get("a", ticket); got == nil || got.Number.Reveal() != "4000000000000408" {
			t.Fatalf("got %v", got)
		}
	}
	if again := s.put("a", ticket, shelvedCard(t)); again != ticket || !first.Number.IsZero() {
		t.Errorf("ticket %q became %q; the card before is there: %t", ticket, again, !first.Number.IsZero())
	}
	second := s.put("a", "of another form", shelvedCard(t))
	if second == ticket || s.get("a", ticket) != nil || s.get("a", second) == nil {
		t.Error("two cards of one payment are kept")
	}
	last := s.cards["a"]
	now = now.Add(payment.MeansHold)
	if s.get("a", second) != nil || len(s.cards) != 0 || !last.card.Number.IsZero() {
		t.Error("kept beyond its time")
	}
	kept := s.put("a", "", shelvedCard(t))
	s.over("a", last) // the timer of one that was replaced
	if s.get("a", kept) == nil {
		t.Error("an old timer took what is new")
	}
	at := s.cards["a"]
	if s.over("a", at); len(s.cards) != 0 || !at.card.Number.IsZero() {
		t.Error("not wiped when its time was over")
	}
	s.put("a", "", shelvedCard(t))
	if s.clear("a"); len(s.cards) != 0 {
		t.Error("not forgotten")
	}
}

func TestShelfIsSafeForAll(t *testing.T) {
	t.Parallel()
	s := newShelf(time.Now)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				ticket := s.put("a", "", shelvedCard(t))
				if got := s.get("a", ticket); got != nil && got.Number.Reveal() != "4000000000000408" {
					t.Error("another number")
				}
				s.clear("a")
			}
		})
	}
	all.Wait()
}
