package checkout

import (
	"crypto/rand"
	"crypto/subtle"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// shelf keeps in memory what of a card was right in a form in which something else was wrong, so that the customer enters the rest
// alone. It is there for the form that was shown then and for no other one of the same payment: the form has a ticket for it, and
// whoever has no more than the page's address finds nothing. Number and security code are nowhere else, and gone with the
// process, with the next form of the payment, or when their time is over. Safe for concurrent use.
type shelf struct {
	now func() time.Time

	mu    sync.Mutex
	cards map[payment.ID]*shelved // one of a payment, the latest
}

type shelved struct {
	ticket string
	card   *instrument.Card // with a number, a code or both
	until  time.Time
	forget *time.Timer
}

func newShelf(now func() time.Time) *shelf {
	return &shelf{now: now, cards: make(map[payment.ID]*shelved)}
}

// put keeps the card, which the shelf owns from then on, in the place of what was kept for the payment, and returns the ticket: the
// one given, where something was kept for it, because a form that is sent twice has to find the same twice.
func (s *shelf) put(id payment.ID, ticket string, card *instrument.Card) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of(id, ticket) == nil {
		ticket = rand.Text()
	}
	s.drop(id)
	kept := &shelved{ticket: ticket, card: card, until: s.now().Add(payment.MeansHold)}
	kept.forget = time.AfterFunc(payment.MeansHold, func() { s.over(id, kept) })
	s.cards[id] = kept
	return ticket
}

// get returns a copy of what the ticket is for, which the caller wipes, or nil.
func (s *shelf) get(id payment.ID, ticket string) *instrument.Card {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.of(id, ticket); kept != nil {
		return kept.card.Clone()
	}
	return nil
}

// of is what the ticket is for. The caller holds the lock.
func (s *shelf) of(id payment.ID, ticket string) *shelved {
	kept := s.cards[id]
	if kept == nil || subtle.ConstantTimeCompare([]byte(kept.ticket), []byte(ticket)) == 0 {
		return nil
	}
	if !s.now().Before(kept.until) {
		s.drop(id)
		return nil
	}
	return kept
}

// over forgets what has been kept for its time.
func (s *shelf) over(id payment.ID, kept *shelved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cards[id] == kept {
		s.drop(id)
	}
}

// clear forgets what is kept for the payment.
func (s *shelf) clear(id payment.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(id)
}

func (s *shelf) drop(id payment.ID) {
	if kept := s.cards[id]; kept != nil {
		kept.forget.Stop()
		kept.card.Wipe()
		delete(s.cards, id)
	}
}
