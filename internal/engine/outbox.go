package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// Message is an event in the words of one dialect.
type Message struct {
	Dialect     string
	Type        string // such as payment.completed
	ContentType string
	Body        []byte
	URL         string // where it is posted; empty keeps it for the feed only
	// OfParent: it belongs to the deposit of the refund and is told in order with the deposit's own. The renderer has
	// to have asked for EventContext.Deposit.
	OfParent bool
}

// Renderer words facts in one dialect.
type Renderer struct {
	Dialect  string
	OfParent bool // its messages about a refund have OfParent set
	// Word words a fact; nothing where the merchant is not told. A fact that it cannot word, by an error or a panic, is
	// stored all the same, and worded later: see outbox_waiting.go.
	Word func(t *EventContext) ([]Message, error)
}

// EventContext is a fact that merchants are told, with what belongs to it. It lives as long as the transaction body.
type EventContext struct {
	tx     *store.Tx
	d      *payment.Decision
	parent *payment.Payment // as it becomes; nil where there is none or it was not looked up
	moved  bool             // the parent changes
	order  *Order           // of a payment that is just born; nil where it has to be looked up
	said   *Instruction     // likewise
	shop   *shop.Shop
	event  payment.Event

	trouble error          // of the database, met while something was looked up
	untold  []store.Untold // facts of this transaction that could not be worded
}

// note takes note of an error of the database: such a fact can be worded, but not in this run of the transaction.
func (t *EventContext) note(err error) error {
	if away(err) {
		t.trouble = err
	}
	return err
}

