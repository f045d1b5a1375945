package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

type paymentCommands struct {
	Check   paymentCheckCommand   `cmd:"" help:"Ask the provider how a payment with an open outcome stands."`
	Update  paymentUpdateCommand  `cmd:"" help:"Put a payment into the state that is known to be true."`
	Approve paymentApproveCommand `cmd:"" help:"Carry out an update that somebody else asked for."`
	Updates paymentUpdatesCommand `cmd:"" help:"List updates of a shop's payments that wait for a second person."`
	Parked  paymentParkedCommand  `cmd:"" help:"List payments that wait for a human."`

	StopRecurring paymentStopCommand `cmd:"" help:"End the recurring chain, or subscription, that a payment began."`
}

type paymentCheckCommand struct {
	config.Common
	checkPayment
}

type paymentUpdateCommand struct {
	config.Common
	updatePayment
}

type paymentApproveCommand struct {
	config.Common
	approveUpdate
}

type paymentUpdatesCommand struct {
	config.Common
	listUpdates
}

type paymentParkedCommand struct{ config.Common }

// Run asks the provider.
func (c *paymentCheckCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{CheckPayment: &c.checkPayment})
}

// Run updates a payment, or keeps the wish until somebody approves it.
func (c *paymentUpdateCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{UpdatePayment: &c.updatePayment})
}

// Run approves an update.
func (c *paymentApproveCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ApproveUpdate: &c.approveUpdate})
}

// Run lists updates.
func (c *paymentUpdatesCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ListUpdates: &c.listUpdates})
}

// Run lists parked payments.
func (c *paymentParkedCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ParkedPayments: &parkedPayments{}})
}

type checkPayment struct {
	Shop    string `name:"shop" required:"" placeholder:"ID" help:"The shop that the payment belongs to." json:"shop"`
	Payment string `arg:"" name:"payment" help:"The payment's id." json:"payment"`
}

func (c *checkPayment) run(ctx context.Context, b *base, out io.Writer) error {
	e, err := b.commands()
	if err != nil {
		return err
	}
	p, err := e.ManualCheck(ctx, shop.ID(c.Shop), payment.ID(c.Payment))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is %s\n", p.ID, p.State())
	return err
}

type updatePayment struct {
	Shop    string `name:"shop" required:"" placeholder:"ID" help:"The shop that the payment belongs to." json:"shop"`
	Payment string `arg:"" name:"payment" help:"The payment's id." json:"payment"`
	State   string `name:"state" required:"" placeholder:"STATE" help:"The state it has in truth: COMPLETED, AUTHORIZED, DECLINED or CANCELLED." json:"state"`
	Code    string `name:"code" placeholder:"CODE" help:"Error code of a payment that ends without money, such as 3.00." json:"code"`
	Reason  string `name:"reason" required:"" help:"Why, and how it is known." json:"reason"`
	By      string `name:"by" required:"" placeholder:"NAME" help:"Who asks for it." json:"by"`
}

func (c *updatePayment) run(ctx context.Context, b *base, out io.Writer) error {
	e, err := b.commands()
	if err != nil {
		return err
	}
	if code := payment.ErrorCode(c.Code); code != "" && !code.Valid() {
		return fmt.Errorf("there is no error code %q", c.Code)
	}
	id, done, err := e.ManualUpdate(ctx, store.ManualUpdate{
		Shop: shop.ID(c.Shop), Payment: payment.ID(c.Payment), To: payment.State(c.State),
		Code: payment.ErrorCode(c.Code), Reason: c.Reason, AskedBy: c.By,
	})
	if err != nil {
		return err
	}
	if !done {
		_, err = fmt.Fprintf(out, "update %s waits for a second person: sluice payment approve --shop %s %s --by NAME\n", id, c.Shop, id)
		return err
	}
	_, err = fmt.Fprintf(out, "%s is %s\n", c.Payment, c.State)
	return err
}

type approveUpdate struct {
	Shop   string `name:"shop" required:"" placeholder:"ID" help:"The shop that the payment belongs to." json:"shop"`
	Update string `arg:"" name:"update" help:"The update's id, as printed when it was asked for." json:"update"`
	By     string `name:"by" required:"" placeholder:"NAME" help:"Who approves; not who asked." json:"by"`
}

func (c *approveUpdate) run(ctx context.Context, b *base, out io.Writer) error {
	e, err := b.commands()
	if err != nil {
		return err
	}
	if err := e.ApproveManualUpdate(ctx, shop.ID(c.Shop), c.Update, c.By); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "update %s is carried out\n", c.Update)
	return err
}

type listUpdates struct {
	Shop string `name:"shop" required:"" placeholder:"ID" help:"The shop whose updates to list." json:"shop"`
}

// run shows what a second person has to know before agreeing.
func (c *listUpdates) run(ctx context.Context, b *base, out io.Writer) error {
	s, err := b.findShop(ctx, c.Shop)
	if err != nil {
		return err
	}
	var open []store.ManualUpdate
	err = b.db.View(ctx, func(tx *store.Tx) (err error) {
		open, err = tx.OpenManualUpdates(s.ID, mostParked)
		return err
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "UPDATE\tPAYMENT\tTO\tCODE\tASKED AT\tBY\tREASON")
	for i := range open {
		u := &open[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%q\t%q\n", u.ID, u.Payment, u.To, cmp.Or(string(u.Code), "–"), shortTime(u.AskedAt), u.AskedBy, u.Reason)
	}
	return w.Flush()
}

const mostParked = 1000

type parkedPayments struct{}

func (*parkedPayments) run(ctx context.Context, b *base, out io.Writer) error {
	var parked []store.DuePayment
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		parked, err = tx.ParkedPayments(mostParked)
		return err
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SHOP\tPAYMENT\tFAILED")
	for _, p := range parked {
		fmt.Fprintf(w, "%s\t%s\t%d\n", p.Shop, p.ID, p.Fails)
	}
	return w.Flush()
}

// commands returns the engine of this process: the one that serves, or one for this
// task alone.
func (b *base) commands() (*engine.Engine, error) {
	if b.engine == nil {
		if _, err := newApp(b, b.config.PublicURL); err != nil {
			return nil, err
		}
	}
	return b.engine, nil
}
