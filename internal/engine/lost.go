package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicepay/sluice/internal/payment"
)

// mostFound bounds how many tries of the lost time are taken up of one payment in one go.
const mostFound = 20

// search asks the providers about the tries that may have been made of a payment after the backup from which the
// installation was restored, takes up what they know, and has it settled. It returns the payment as it stands then: with
// nothing left to search for, or with an open outcome. ErrUnavailable says that a provider has not told.
func (e *Engine) search(ctx context.Context, p payment.Payment) (payment.Payment, error) {
	ctx = settled(ctx)
	for range mostFound {
		if len(p.LostKinds()) == 0 {
			return p, nil
		}
		found, err := e.lookForLost(ctx, &p)
		if err != nil {
			return p, fmt.Errorf("%w: payment %s: %w", ErrUnavailable, p.ID, err)
		}
		var next payment.Command = payment.NothingLost{}
		if found != nil {
			next = *found
		}
		d, err := e.decideOn(ctx, new(unconfirmed), p, next)
		switch {
		case errors.Is(err, payment.ErrBusy): // somebody else is at it
			return e.load(ctx, p.Shop, p.ID)
		case err != nil:
			return p, err
		}
		p = d.Payment
		p.Version++ // as it was committed
		if found == nil {
			return p, nil
		}
		e.c.Log.WarnContext(ctx, "a try of the time after the backup is taken up", "payment_id", p.ID, "key", found.Try.Key, "kind", found.Kind)
		if d.Fresh == nil { // what was done about one that is known
			continue
		}
		if p, err = e.checkNow(ctx, p, payment.OpCheckState, 0); err != nil || p.Live != 0 {
			return p, err
		}
		if p, err = e.load(ctx, p.Shop, p.ID); err != nil {
			return p, err
		}
	}
	return p, fmt.Errorf("%w: payment %s: more tries of the time after the backup than can be taken up at once", ErrUnavailable, p.ID)
}

// lookForLost returns the first try of the lost time that a provider knows, or nil where it is proved that there is none.
func (e *Engine) lookForLost(ctx context.Context, p *payment.Payment) (*payment.FoundLost, error) {
	terminals, err := e.lostAt(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, try := range p.LostTries() {
		for _, t := range terminals {
			if found, err := e.askLost(ctx, p, try, t); found != nil || err != nil {
				return found, err
			}
		}
	}
	return nil, nil //nolint:nilnil // nothing is what is looked for
}

// lostAt lists the terminals at which the try may have been made: that of the hold, or all that such a payment can go to, whatever
// they were set to later.
func (e *Engine) lostAt(ctx context.Context, p *payment.Payment) ([]payment.Terminal, error) {
	if a := p.Standing(); a != nil {
		return []payment.Terminal{{ID: a.TerminalID, Name: a.Terminal}}, nil
	}
	s, err := e.shops.Get(ctx, p.Shop)
	if err != nil {
		return nil, err
	}
	var all []payment.Terminal
	for i := range s.Terminals {
		if t := &s.Terminals[i]; slices.Contains(t.Types, p.Type) {
			all = append(all, payment.Terminal{ID: t.ID, Name: t.Name})
		}
	}
	return all, nil
}

// askLost asks one terminal about one try, as everything that it can have been.
func (e *Engine) askLost(ctx context.Context, p *payment.Payment, try payment.LostTry, t payment.Terminal) (*payment.FoundLost, error) {
	at, err := e.reach(ctx, p.Shop, t.ID)
	if err != nil {
		return nil, err
	}
	if at.to == nil {
		return nil, fmt.Errorf("terminal %s cannot be asked: %w", t.Name, at.fault)
	}
	q := inquiry{p, t, at, e.provesNothing(at)}
	found, err := e.askLostAs(ctx, q, try, p.LostKinds())
	if err == nil {
		return found, nil
	}
	if other, _ := e.askLostAs(ctx, q, try, p.LostOthers()); other != nil {
		return other, nil
	}
	return nil, err
}

// inquiry is a terminal that is asked about a payment.
type inquiry struct {
	payment *payment.Payment
	t       payment.Terminal
	at      *reached
	early   bool // what was sent before the restore may still arrive there
}

// askLostAs asks about one try as each of the kinds, until it is known as one of them. An error says that it may be one.
func (e *Engine) askLostAs(ctx context.Context, q inquiry, try payment.LostTry, kinds []payment.AttemptKind) (*payment.FoundLost, error) {
	p, t := q.payment, q.t
	class := payment.ClassNotSent // it is only asked about
	if q.early {
		class = payment.ClassUnknown // what the provider does not know it is asked to refuse, if it can
	}
	var unclear error
	for _, kind := range kinds {
		asked := payment.Attempt{
			Kind: kind, Key: try.Key, TerminalID: t.ID, Terminal: t.Name, Class: class,
			Sent: p.Moves(),
		}
		fact, _ := e.call(ctx, p, &payment.Call{Attempt: asked, Ask: true}, callInput{at: q.at})
		switch {
		case fact.Class == payment.ClassRejected: // closed, by us: it was not done, and will not be
		case fact.NotFound && q.early:
			unclear = fmt.Errorf("terminal %s: an answer \"not found\" proves nothing yet about %s", t.Name, try.Key)
		case fact.NotFound:
		case fact.Class == payment.ClassUnknown:
			unclear = fmt.Errorf("terminal %s does not tell about %s", t.Name, try.Key)
		default:
			e.sealFact(ctx, p.Shop, p.ID, &fact)
			return &payment.FoundLost{Try: try, Kind: kind, Terminal: t, Fact: fact}, nil
		}
	}
	return nil, unclear
}

// lookForReturn asks whether a deposit that the provider shows as done was given back in the lost time, under one of the payment's
// later numbers: the status of a sale does not tell that, and it would be taken for paid. While the provider does not say, nothing is
// known of the deposit either; where it never could, because what is on the way to it may take any time, its "not found" is believed.
func (e *Engine) lookForReversal(ctx context.Context, d *payment.Decision, said report) report {
	p, a := &d.Payment, &d.Call.Attempt
	q := inquiry{payment: p, t: payment.Terminal{ID: a.TerminalID, Name: a.Terminal}, at: said.at}
	q.early = said.at.to.Traits().MaxInFlight > 0 && e.provesNothing(said.at)
	as := []payment.AttemptKind{payment.AttemptRefund}
	others := []payment.AttemptKind{payment.AttemptDeposit, payment.AttemptCapture, payment.AttemptVoid}
	for _, try := range p.LostTries() {
		found, err := e.askLostAs(ctx, q, try, as)
		if err != nil {
			if other, _ := e.askLostAs(ctx, q, try, others); other == nil {
				e.c.Log.WarnContext(ctx, "whether a payment was given back after the backup is not known yet", "payment_id", p.ID, "error", err)
				said.fact = payment.Fact{Class: payment.ClassUnknown}
				return said
			}
		}
		if found != nil && (found.Fact.Class == payment.ClassApproved || found.Fact.Class == payment.ClassWaiting) {
			said.reversed = true
			return said
		}
	}
	return said
}

// provesNothing reports that what was sent before the restore may still arrive at the terminal.
func (e *Engine) provesNothing(at *reached) bool {
	from, ever := payment.LostSince(e.c.Restored, at.to.Traits().ProvenAfter())
	return !ever || e.Now().Before(from)
}

// lostTurn names the terminal whose turn a search takes: where the payment was tried last, else nobody's but the shop's.
func lostTurn(p *payment.Payment) string {
	if n := len(p.Attempts); n > 0 {
		return p.Attempts[n-1].TerminalID
	}
	return string(p.Shop)
}
