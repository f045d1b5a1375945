package connectortest

import (
	"testing"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// choices lists the banks of each method for which the connector knows several: every one can be shown and named, the list is asked for
// by one request and moves nothing.
func choices(t *testing.T, s Suite) {
	r := newRig(t, s)
	chooser, ok := connector.As[connector.Chooser](r.c)
	if !ok {
		t.Skip("the connector knows no banks to choose from")
	}
	listed := 0
	for _, m := range r.c.Traits().Methods {
		if m.Spec().Means != instrument.KindBank {
			continue
		}
		before := r.p.Requests()
		banks, err := chooser.Banks(t.Context(), choice(m))
		if err != nil || r.p.Requests()-before != 1 && !s.But.Listed {
			t.Errorf("%s: %v after %d requests", m, err, r.p.Requests()-before)
		}
		seen := map[string]bool{}
		for _, b := range banks {
			if b.ID == "" || len(b.ID) > 64 || b.Name == "" || !utf8.ValidString(b.Name) || utf8.RuneCountInString(b.Name) > 80 || seen[b.ID] {
				t.Errorf("%s: %q cannot be shown, or is there twice", m, b)
			}
			seen[b.ID] = true
			listed++
		}
	}
	if listed == 0 {
		t.Error("no method has a bank")
	}
	r.search(t, "the log", r.log.String())
}

// learnsNoBanks: a server that is no provider names none.
func (r *rig) learnsNoBanks(t *testing.T) {
	t.Helper()
	chooser, ok := connector.As[connector.Chooser](r.c)
	if !ok {
		return
	}
	if r.suite.But.Listed {
		return
	}
	if banks, err := chooser.Banks(t.Context(), choice(payment.OpenBanking)); err == nil || len(banks) > 0 {
		t.Errorf("banks: %v, %v; want an error", banks, err)
	}
}

func choice(m payment.Method) connector.Choice {
	c := connector.Choice{Method: m, Currency: "EUR"}
	if only := m.Spec().Currency; only != "" {
		c.Currency = only
	}
	return c
}
