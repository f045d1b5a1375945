package engine

import (
	"context"
	"errors"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
)

// parse verifies and reads a post as the terminal's settings say, or, where by them it is not the provider's, as those
// say that were replaced a short time ago: a provider may go on signing with the old secret for a while.
func (e *Engine) parse(ctx context.Context, owner payment.ShopID, at *reached, post *Post) (notices []connector.Notice, err error) {
	read := func(c connector.Connector) error {
		return rescue.Call(func() (err error) {
			notices, err = c.(connector.Notifier).ParseNotice(post.Header, post.Body) //nolint:errcheck,forcetypeassert // seen by the caller, of one type
			return err
		})
	}
	err = read(at.to.Connector)
	if err == nil || errors.Is(err, connector.ErrUnreadable) || rescue.From(err) != nil {
		return notices, err
	}
	s, found := e.shops.Get(ctx, owner)
	if found != nil {
		return nil, err
	}
	for _, c := range e.connectors.Retired(s, post.Terminal) {
		if old := read(c); old == nil || errors.Is(old, connector.ErrUnreadable) {
			return notices, old
		}
	}
	return nil, err
}
