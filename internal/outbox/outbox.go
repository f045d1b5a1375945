package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/cache"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

// Outbox tells merchants. Every field is required but Wake.
type Outbox struct {
	DB     *store.DB
	Shops  *cache.Shops
	Render []Renderer // one entry a dialect
	IDs    *id.Source
	Random io.Reader // spreads when what waits is tried again
	Bell   *alarm.Notifier
	// Wake, when given, is told which endpoint has a new delivery.
	Wake func(store.EndpointKey)
}

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
	// stored all the same, and worded later: see unworded.go.
	Word func(t *EventContext) ([]Message, error)
}

// Event is an event as it will be written, and where it is posted.
type Event struct {
	event store.Event
	url   string
}

// Word puts what merchants are told about a decision into words, to the byte. It counts
// the messages on the payment, so it comes before the payment is written; the messages
// come after it, so that who decided on old data fails at the payment's version.
// What cannot be worded is kept for later and fails nothing; only a database that is away does.
func (o *Outbox) Word(ctx context.Context, t *EventContext) ([]Event, error) {
	if len(t.d.Events) == 0 {
		return nil, nil
	}
	p := &t.d.Payment
	var err, unread error
	if t.shop, err = o.Shops.Get(ctx, p.Shop); err != nil {
		if unread = fmt.Errorf("shop %s: %w", p.Shop, err); store.Away(err) {
			return nil, unread
		}
	}
	var all []Event
	for _, t.event = range t.d.Events {
		if t.parent != nil {
			t.alike()
		}
		for i := range o.Render {
			events, err := o.wordIn(t, &o.Render[i], unread)
			if err != nil {
				return nil, fmt.Errorf("event of payment %s: %w", p.ID, err)
			}
			all = append(all, events...)
		}
	}
	return all, nil
}

// wordIn words the fact in one dialect, or keeps it for later. unread is why the shop cannot be read, if so.
func (o *Outbox) wordIn(t *EventContext, r *Renderer, unread error) ([]Event, error) {
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
		return nil, o.keepUntold(t, of, r.Dialect, cause)
	}
	events := make([]Event, len(messages))
	for i := range messages {
		events[i] = o.number(t, &messages[i])
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
func (o *Outbox) number(t *EventContext, m *Message) Event {
	of := t.of(m.OfParent)
	t.moved = t.moved || of == t.parent
	return o.next(of, m, t.event.At)
}

// next is the message as the next one of the payment.
func (o *Outbox) next(of *payment.Payment, m *Message, at time.Time) Event {
	of.Told++
	eid, _ := o.IDs.New()
	return Event{url: m.URL, event: store.Event{
		Shop: of.Shop, ID: eid, Dialect: m.Dialect, Payment: of.ID, Seq: of.Told, Type: m.Type,
		ContentType: m.ContentType, Body: string(m.Body), Created: at,
	}}
}

// Enqueue queues the events with their deliveries, and the facts that could not be worded.
func (o *Outbox) Enqueue(tx *store.Tx, t *EventContext, all []Event) {
	o.post(tx, all)
	if len(t.untold) > 0 {
		t.writeUntold()
	}
}

// post queues the events with their deliveries.
func (o *Outbox) post(tx *store.Tx, all []Event) {
	for i := range all {
		tx.Events().Insert(&all[i].event)
		if all[i].url == "" {
			continue
		}
		if key := tx.Deliveries().Insert(&all[i].event, all[i].url); o.Wake != nil {
			tx.After(func() { o.Wake(key) })
		}
	}
}
