package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/store"
)

type webhookUntoldCommand struct {
	config.Common
	listUntold
}

// Run lists events that wait for their words.
func (c *webhookUntoldCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ListUntold: &c.listUntold})
}

type listUntold struct {
	Retry bool `name:"retry" help:"Try to word all of them again at once, instead of when they are due." json:"retry,omitempty"`
}

// run lists events that could not be put into words.
func (c *listUntold) run(ctx context.Context, b *base, out io.Writer) error {
	var found []store.Untold
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.ListUntold(mostParked)
		return err
	})
	if err == nil && c.Retry {
		err = b.db.Update(ctx, func(tx *store.Tx) error {
			tx.HurryUntold()
			return nil
		})
	}
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SHOP\tPAYMENT\tAPI\tSINCE\tFAILED\tDUE\tERROR")
	for i := range found {
		u := &found[i]
		due := shortTime(u.Due)
		if c.Retry {
			due = "now"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", u.Shop, u.Payment, u.Dialect, shortTime(u.Created), u.Fails, due, oneLine(u.Error))
	}
	return w.Flush()
}
