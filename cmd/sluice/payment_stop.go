package main

import (
	"context"
	"fmt"
	"io"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

type paymentStopCommand struct {
	config.Common
	stopRecurring
}

// Run ends a recurring chain.
func (c *paymentStopCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{StopRecurring: &c.stopRecurring})
}

type stopRecurring struct {
	Shop    string `name:"shop" required:"" placeholder:"ID" help:"The shop that the payment belongs to." json:"shop"`
	Payment string `arg:"" name:"payment" help:"The id of the payment that began it, or of the subscription." json:"payment"`
}

func (c *stopRecurring) run(ctx context.Context, b *base, out io.Writer) error {
	e, err := b.commands()
	if err != nil {
		return err
	}
	pid := payment.ID(c.Payment)
	if read, ok := id.Read(c.Payment); ok {
		pid = payment.ID(read)
	}
	if err := e.StopChain(ctx, shop.ID(c.Shop), pid); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "the chain of %s is stopped\n", pid)
	return err
}
