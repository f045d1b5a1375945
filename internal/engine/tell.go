package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/payment"
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
	// to have asked for Telling.Deposit.
	OfParent bool
}

// Renderer words a fact in one dialect; nothing where the merchant is not told.
type Renderer func(t *Telling) ([]Message, error)

// Telling is a fact that merchants are told, with what belongs to it. It lives as long as the transaction body.
type Telling struct {
	tx     *store.Tx
	d      *payment.Decision
	parent *payment.Payment // as it becomes; nil where there is none or it was not looked up
	moved  bool             // the parent changes
	order  *Order           // of a payment that is just born; nil where it has to be looked up
	said   *Instruction     // likewise
	shop   *shop.Shop
	event  payment.Event
}

// Shop is the payment's; shared, not to be changed.
func (t *Telling) Shop() *shop.Shop { return t.shop }

// Payment is as the fact leaves it.
func (t *Telling) Payment() *payment.Payment { return &t.d.Payment }

// Event is the fact.
func (t *Telling) Event() payment.Event { return t.event }

// Deposit is the deposit of a refund as the fact leaves it, and otherwise the payment itself.
func (t *Telling) Deposit() (*payment.Payment, error) {
	p := &t.d.Payment
	if p.Type != payment.Refund {
		return p, nil
	}
	if t.parent == nil {
		found, err := t.tx.Payment(p.Shop, p.Parent)
		if err != nil {
			return nil, fmt.Errorf("parent of refund %s: %w", p.ID, err)
		}
		t.parent = &found
		t.alike()
	}
	return t.parent, nil
}

// alike gives the fact an instant that is later than all that was recorded of the refund and of its deposit: it may be told
// in order with what either was told before, by nodes whose clocks differ.
func (t *Telling) alike() {
	t.event.At = t.parent.Mark(t.event.At)
	t.d.Payment.Changed = t.event.At
}

// Order is what is kept beside the Deposit, or nil.
func (t *Telling) Order() (*Order, error) {
	if t.order != nil {
		return t.order, nil
	}
	p := &t.d.Payment
	of := p.ID
	if p.Type == payment.Refund {
		of = p.Parent
	}
	return found(t.tx.OrderOfPayment(p.Shop, of))
}

// Instruction is what the merchant said with the refund, or with the capture or void that was settled, or nil.
func (t *Telling) Instruction() (*Instruction, error) {
	if t.said != nil {
		return t.said, nil
	}
	p := &t.d.Payment
	if p.Type == payment.Refund {
		return found(t.tx.Instruction(p.Shop, p.Parent, 0, p.ID))
	}
	return found(t.tx.Instruction(p.Shop, p.ID, t.event.Attempt, ""))
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

// toldEvent is an event as it will be written, and where it is posted.
type toldEvent struct {
	event store.Event
	url   string
}

// word puts what merchants are told about a decision into words, to the byte. It counts
// the messages on the payment, so it comes before the payment is written; the messages
// come after it, so that who decided on old data fails at the payment's version.
func (e *Engine) word(ctx context.Context, t *Telling) ([]toldEvent, error) {
	if len(t.d.Events) == 0 {
		return nil, nil
	}
	p := &t.d.Payment
	var err error
	if t.shop, err = e.shops.get(ctx, p.Shop); err != nil {
		return nil, fmt.Errorf("shop %s: %w", p.Shop, err)
	}
	var all []toldEvent
	for _, t.event = range t.d.Events {
		if t.parent != nil {
			t.alike()
		}
		for _, render := range e.Render {
			messages, err := render(t)
			if err != nil {
				return nil, fmt.Errorf("event of payment %s: %w", p.ID, err)
			}
			for _, m := range messages {
				all = append(all, e.number(t, &m))
			}
		}
	}
	return all, nil
}

// number makes the message the next one of its payment.
func (e *Engine) number(t *Telling, m *Message) toldEvent {
	of := &t.d.Payment
	if m.OfParent && t.parent != nil {
		of, t.moved = t.parent, true
	}
	of.Told++
	eid, _ := e.IDs.New()
	return toldEvent{url: m.URL, event: store.Event{
		Shop: of.Shop, ID: eid, Dialect: m.Dialect, Payment: of.ID, Seq: of.Told, Type: m.Type,
		ContentType: m.ContentType, Body: string(m.Body), Created: t.event.At,
	}}
}

// tell queues the events with their deliveries.
func (e *Engine) tell(tx *store.Tx, all []toldEvent) {
	for i := range all {
		tx.InsertEvent(&all[i].event)
		if all[i].url == "" {
			continue
		}
		if key := tx.InsertDelivery(&all[i].event, all[i].url); e.Wake != nil {
			tx.After(func() { e.Wake(key) })
		}
	}
}
