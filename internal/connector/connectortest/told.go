package connectortest

import (
	"fmt"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
)

// told reports that nothing can be asked about, so that what is known of an attempt is what notices tell.
func (r *rig) told() bool { return r.c.Traits().Told }

// status is what can be known of an attempt now: what the provider answers, or what it has told.
func (r *rig) status(t *testing.T, kind payment.AttemptKind, q connector.Request) (payment.Fact, error) {
	t.Helper()
	fact, err := r.ask(t, kind, q)
	if !r.told() {
		return fact, err
	}
	if err != nil || fact.Class != payment.ClassUnknown || fact.NotFound {
		t.Errorf("nothing can be asked about, and %s was: %+v, %v", kind, fact, err)
	}
	return r.heard(t, q.Key)
}

// heard is what the last notice about the key tells; "not found" where there is none.
func (r *rig) heard(t *testing.T, key string) (payment.Fact, error) {
	t.Helper()
	last := payment.Fact{Class: payment.ClassUnknown, NotFound: true}
	for _, posted := range r.p.Notices() {
		notices, err := r.c.(connector.Notifier).ParseNotice(posted.Header, posted.Body)
		if err != nil {
			return payment.Fact{}, err
		}
		for _, n := range notices {
			r.search(t, "a notice", fmt.Sprintf("%+v", n))
			if n.Key == key && n.Subject == connector.OfAttempt {
				wellFormed(t, n.Fact)
				last = n.Fact
			}
		}
	}
	return last, nil
}
