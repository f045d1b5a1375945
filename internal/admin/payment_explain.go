package admin

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// PaymentExplained says why a payment went where it went.
type PaymentExplained struct {
	Shop    string         `json:"shopId"`
	Payment payment.ID     `json:"paymentId"`
	State   payment.State  `json:"state"`
	Route   []RouteEntry   `json:"route"` // oldest first; nothing of a payment that no provider was to get, or that an older program made
	Tries   []AttemptShown `json:"attempts,omitempty"`
}

// RouteEntry is a plan as it was made, or what followed when an attempt was refused. Terminals go by the names that they had then.
type RouteEntry struct {
	Operation int       `json:"operation"` // the entry of the log that keeps it
	At        time.Time `json:"at"`

	Steps   []RouteStep `json:"steps,omitempty"` // best first
	LeftOut []LeftOut   `json:"leftOut,omitempty"`
	NoRoute string      `json:"noTerminal,omitempty"` // the error code where there are no steps

	Attempt int           `json:"attempt,omitempty"` // that was refused
	Outcome payment.Class `json:"outcome,omitempty"`
	Code    string        `json:"errorCode,omitempty"`
	Passed  []LeftOut     `json:"passedOver,omitempty"` // steps that could not be taken
	Next    string        `json:"next,omitempty"`       // the terminal that followed
	End     string        `json:"end,omitempty"`        // or why none did
	EndText string        `json:"endText,omitempty"`    // the same for people
}

// RouteStep is a terminal of a plan.
type RouteStep struct {
	Rank     int       `json:"rank"`
	Terminal string    `json:"terminal"`
	Rule     string    `json:"rule"`
	Why      string    `json:"why,omitempty"`
	After    []string  `json:"after,omitempty"` // refusals that it follows
	Until    time.Time `json:"until,omitzero"`
}

// LeftOut is a terminal that was not tried.
type LeftOut struct {
	Terminal string           `json:"terminal"`
	Reason   payment.Obstacle `json:"reason"`
	Text     string           `json:"text"` // the reason for people
}

// explainPayment says at which terminals a payment was to be tried, in which order and why, and what became of that. It needs the
// right ReadPayments.
func (d *Desk) explainPayment(ctx context.Context, c OfPayment) (PaymentExplained, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return PaymentExplained{}, err
	}
	p, err := d.c.Engine.Look(ctx, s.ID, c.id())
	if err != nil {
		return PaymentExplained{}, paymentError(err, &c)
	}
	explained := PaymentExplained{Shop: string(s.ID), Payment: p.ID, State: p.State()}
	for i := range p.Attempts {
		explained.Tries = append(explained.Tries, attemptShown(&p, &p.Attempts[i]))
	}
	err = d.c.DB.View(ctx, func(tx *store.Tx) error {
		kept, err := tx.Operations().Plans(s.ID, p.ID)
		explained.Route = []RouteEntry{}
		for i := range kept {
			entries, err := routeEntries(&kept[i])
			if err != nil {
				return err
			}
			explained.Route = append(explained.Route, entries...)
		}
		return err
	})
	return explained, err
}

// routeEntries reads what an operation keeps: the plan is of its start, what followed a refusal of its end.
func routeEntries(o *payment.Operation) ([]RouteEntry, error) {
	kept, err := payment.ReadRouted(o.Plan)
	if err != nil {
		return nil, err
	}
	entries := make([]RouteEntry, len(kept))
	for i := range kept {
		r := &kept[i]
		entries[i] = RouteEntry{
			Operation: o.Seq, At: o.Started, LeftOut: leftOut(r.Out), NoRoute: string(r.NoRoute), Attempt: r.Refused,
			Outcome: r.Class, Code: string(r.Code), Passed: leftOut(r.Passed), Next: r.Next, End: string(r.End), EndText: r.End.Text(),
		}
		if r.Refused != 0 && !o.Completed.IsZero() {
			entries[i].At = o.Completed
		}
		for n, s := range r.Steps {
			step := RouteStep{Rank: n + 1, Terminal: s.Terminal, Rule: s.Rule, Why: s.Why}
			for _, class := range s.After {
				step.After = append(step.After, string(class))
			}
			if s.Until != 0 {
				step.Until = time.UnixMicro(s.Until).UTC()
			}
			entries[i].Steps = append(entries[i].Steps, step)
		}
	}
	return entries, nil
}

func leftOut(by map[payment.Obstacle][]string) (all []LeftOut) {
	for _, why := range slices.Sorted(maps.Keys(by)) {
		for _, name := range by[why] {
			all = append(all, LeftOut{name, why, why.Text()})
		}
	}
	return all
}
