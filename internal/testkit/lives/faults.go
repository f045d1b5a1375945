package lives

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// Faults are what can happen to a request at every provider, and those that only some have. What lets a client wait is left to connectortest.
func Faults(own ...frame.Fault) []frame.Fault {
	return append([]frame.Fault{
		{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
		{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty},
		{Kind: frame.Huge}, {Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount},
		{Kind: frame.WrongReference}, {Kind: frame.NewStatus}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected},
	}, own...)
}

// Story is how a payment meets a fault.
type Story struct {
	*Life
	// Under makes a payment of which one call meets the fault, and lets it come to its end.
	Under func(f frame.Fault) payment.Payment
	// Check looks for more in the end, such as how long it took; nil for nothing.
	Check func(what string, f frame.Fault, p *payment.Payment, took time.Duration)
	// End looks at all of it; nil for nothing.
	End func()
}

// EveryFault has every call meet every fault, and wants that no money is doubled, that none is forgotten, and that nothing is stuck. A call
// meets no faults of the kinds that stand beside it in never.
func EveryFault(t *testing.T, calls []string, faults []frame.Fault, never map[string][]frame.Kind, begin func(*testing.T, *storetest.Database) Story) {
	t.Helper()
	var mu sync.Mutex
	ends, met := map[string]int{}, map[store.Kind]int{}
	t.Cleanup(func() {
		t.Logf("%d payments on SQLite and %d on PostgreSQL met a fault, and end: %v", met[store.SQLite], met[store.Postgres], ends)
	})
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		s := begin(t, d)
		for i, call := range calls {
			for k, f := range faults {
				if f.Op = call; slices.Contains(never[call], f.Kind) || elsewhere(d.Kind, i+k) {
					continue
				}
				what := fmt.Sprintf("%s: %s, before %t, lag %s", call, f.Kind, f.Before, f.Lag)
				p := s.meets(what, f)
				end := call + " " + string(p.State())
				if p.LiveAttempt() != nil {
					end += ", open"
				}
				mu.Lock()
				met[d.Kind]++
				ends[end]++
				mu.Unlock()
			}
		}
		if s.End != nil {
			s.End()
		}
	})
}

// meets is one payment with one fault.
func (s *Story) meets(what string, f frame.Fault) payment.Payment {
	s.t.Helper()
	begun := s.Clock.Now()
	p := s.Under(f)
	took := s.Clock.Now().Sub(begun)
	s.Agree(what, &p)
	if p.Type == payment.Refund && p.LiveAttempt() == nil {
		s.AgreeParent(what, &p)
	}
	if s.Check != nil {
		s.Check(what, f, &p, took)
	}
	return p
}

// elsewhere says that a pair is met on the other database: each on one, in turn, unless all are to be met or there is only one.
func elsewhere(on store.Kind, n int) bool {
	if os.Getenv("SLUICE_TEST_POSTGRES") == "" || os.Getenv("SLUICE_TEST_PROVIDERS") == "all" {
		return false
	}
	return (n%2 == 0) != (on == store.SQLite)
}
