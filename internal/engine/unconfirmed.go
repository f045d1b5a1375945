package engine

import (
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// unconfirmed are the decisions of one command whose commits nobody confirmed. Each run of a transaction may
// decide anew, and any of them may be the one that stands.
type unconfirmed struct {
	runs []unconfirmedRun
	// unknown: an earlier transaction of the command ended without knowing.
	unknown bool
}

type unconfirmedRun struct {
	d payment.Decision
	x callInput
}

// resolved begins a run of a transaction body. d and x are what the last run left. When one of the runs
// before stands, they become that one's, on the payment as it is now, and there is nothing more to decide.
// A payment that is not there was not born. The error says that it cannot be told, or that it could not be
// read: then the body must end with it.
func (u *unconfirmed) resolved(tx *store.Tx, d *payment.Decision, x *callInput) (bool, error) {
	if !tx.MaybeCommitted() && !u.unknown {
		return false, nil
	}
	u.keep(d, x)
	if len(u.runs) == 0 {
		return false, nil
	}
	last := &u.runs[len(u.runs)-1].d.Payment
	p, err := tx.Payments().Get(last.Shop, last.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for i := range u.runs {
		found := &u.runs[i]
		made, known := found.d.Made(&p)
		if !known {
			return false, fmt.Errorf("%w: payment %s has changed too often since", store.ErrCommitUnknown, p.ID)
		}
		if made {
			*d, *x = found.d, found.x
			d.Resume(p, tx.Now())
			return true, nil
		}
	}
	return false, nil
}

// keep adds what the last run wrote, unless it is there already.
func (u *unconfirmed) keep(d *payment.Decision, x *callInput) {
	if d.Token == "" || len(u.runs) > 0 && u.runs[len(u.runs)-1].d.Token == d.Token {
		return
	}
	u.runs = append(u.runs, unconfirmedRun{*d, *x})
}

// ended notes how the transaction ended, for a command that tries once more.
func (u *unconfirmed) ended(err error, d *payment.Decision, x *callInput) {
	if errors.Is(err, store.ErrCommitUnknown) {
		u.keep(d, x)
		u.unknown = true
	}
}
