package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// What this package tells humans. Each is a text of its own, by which equal alarms are counted.
const (
	whyUntold      = "an event cannot be put into words and waits"
	whyStillUntold = "an event still cannot be put into words"
	whyEventPanics = "work on an event that waits for its words panics"
)

// aboutEvent is an alarm about what a dialect tells of a payment.
func aboutEvent(shop payment.ShopID, of payment.ID, dialect, why string) alarm.Alarm {
	return alarm.Alarm{Shop: shop, About: alarm.Event, Subject: string(of) + "/" + dialect, Why: why}
}

// A fact is stored whatever becomes of its telling. What a dialect cannot word is kept as the fact left it, told to a
// human, and tried again by due work. Until it is told, later facts of the same payment in the same dialect are kept
// behind it: they must not overtake it. Other dialects tell theirs.

// snapshot is what wording needs, as it was. Orders and instructions never change and are looked up again. It is kept for as
// long as a dialect lacks words and read back by the same names; only a field that is renamed meanwhile would be missed.
type snapshot struct {
	Event        payment.Event
	Payment      payment.Payment
	State        payment.State
	Deposit      *payment.Payment `json:",omitempty"` // of a refund, if it was known
	DepositState payment.State    `json:",omitempty"`
}

// snapshotOf copies what wording needs, without what only calls to providers do.
func snapshotOf(t *EventContext) snapshot {
	f := snapshot{Event: t.event, Payment: t.d.Payment, State: t.d.Payment.State()}
	f.Payment.Attempts = withoutSecrets(f.Payment.Attempts)
	if t.parent != nil {
		deposit := *t.parent
		deposit.Attempts = withoutSecrets(deposit.Attempts)
		f.Deposit, f.DepositState = &deposit, deposit.State()
	}
	return f
}

func withoutSecrets(attempts []payment.Attempt) []payment.Attempt {
	attempts = slices.Clone(attempts)
	for i := range attempts {
		attempts[i].Credential = ""
	}
	return attempts
}

// telling is the fact as the dialect is given it again.
func (f *snapshot) telling(tx *store.Tx) *EventContext {
	t := &EventContext{tx: tx, d: &payment.Decision{Payment: payment.Restore(f.Payment, f.State)}, event: f.Event}
	if f.Deposit != nil {
		deposit := payment.Restore(*f.Deposit, f.DepositState)
		t.parent = &deposit
	}
	return t
}

// waits reports whether something about the payment is not told in the dialect yet.
func (t *EventContext) waits(of *payment.Payment, dialect string) (bool, error) {
	if of.Untold == 0 {
		return false, nil
	}
	for i := range t.untold {
		if u := &t.untold[i]; u.Payment == of.ID && u.Dialect == dialect {
			return true, nil
		}
	}
	open, err := t.tx.UntoldFacts().Dialects(of.Shop, of.ID)
	if err != nil {
		return false, fmt.Errorf("what is not told of payment %s: %w", of.ID, err)
	}
	return slices.Contains(open, dialect), nil
}

// keepUntold keeps the fact until the dialect can word it, or behind another one.
func (o *Outbox) keepUntold(t *EventContext, of *payment.Payment, dialect string, cause error) error {
	waits, err := t.waits(of, dialect)
	if err != nil {
		return err
	}
	text, err := json.Marshal(snapshotOf(t)) //nolint:musttag // see fact
	if err != nil {
		return fmt.Errorf("fact of payment %s: %w", of.ID, err)
	}
	t.moved = t.moved || of == t.parent
	of.Untold++
	u := store.Untold{Shop: of.Shop, Payment: of.ID, Dialect: dialect, Number: of.Untold, Fact: string(text), Created: t.tx.Now()}
	if cause != nil {
		u.Error = alarm.Text(cause.Error())
	}
	if !waits {
		u.Fails, u.Due = 1, t.tx.Now().Add(untoldWait(1, o))
		a := aboutEvent(of.Shop, of.ID, dialect, whyUntold)
		t.d.Also = append(t.d.Also, payment.Alarm{About: string(a.About), Subject: a.Subject, Why: a.Why, Detail: u.Error + rescue.Stack(cause)})
	}
	t.untold = append(t.untold, u)
	return nil
}

// writeUntold queues what could not be worded, behind the writes of the payments.
func (t *EventContext) writeUntold() {
	for i := range t.untold {
		t.tx.UntoldFacts().Insert(&t.untold[i])
	}
	for _, p := range []*payment.Payment{&t.d.Payment, t.parent} {
		if p != nil && slices.ContainsFunc(t.untold, func(u store.Untold) bool { return u.Payment == p.ID }) {
			t.tx.Payments().SetUntold(p)
		}
	}
}