// away reports that an error comes from the database and not from what it holds.
func away(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Shop is the payment's; shared, not to be changed.
func (t *EventContext) Shop() *shop.Shop { return t.shop }

// Payment is as the fact leaves it.
func (t *EventContext) Payment() *payment.Payment { return &t.d.Payment }

// Event is the fact.
func (t *EventContext) Event() payment.Event { return t.event }

// Deposit is the deposit of a refund as the fact leaves it, and otherwise the payment itself.
func (t *EventContext) Deposit() (*payment.Payment, error) {
	p := &t.d.Payment
	if p.Type != payment.Refund {
		return p, nil
	}
	if t.parent == nil {
		found, err := t.tx.Payments().Get(p.Shop, p.Parent)
		if err != nil {
			return nil, fmt.Errorf("parent of refund %s: %w", p.ID, t.note(err))
		}
		t.parent = &found
		t.alike()
	}
	return t.parent, nil
}

// alike gives the fact an instant that is later than all that was recorded of the refund and of its deposit: it may be told
// in order with what either was told before, by nodes whose clocks differ.
func (t *EventContext) alike() {
	t.event.At = t.parent.Mark(t.event.At)
	t.d.Payment.Changed = t.event.At
}

// Order is what is kept beside the Deposit, or nil.
func (t *EventContext) Order() (*Order, error) {
	if t.order != nil {
		return t.order, nil
	}
	p := &t.d.Payment
	of := p.ID
	if p.Type == payment.Refund {
		of = p.Parent
	}
	o, err := found(t.tx.Orders().OfPayment(p.Shop, of))
	return o, t.note(err)
}

// Instruction is what the merchant said with the refund, or with the capture or void that was settled, or nil.
func (t *EventContext) Instruction() (*Instruction, error) {
	if t.said != nil {
		return t.said, nil
	}
	p := &t.d.Payment
	if p.Type == payment.Refund {
		said, err := found(t.tx.Instructions().Get(p.Shop, p.Parent, 0, p.ID))
		return said, t.note(err)
	}
	said, err := found(t.tx.Instructions().Get(p.Shop, p.ID, t.event.Attempt, ""))
	return said, t.note(err)
}

// found turns a row that is not there into nil.
func found[T any](row T, err error) (*T, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// outboxEvent is an event as it will be written, and where it is posted.
type outboxEvent struct {
	event store.Event
	url   string
}

// word puts what merchants are told about a decision into words, to the byte. It counts
// the messages on the payment, so it comes before the payment is written; the messages
// come after it, so that who decided on old data fails at the payment's version.
// What cannot be worded is kept for later and fails nothing; only a database that is away does.
func (e *Engine) word(ctx context.Context, t *EventContext) ([]outboxEvent, error) {
	if len(t.d.Events) == 0 {
		return nil, nil
	}
	p := &t.d.Payment
	var err, unread error
	if t.shop, err = e.shops.Get(ctx, p.Shop); err != nil {
		if unread = fmt.Errorf("shop %s: %w", p.Shop, err); away(err) {
			return nil, unread
		}
	}
	var all []outboxEvent
	for _, t.event = range t.d.Events {
		if t.parent != nil {
			t.alike()
		}
		for i := range e.c.Render {
			events, err := e.wordIn(t, &e.c.Render[i], unread)
			if err != nil {
				return nil, fmt.Errorf("event of payment %s: %w", p.ID, err)
			}
			all = append(all, events...)
		}
	}
	return all, nil
}

// wordIn words the fact in one dialect, or keeps it for later. unread is why the shop cannot be read, if so.
func (e *Engine) wordIn(t *EventContext, r *Renderer, unread error) ([]outboxEvent, error) {
	var messages []Message
	cause := unread
	if cause == nil {
		messages, cause = render(t, r)
	}
	if t.trouble != nil {
		return nil, t.trouble
	}
	if cause == nil && len(messages) == 0 {
		return nil, nil
	}
	if cause != nil && r.OfParent {
		_, _ = t.Deposit() // without one the fact is told in the order of the refund's own
		if t.trouble != nil {
			return nil, t.trouble
		}
	}
	of := t.of(r.OfParent)
	waits, err := t.waits(of, r.Dialect)
	switch {
	case err != nil:
		return nil, err
	case cause != nil || waits:
		return nil, e.keepUntold(t, of, r.Dialect, cause)
	}
	events := make([]outboxEvent, len(messages))
	for i := range messages {
		events[i] = e.number(t, &messages[i])
	}
	return events, nil
}

// errUnstorable is what is wrong with a message that the database would refuse, and with it all of the transaction.
var errUnstorable = errors.New("the message is no text")

// render has the dialect word the fact. A panic is an error like others.
func render(t *EventContext, r *Renderer) (messages []Message, err error) {
	err = rescue.Call(func() (err error) {
		messages, err = r.Word(t)
		return err
	})
	for i := range messages {
		if m := &messages[i]; err == nil && (!utf8.Valid(m.Body) || bytes.IndexByte(m.Body, 0) >= 0 || strings.Contains(m.URL, "\x00")) {
			err = errUnstorable
		}
	}
	return messages, err
}

// of is the payment in whose order a message is told: that of the fact or, with parent, the deposit, where the renderer
// has asked for it.
func (t *EventContext) of(parent bool) *payment.Payment {
	if parent && t.parent != nil {
		return t.parent
	}
	return &t.d.Payment
}

// number makes the message the next one of its payment.
func (e *Engine) number(t *EventContext, m *Message) outboxEvent {
	of := t.of(m.OfParent)
	t.moved = t.moved || of == t.parent
	return e.next(of, m, t.event.At)
}

// next is the message as the next one of the payment.
func (e *Engine) next(of *payment.Payment, m *Message, at time.Time) outboxEvent {
	of.Told++
	eid, _ := e.c.IDs.New()
	return outboxEvent{url: m.URL, event: store.Event{
		Shop: of.Shop, ID: eid, Dialect: m.Dialect, Payment: of.ID, Seq: of.Told, Type: m.Type,
		ContentType: m.ContentType, Body: string(m.Body), Created: at,
	}}
}

// enqueue queues the events with their deliveries, the facts that could not be worded, and what a human is told.
func (e *Engine) enqueue(tx *store.Tx, t *EventContext, all []outboxEvent) {
	e.post(tx, all)
	if len(t.untold) > 0 {
		t.writeUntold()
	}
	if alarms := alarmsOf(t.d); len(alarms) > 0 {
		e.bell.Write(tx, alarms...)
	}
}

// post queues the events with their deliveries.
func (e *Engine) post(tx *store.Tx, all []outboxEvent) {
	for i := range all {
		tx.Events().Insert(&all[i].event)
		if all[i].url == "" {
			continue
		}
		if key := tx.Deliveries().Insert(&all[i].event, all[i].url); e.c.Wake != nil {
			tx.After(func() { e.c.Wake(key) })
		}
	}
}
