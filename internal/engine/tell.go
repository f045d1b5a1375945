package engine

import (
	"context"
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
}

// Renderer words an event in one dialect; nothing where the merchant is not told.
type Renderer func(s *shop.Shop, p *payment.Payment, e payment.Event) ([]Message, error)

// telling is an event as it will be written, and where it is posted.
type telling struct {
	event store.Event
	url   string
}

// word puts what merchants are told about a decision into words, to the byte. It counts
// the messages on the payment, so it comes before the payment is written; the messages
// come after it, so that who decided on old data fails at the payment's version.
func (e *Engine) word(ctx context.Context, d *payment.Decision) ([]telling, error) {
	if len(d.Events) == 0 {
		return nil, nil
	}
	p := &d.Payment
	s, err := e.shops.get(ctx, p.Shop)
	if err != nil {
		return nil, fmt.Errorf("shop %s: %w", p.Shop, err)
	}
	var all []telling
	for _, event := range d.Events {
		for _, render := range e.Render {
			messages, err := render(s, p, event)
			if err != nil {
				return nil, fmt.Errorf("event of payment %s: %w", p.ID, err)
			}
			for _, m := range messages {
				p.Told++
				eid, _ := e.IDs.New()
				all = append(all, telling{url: m.URL, event: store.Event{
					Shop: p.Shop, ID: eid, Dialect: m.Dialect, Payment: p.ID, Seq: p.Told, Type: m.Type,
					ContentType: m.ContentType, Body: string(m.Body), Created: event.At,
				}})
			}
		}
	}
	return all, nil
}

// tell queues the events with their deliveries.
func (e *Engine) tell(tx *store.Tx, all []telling) {
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
