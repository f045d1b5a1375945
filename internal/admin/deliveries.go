package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// Deliveries chooses deliveries of a shop.
type Deliveries struct {
	Shop     string `name:"shop" required:"" placeholder:"ID" help:"The shop whose events they are." json:"shop"`
	Event    string `name:"event" placeholder:"ID" help:"Only this event; its webhook-id will do." json:"event,omitempty"`
	Payment  string `name:"payment" placeholder:"ID" help:"Only events of this payment." json:"payment,omitempty"`
	Endpoint string `name:"endpoint" placeholder:"ID" help:"Only to this endpoint." json:"endpoint,omitempty"`
	State    string `name:"state" placeholder:"STATE" help:"Only those that are WAITING, DELIVERED or FAILED." json:"state,omitempty"`
	Since    string `name:"since" placeholder:"TIME" help:"Only events of this time, such as 2030-12-25T10:00:00Z, or later." json:"since,omitempty"`
	Until    string `name:"until" placeholder:"TIME" help:"Only events before this time." json:"until,omitempty"`
}

func (c *Deliveries) filter() (store.DeliveryFilter, error) {
	f := store.DeliveryFilter{
		Shop: shop.ID(c.Shop), Event: strings.TrimPrefix(c.Event, "evt_"), Payment: (&OfPayment{Payment: c.Payment}).id(),
		Endpoint: c.Endpoint, State: store.DeliveryState(strings.ToUpper(c.State)),
	}
	switch f.State {
	case "", store.DeliveryWaiting, store.DeliveryDelivered, store.DeliveryFailed:
	default:
		return f, fmt.Errorf("--state: %q is none of WAITING, DELIVERED and FAILED", c.State)
	}
	err := readBounds([]bound{{"since", c.Since, &f.Since}, {"until", c.Until, &f.Until}})
	return f, err
}

// ListDeliveries chooses deliveries to list.
type ListDeliveries struct {
	Deliveries
	Limit int `name:"limit" default:"100" help:"How many at most, up to 10000." json:"limit,omitempty"`
}

// Delivery is one endpoint's share in an event.
type Delivery struct {
	WebhookID string              `json:"webhookId"`
	Type      string              `json:"type"`
	Payment   payment.ID          `json:"paymentId"`
	Seq       int                 `json:"seq"`
	Endpoint  string              `json:"endpointId"`
	State     store.DeliveryState `json:"state"`
	Tries     int                 `json:"tries"`
	Created   time.Time           `json:"created"` // of the event
	Next      time.Time           `json:"nextTry,omitzero"`
	Done      time.Time           `json:"done,omitzero"`
	Log       []Try               `json:"log,omitempty"` // where one event is asked for: each try that failed
}

// Try is one post of an event.
type Try struct {
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	TookMs int64     `json:"tookMs"`
	Status int       `json:"status"` // 0 where there was no answer
	Error  string    `json:"error,omitempty"`
	Answer string    `json:"answer,omitempty"`
}

// mostDeliveries bounds a list of deliveries whatever is asked for.
const mostDeliveries = 10_000

// listDeliveries lists deliveries, newest first; of one event also each try. It needs the right ReadWebhooks.
func (d *Desk) listDeliveries(ctx context.Context, c ListDeliveries) (List[Delivery], error) {
	f, err := c.filter()
	if err != nil {
		return List[Delivery]{}, err
	}
	if _, err := d.shopOf(ctx, c.Shop); err != nil {
		return List[Delivery]{}, err
	}
	if c.Limit < 1 || c.Limit > mostDeliveries {
		return List[Delivery]{}, fmt.Errorf("--limit: %d is not between 1 and %d", c.Limit, mostDeliveries)
	}
	f.Limit = c.Limit + 1
	return view(ctx, d, func(tx *store.Tx) (List[Delivery], error) {
		found, err := tx.Deliveries().List(f)
		if err != nil {
			return List[Delivery]{}, err
		}
		l := bounded(found, c.Limit, func(i *store.DeliveryInfo) Delivery {
			return Delivery{"evt_" + i.Event, i.Type, i.Payment, i.Seq, i.Endpoint, i.State, i.Tries, i.Created, i.Next, i.Done, nil}
		})
		for i := range l.Items {
			if f.Event == "" {
				break
			}
			tries, err := tx.Deliveries().Tries(store.EndpointKey{Shop: f.Shop, ID: found[i].Endpoint}, found[i].DeliveryKey)
			if err != nil {
				return l, err
			}
			l.Items[i].Log = listOf(tries, func(t *store.Try) Try {
				return Try{t.Number, t.At, t.Took.Milliseconds(), t.Status, t.Error, t.Answer}
			}).Items
		}
		return l, nil
	})
}

// ResendBatch is how many deliveries are made due again in one transaction.
const ResendBatch = 200

// Resent says how many deliveries are due again.
type Resent struct {
	Deliveries int `json:"deliveries"`
}

// resendDeliveries makes the chosen deliveries due again, failed ones only unless a state, an event or a payment is
// named. It needs the right ResendWebhooks.
func (d *Desk) resendDeliveries(ctx context.Context, c Deliveries) (Resent, error) {
	f, err := c.filter()
	if err != nil {
		return Resent{}, err
	}
	if _, err := d.shopOf(ctx, c.Shop); err != nil {
		return Resent{}, err
	}
	if f.State == "" && f.Event == "" && f.Payment == "" {
		f.State = store.DeliveryFailed
	}
	f.Limit, f.Oldest = ResendBatch, true // what is due first is posted first, also between two transactions
	sent := 0
	endpoints := map[string]bool{}
	for more := true; more; {
		var page []store.DeliveryInfo
		err := d.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
			if page, err = tx.Deliveries().List(f); err != nil {
				return err
			}
			return resend(tx, f.Shop, page, endpoints)
		})
		if err != nil {
			return Resent{}, fmt.Errorf("after %d deliveries: %w", sent, err)
		}
		sent += len(page)
		if more = len(page) == ResendBatch; more {
			f.After = &page[len(page)-1]
		}
	}
	return Resent{sent}, nil
}

// resend makes deliveries due and has an endpoint that is down tried at once; up holds the
// endpoints that were seen to already.
func resend(tx *store.Tx, sid shop.ID, page []store.DeliveryInfo, up map[string]bool) error {
	for _, d := range page {
		k := store.EndpointKey{Shop: sid, ID: d.Endpoint}
		if !up[k.ID] {
			e, err := tx.Endpoints().Get(k)
			if err != nil {
				return fmt.Errorf("endpoint %s: %w", k.ID, err)
			}
			if e.State == store.EndpointDisabled {
				return fmt.Errorf("endpoint %s is disabled; \"sluice webhook enable\" changes that", k.ID)
			}
			if e.State == store.EndpointDown || !e.Hold.IsZero() {
				tx.Endpoints().Switch(k, store.EndpointUp)
			}
		}
		tx.Deliveries().Resend(k, d.DeliveryKey, tx.Now())
	}
	for _, d := range page {
		up[d.Endpoint] = true
	}
	return nil
}
