package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// ParkedNotice is a provider's notice that could not be booked.
type ParkedNotice struct {
	Shop     shop.ID   `json:"shopId"`
	Terminal string    `json:"terminalId"`
	Notice   string    `json:"notice"`
	Received time.Time `json:"received"`
	About    string    `json:"about,omitempty"` // as the provider names it
}

// ListNotices lists parked notices of all shops. It needs the right ReadPayments.
func (d *Desk) listNotices(ctx context.Context, _ Nothing) (List[ParkedNotice], error) {
	found, err := view(ctx, d, func(tx *store.Tx) ([]store.Notice, error) { return tx.Notices().Parked(mostListed + 1) })
	return bounded(found, mostListed, func(n *store.Notice) ParkedNotice {
		return ParkedNotice{n.Shop, n.Terminal, n.Key, n.Received, n.AttemptKey}
	}), err
}

// OfNotice names a notice.
type OfNotice struct {
	Shop     string `name:"shop" required:"" placeholder:"ID" help:"The shop that the notice belongs to." json:"shop"`
	Terminal string `name:"terminal" required:"" placeholder:"ID" help:"The terminal that it came for." json:"terminal"`
	Notice   string `arg:"" name:"notice" help:"The notice, as the list names it." json:"notice"`
}

func (c *OfNotice) wrong(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("shop %s has no notice %s at terminal %s; \"sluice notice parked\" lists those that wait", c.Shop, named(c.Notice), named(c.Terminal))
	}
	return err
}

// Notice is a notice as it came, but for card numbers.
type Notice struct {
	State    store.NoticeState `json:"state"`
	Received time.Time         `json:"received"`
	About    string            `json:"about"`
	Payment  payment.ID        `json:"payment"`
	Headers  string            `json:"headers"`
	Body     string            `json:"body"`
}

// showNotice returns a notice. It needs the right ReadPayments.
func (d *Desk) showNotice(ctx context.Context, c OfNotice) (Notice, error) {
	if _, err := d.shopOf(ctx, c.Shop); err != nil {
		return Notice{}, err
	}
	n, err := view(ctx, d, func(tx *store.Tx) (store.Notice, error) {
		return tx.Notices().Get(shop.ID(c.Shop), c.Terminal, c.Notice)
	})
	if err != nil {
		return Notice{}, c.wrong(err)
	}
	return Notice{
		n.State, n.Received.UTC(), n.AttemptKey, n.Payment,
		outbound.MaskDigits(n.Headers), outbound.MaskDigits(strings.ToValidUTF8(string(n.Body), "?")),
	}, nil
}

// NoticeRetried is a notice that is tried again.
type NoticeRetried struct {
	Notice string `json:"notice"`
}

// retryNotice has a parked notice tried again. It needs the right ManageNotices.
func (d *Desk) retryNotice(ctx context.Context, c OfNotice) (NoticeRetried, error) {
	if _, err := d.shopOf(ctx, c.Shop); err != nil {
		return NoticeRetried{}, err
	}
	err := d.c.DB.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.Notices().Get(shop.ID(c.Shop), c.Terminal, c.Notice)
		if err != nil {
			return err
		}
		if n.State != store.NoticeParked && tx.MaybeCommitted() {
			return nil // it was done, by this command or another
		}
		if n.State != store.NoticeParked {
			return fmt.Errorf("the notice is %s", n.State)
		}
		tx.Notices().Revive(&n)
		return nil
	})
	return NoticeRetried{c.Notice}, c.wrong(err)
}