// untoldWait is how long to wait before a fact is worded again that could not be so often; at the end of the ladder once
// a day: nobody has to wake it when the cause is gone.
func untoldWait(fails int, o *Outbox) time.Duration {
	if wait, ok := job.FailWait(fails, o.Random); ok {
		return wait
	}
	return 24 * time.Hour
}

// stillUntold is the number of failures after which a human is told once more.
const stillUntold = 10

// wordAgain words what could not be worded about a payment in one dialect, in order, as far as that works by now.
func (o *Outbox) wordAgain(ctx context.Context, id payment.ShopID, of payment.ID, dialect string) error {
	at := slices.IndexFunc(o.Render, func(r Renderer) bool { return r.Dialect == dialect })
	if at < 0 {
		return fmt.Errorf("no dialect %q words events", dialect)
	}
	s, err := o.Shops.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("shop %s: %w", id, err)
	}
	var alarms []alarm.Alarm
	err = o.DB.Update(ctx, func(tx *store.Tx) error {
		r := rewording{o: o, tx: tx, render: &o.Render[at], shop: s, payments: map[payment.ID]*payment.Payment{}}
		err := r.run(of)
		alarms = r.alarms
		return err
	})
	if err != nil {
		return err
	}
	o.Bell.Tell(ctx, alarms...)
	return nil
}

// rewording is one run of wordAgain's transaction.
type rewording struct {
	o        *Outbox
	tx       *store.Tx
	render   *Renderer
	shop     *shop.Shop
	payments map[payment.ID]*payment.Payment // in whose order something is told now
	events   []Event
	alarms   []alarm.Alarm
}

func (r *rewording) run(pid payment.ID) error {
	of, err := r.payment(pid)
	if err != nil {
		return err
	}
	rows, err := r.tx.UntoldFacts().Of(r.shop.ID, pid)
	if err != nil {
		return err
	}
	left, stuck := len(rows), false
	for i := range rows {
		u := &rows[i]
		if stuck || u.Dialect != r.render.Dialect {
			continue
		}
		cause, err := r.tell(u)
		if err != nil {
			return err
		}
		if stuck = cause != nil; stuck {
			r.putOff(u, cause)
			continue
		}
		r.tx.UntoldFacts().Delete(u)
		left--
	}
	if left == len(rows) { // nothing changed but when it is tried next
		r.o.Bell.Write(r.tx, r.alarms...)
		return nil
	}
	if left == 0 {
		of.Untold = 0
	}
	for _, p := range r.payments {
		r.tx.Payments().Update(p)
	}
	r.tx.Payments().SetUntold(of)
	r.o.post(r.tx, r.events)
	r.o.Bell.Write(r.tx, r.alarms...)
	return nil
}

// tell words one fact; cause is why it cannot be worded, err that the database is away.
func (r *rewording) tell(u *store.Untold) (cause, err error) {
	var f snapshot
	if err := json.Unmarshal([]byte(u.Fact), &f); err != nil { //nolint:musttag // see snapshot
		return fmt.Errorf("fact as it was kept: %w", err), nil
	}
	t := f.telling(r.tx)
	t.shop = r.shop
	messages, cause := render(t, r.render)
	if t.trouble != nil {
		return nil, t.trouble
	}
	for i := range messages {
		m := &messages[i]
		pid := f.Payment.ID
		if m.OfParent && f.Payment.Type == payment.Refund {
			pid = f.Payment.Parent
		}
		of, err := r.payment(pid)
		if err != nil {
			return nil, err
		}
		if cause == nil {
			r.events = append(r.events, r.o.next(of, m, t.event.At))
		}
	}
	return cause, nil
}

// payment returns the payment as this transaction will leave it.
func (r *rewording) payment(pid payment.ID) (*payment.Payment, error) {
	if p := r.payments[pid]; p != nil {
		return p, nil
	}
	p, err := r.tx.Payments().Get(r.shop.ID, pid)
	if err != nil {
		return nil, fmt.Errorf("payment %s: %w", pid, err)
	}
	r.payments[pid] = &p
	return &p, nil
}

// putOff has a fact that still cannot be worded tried again.
func (r *rewording) putOff(u *store.Untold, cause error) {
	u.Fails++
	u.Error, u.Due = alarm.Text(cause.Error()), r.tx.Now().Add(untoldWait(u.Fails, r.o))
	r.tx.UntoldFacts().Update(u)
	if u.Fails == stillUntold || u.Fails == 1 {
		why := whyStillUntold
		if u.Fails == 1 { // it had only waited behind another
			why = whyUntold
		}
		r.alarms = append(r.alarms, aboutEvent(u.Shop, u.Payment, u.Dialect, why).Of(cause))
	}
}
