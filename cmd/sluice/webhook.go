package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

type webhookCommands struct {
	List      webhookListCommand      `cmd:"" help:"List deliveries of events to a shop's endpoints; of one event also each try."`
	Resend    webhookResendCommand    `cmd:"" help:"Have events sent again, under the same webhook-id."`
	Endpoints webhookEndpointsCommand `cmd:"" help:"List a shop's endpoints and how they fare."`
	Enable    webhookEnableCommand    `cmd:"" help:"Deliver to an endpoint again that is disabled or down."`
	Disable   webhookDisableCommand   `cmd:"" help:"Stop delivering to an endpoint; what is open for it is given up."`
	Untold    webhookUntoldCommand    `cmd:"" help:"List events that could not be put into words yet, or try them again."`
	RotateKey webhookRotateCommand    `cmd:"" help:"Replace a shop's signing key. The new one is shown this once."`

	TokenKeys      webhookTokenKeysCommand      `cmd:"" help:"List this installation's keys for events that are signed tokens (JWT)."`
	RotateTokenKey webhookRotateTokenKeyCommand `cmd:"" help:"Publish a new key for signed tokens, which takes over after a day."`
}

type webhookListCommand struct {
	config.Common
	listDeliveries
}

type webhookResendCommand struct {
	config.Common
	resendDeliveries
}

type webhookEndpointsCommand struct {
	config.Common
	listEndpoints
}

type webhookEnableCommand struct {
	config.Common
	Shop     string `name:"shop" required:"" placeholder:"ID" help:"The shop that the endpoint belongs to."`
	Endpoint string `arg:"" name:"endpoint" help:"The endpoint's id, as listed."`
}

type webhookDisableCommand webhookEnableCommand

type webhookRotateCommand struct {
	config.Common
	rotateKey
}

// Run lists deliveries.
func (c *webhookListCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ListDeliveries: &c.listDeliveries})
}

// Run sends again.
func (c *webhookResendCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ResendDeliveries: &c.resendDeliveries})
}

// Run lists endpoints.
func (c *webhookEndpointsCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ListEndpoints: &c.listEndpoints})
}

// Run enables an endpoint.
func (c *webhookEnableCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{SwitchEndpoint: &switchEndpoint{c.Shop, c.Endpoint, store.EndpointUp}})
}

// Run disables an endpoint.
func (c *webhookDisableCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{SwitchEndpoint: &switchEndpoint{c.Shop, c.Endpoint, store.EndpointDisabled}})
}

// Run replaces the signing key.
func (c *webhookRotateCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{RotateKey: &c.rotateKey})
}

// deliveryChoice chooses deliveries of a shop.
type deliveryChoice struct {
	Shop     string `name:"shop" required:"" placeholder:"ID" help:"The shop whose events they are." json:"shop"`
	Event    string `name:"event" placeholder:"ID" help:"Only this event; its webhook-id will do." json:"event"`
	Payment  string `name:"payment" placeholder:"ID" help:"Only events of this payment." json:"payment"`
	Endpoint string `name:"endpoint" placeholder:"ID" help:"Only to this endpoint." json:"endpoint"`
	State    string `name:"state" placeholder:"STATE" help:"Only those that are WAITING, DELIVERED or FAILED." json:"state"`
	Since    string `name:"since" placeholder:"TIME" help:"Only events from this instant on, such as 2030-12-25T10:00:00Z." json:"since"`
	Until    string `name:"until" placeholder:"TIME" help:"Only events before this instant." json:"until"`
}

func (c *deliveryChoice) filter() (store.DeliveryFilter, error) {
	f := store.DeliveryFilter{
		Shop: shop.ID(c.Shop), Event: strings.TrimPrefix(c.Event, "evt_"), Payment: payment.ID(c.Payment),
		Endpoint: c.Endpoint, State: store.DeliveryState(strings.ToUpper(c.State)),
	}
	switch f.State {
	case "", store.DeliveryWaiting, store.DeliveryDelivered, store.DeliveryFailed:
	default:
		return f, fmt.Errorf("--state: %q is none of WAITING, DELIVERED and FAILED", c.State)
	}
	for _, bound := range []struct {
		flag, text string
		into       *time.Time
	}{{"since", c.Since, &f.Since}, {"until", c.Until, &f.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, bound.text)
		if err != nil {
			return f, fmt.Errorf("--%s: %q is no instant such as 2030-12-25T10:00:00Z", bound.flag, bound.text)
		}
		*bound.into = at
	}
	return f, nil
}

type listDeliveries struct {
	deliveryChoice
	Limit int `name:"limit" default:"100" help:"How many at most." json:"limit"`
}

