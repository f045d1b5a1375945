package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// unreadPrefix begins the key of a post that could not be read, before the hash of its body.
const unreadPrefix = "sha256-"

// mostUnread is how many posts of a terminal that nobody could read wait for a human at most. Who sends more of them sends
// nothing that the first thousand do not show; what they tell is found out by status queries.
const mostUnread = 1000

// row is what is kept of a post under that key.
func (p *Post) row(owner payment.ShopID, key string) (store.Notice, error) {
	headers, err := json.Marshal(p.Header)
	if err != nil {
		return store.Notice{}, fmt.Errorf("headers of a notice: %w", err)
	}
	return store.Notice{Shop: owner, Terminal: p.Terminal, Key: key, Received: p.At, Headers: string(headers), Body: p.Body}, nil
}

// keepUnread keeps a provider's post that its connector does not understand.
func (e *Engine) keepUnread(ctx context.Context, owner payment.ShopID, post Post, cause error) error {
	sum := sha256.Sum256(post.Body)
	row, err := post.row(owner, unreadPrefix+hex.EncodeToString(sum[:]))
	if err != nil {
		return err
	}
	row.State = store.NoticeParked
	told := aboutNotice(owner, row.Terminal, row.Key, whyUnread).Of(cause)
	full := false
	err = e.c.DB.Update(ctx, func(tx *store.Tx) error {
		waiting, err := tx.Notices().CountParked(owner, post.Terminal, mostUnread)
		if full = waiting >= mostUnread; err == nil && !full {
			tx.Notices().Insert(&row)
			e.bell.Write(tx, told)
		}
		return err
	})
	if clashed(err, store.WriteNotice) {
		return ErrUnreadable
	}
	if full {
		if more, due := e.pace.Due("unread/"+post.Terminal, e.Now()); due {
			all := alarm.Alarm{Shop: owner, About: alarm.Terminal, Subject: post.Terminal, Why: whyUnreadFull}.Of(cause)
			all.Detail = fmt.Sprintf("%d are kept, %d were left out since the last time: %s", mostUnread, more, all.Detail)
			e.bell.Raise(ctx, all)
		}
		return ErrUnreadable
	}
	if err != nil {
		return storeError(err)
	}
	e.bell.Tell(ctx, told)
	return ErrUnreadable
}

// setAside keeps a notice that is about something else than an attempt, such as a dispute, for a human: under the provider's own
// key, so that it is kept once, and with the payment that it names, if that is known.
func (e *Engine) setAside(ctx context.Context, owner payment.ShopID, post Post, n *connector.Notice) error {
	row, err := post.row(owner, n.EventKey)
	if err != nil {
		return err
	}
	var told alarm.Alarm
	err = e.c.DB.Update(ctx, func(tx *store.Tx) error {
		kept := row
		if kept.AttemptKey, err = keyOf(tx, &row, n); err != nil {
			return err
		}
		if told, err = aside(tx, &kept, n.Subject); err == nil {
			tx.Notices().Insert(&kept)
			e.bell.Write(tx, told)
		}
		return err
	})
	if clashed(err, store.WriteNotice) {
		return nil
	}
	if err == nil {
		e.bell.Tell(ctx, told)
	}
	return storeError(err)
}

// keyOf is our key that a notice names, or that of the payment which has the provider's id that it names.
func keyOf(tx *store.Tx, row *store.Notice, n *connector.Notice) (string, error) {
	if n.Key != "" || n.ProviderRef == "" {
		return n.Key, nil
	}
	key, err := tx.Attempts().KeyOf(row.Shop, row.Terminal, n.ProviderRef)
	if errors.Is(err, store.ErrNotFound) {
		return n.ProviderRef, nil
	}
	return key, err
}

// aside parks a notice that is about something else than an attempt, and says what a human is told.
func aside(tx *store.Tx, n *store.Notice, about connector.Subject) (alarm.Alarm, error) {
	n.State, n.Due = store.NoticeParked, time.Time{}
	told := aboutNotice(n.Shop, n.Terminal, n.Key, whyAside)
	told.Detail = fmt.Sprintf("%s, of something unknown, reference %q", about, n.AttemptKey)
	pid, _, err := tx.Attempts().Owner(n.Shop, n.Terminal, n.AttemptKey)
	if errors.Is(err, store.ErrNotFound) {
		return told, nil
	}
	n.Payment, told.Detail = pid, fmt.Sprintf("%s, of payment %s", about, pid)
	return told, err
}
