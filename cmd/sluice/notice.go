package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

type noticeCommands struct {
	Parked noticeParkedCommand `cmd:"" help:"List notices of providers that could not be booked."`
	Show   noticeShowCommand   `cmd:"" help:"Print a notice as it came, but for card numbers."`
	Retry  noticeRetryCommand  `cmd:"" help:"Try to book a parked notice again."`
}

type noticeParkedCommand struct{ config.Common }

type noticeShowCommand struct {
	config.Common
	showNotice
}

type noticeRetryCommand struct {
	config.Common
	retryNotice
}

// Run lists parked notices.
func (c *noticeParkedCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ParkedNotices: &parkedNotices{}})
}

// Run prints a notice.
func (c *noticeShowCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ShowNotice: &c.showNotice})
}

// Run has a notice tried again.
func (c *noticeRetryCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{RetryNotice: &c.retryNotice})
}

type parkedNotices struct{}

func (*parkedNotices) run(ctx context.Context, b *base, out io.Writer) error {
	var parked []store.Notice
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		parked, err = tx.ParkedNotices(mostParked)
		return err
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SHOP\tTERMINAL\tNOTICE\tRECEIVED\tABOUT")
	for i := range parked {
		n := &parked[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%q\n", n.Shop, n.Terminal, n.Key, n.Received.Format("2006-01-02 15:04:05"), n.AttemptKey)
	}
	return w.Flush()
}

// noticeChoice names a notice.
type noticeChoice struct {
	Shop     string `name:"shop" required:"" placeholder:"ID" help:"The shop that the notice belongs to." json:"shop"`
	Terminal string `name:"terminal" required:"" placeholder:"ID" help:"The terminal that it came for." json:"terminal"`
	Notice   string `arg:"" name:"notice" help:"The notice, as the list names it." json:"notice"`
}

type showNotice struct{ noticeChoice }

func (c *showNotice) run(ctx context.Context, b *base, out io.Writer) error {
	var n store.Notice
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.Notice(shop.ID(c.Shop), c.Terminal, c.Notice)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no notice %q at terminal %q", c.Notice, c.Terminal)
	}
	if err != nil {
		return err
	}
	return printJSON(out, map[string]string{
		"state": string(n.State), "received": n.Received.UTC().Format(time.RFC3339Nano), "about": n.AttemptKey, "payment": string(n.Payment),
		"headers": outbound.MaskDigits(n.Headers), "body": outbound.MaskDigits(strings.ToValidUTF8(string(n.Body), "?")),
	})
}

type retryNotice struct{ noticeChoice }

func (c *retryNotice) run(ctx context.Context, b *base, out io.Writer) error {
	err := b.db.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.Notice(shop.ID(c.Shop), c.Terminal, c.Notice)
		if err != nil {
			return err
		}
		if n.State != store.NoticeParked && tx.MaybeCommitted() {
			return nil // it was done, by this command or another
		}
		if n.State != store.NoticeParked {
			return fmt.Errorf("the notice is %s", n.State)
		}
		tx.ReviveNotice(&n)
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no notice %q at terminal %q", c.Notice, c.Terminal)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "notice %s will be tried again\n", c.Notice)
	return err
}