func (c *listDeliveries) run(ctx context.Context, b *base, out io.Writer) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	if _, err := b.findShop(ctx, c.Shop); err != nil {
		return err
	}
	f.Limit = min(max(c.Limit, 1), 10000)
	var found []store.DeliveryInfo
	tries := map[store.DeliveryInfo][]store.Try{}
	err = b.db.View(ctx, func(tx *store.Tx) (err error) {
		if found, err = tx.Deliveries(f); err != nil || f.Event == "" {
			return err
		}
		for _, d := range found {
			if tries[d], err = tx.Tries(store.EndpointKey{Shop: f.Shop, ID: d.Endpoint}, d.DeliveryKey); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WEBHOOK-ID\tTYPE\tPAYMENT\tSEQ\tENDPOINT\tSTATE\tTRIES\tCREATED\tNEXT TRY\tDONE")
	for _, d := range found {
		fmt.Fprintf(w, "evt_%s\t%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\t%s\n", d.Event, d.Type, d.Payment, d.Seq, d.Endpoint, d.State,
			d.Tries, shortTime(d.Created), shortTime(d.Next), shortTime(d.Done))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, d := range found {
		if err := printTries(out, tries[d]); err != nil {
			return err
		}
	}
	return nil
}

func printTries(out io.Writer, tries []store.Try) error {
	if len(tries) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TRY\tAT\tTOOK\tSTATUS\tERROR\tANSWER")
	for _, t := range tries {
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\t%s\n", t.Number, shortTime(t.At), t.Took, t.Status, cmp.Or(t.Error, "–"),
			cmp.Or(t.Answer, "–"))
	}
	return w.Flush()
}

// resendBatch is how many deliveries are made due again in one transaction.
const resendBatch = 200

type resendDeliveries struct {
	deliveryChoice
}

// run makes the chosen deliveries due, failed ones only unless a state, an event or a
// payment is named.
func (c *resendDeliveries) run(ctx context.Context, b *base, out io.Writer) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	if _, err := b.findShop(ctx, c.Shop); err != nil {
		return err
	}
	if f.State == "" && f.Event == "" && f.Payment == "" {
		f.State = store.DeliveryFailed
	}
	f.Limit, f.Oldest = resendBatch, true // what is due first is posted first, also between two transactions
	sent := 0
	endpoints := map[string]bool{}
	for more := true; more; {
		var page []store.DeliveryInfo
		err := b.db.Update(ctx, func(tx *store.Tx) (err error) {
			if page, err = tx.Deliveries(f); err != nil {
				return err
			}
			return resend(tx, f.Shop, page, endpoints)
		})
		if err != nil {
			return fmt.Errorf("after %d deliveries: %w", sent, err)
		}
		sent += len(page)
		if more = len(page) == resendBatch; more {
			f.After = &page[len(page)-1]
		}
	}
	_, err = fmt.Fprintf(out, "%d deliveries are due again\n", sent)
	return err
}

// resend makes deliveries due and has an endpoint that is down tried at once; up holds the
// endpoints that were seen to already.
func resend(tx *store.Tx, sid shop.ID, page []store.DeliveryInfo, up map[string]bool) error {
	for _, d := range page {
		k := store.EndpointKey{Shop: sid, ID: d.Endpoint}
		if !up[k.ID] {
			e, err := tx.Endpoint(k)
			if err != nil {
				return fmt.Errorf("endpoint %s: %w", k.ID, err)
			}
			if e.State == store.EndpointDisabled {
				return fmt.Errorf("endpoint %s is disabled; \"sluice webhook enable\" changes that", k.ID)
			}
			if e.State == store.EndpointDown || !e.Hold.IsZero() {
				tx.SwitchEndpoint(k, store.EndpointUp)
			}
		}
		tx.ResendDelivery(k, d.DeliveryKey, tx.Now())
	}
	for _, d := range page {
		up[d.Endpoint] = true
	}
	return nil
}

type listEndpoints struct {
	Shop string `name:"shop" required:"" placeholder:"ID" help:"The shop whose endpoints to list." json:"shop"`
}

const mostEndpoints = 1000

func (c *listEndpoints) run(ctx context.Context, b *base, out io.Writer) error {
	s, err := b.findShop(ctx, c.Shop)
	if err != nil {
		return err
	}
	var found []store.EndpointInfo
	err = b.db.View(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.Endpoints(s.ID, "", mostEndpoints)
		return err
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENDPOINT\tSTATE\tOPEN\tFAILS\tDOWN SINCE\tNOT BEFORE\tURL\tLAST ERROR")
	for _, e := range found {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", e.ID, e.State, e.Open, e.Fails, shortTime(e.DownSince),
			shortTime(e.Hold), e.URL, cmp.Or(e.LastError, "–"))
	}
	return w.Flush()
}

type switchEndpoint struct {
	Shop     string              `json:"shop"`
	Endpoint string              `json:"endpoint"`
	To       store.EndpointState `json:"to"`
}

func (c *switchEndpoint) run(ctx context.Context, b *base, out io.Writer) error {
	if c.To != store.EndpointUp && c.To != store.EndpointDisabled {
		return fmt.Errorf("an endpoint cannot be made %q", c.To)
	}
	k := store.EndpointKey{Shop: shop.ID(c.Shop), ID: c.Endpoint}
	err := b.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Endpoint(k)
		tx.SwitchEndpoint(k, c.To)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("shop %s has no endpoint %q", c.Shop, c.Endpoint)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is %s\n", c.Endpoint, c.To)
	return err
}

type rotateKey struct {
	Shop    string        `name:"shop" required:"" placeholder:"ID" help:"The shop whose key to replace." json:"shop"`
	Overlap time.Duration `name:"overlap" default:"24h" help:"How long the old key goes on signing beside the new one." json:"overlap"`
}

func (c *rotateKey) run(ctx context.Context, b *base, out io.Writer) error {
	if c.Overlap < 0 {
		return fmt.Errorf("--overlap: %s is less than nothing", c.Overlap)
	}
	fresh := b.ids.Letters(32)
	err := b.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.ChangeShop(shop.ID(c.Shop), func(s *shop.Shop) error {
			retired := s.Settings.RetiredKey
			done := s.SigningKey == fresh || tx.MaybeCommitted() && retired != nil && retired.Key == fresh // and replaced since
			if !done {
				s.RotateKey(fresh, tx.Now().Add(c.Overlap))
			}
			return nil
		})
		return err
	})
	if err != nil {
		return shopError(err, c.Shop)
	}
	return printJSON(out, map[string]string{"shopId": c.Shop, "signingKey": fresh})
}
