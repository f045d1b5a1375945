package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// RetryNotice tries a waiting notice again: its payment may be known by now. After a
// day it is parked for a human.
func (e *Engine) RetryNotice(ctx context.Context, n store.Notice) error {
	at, err := e.reach(ctx, n.Shop, n.Terminal)
	if err != nil {
		return err
	}
	c := at.to
	if c == nil {
		return at.fault
	}
	notifier, ok := connector.As[connector.Notifier](c.Connector)
	if !ok {
		return fmt.Errorf("terminal %s takes no notices any more", n.Terminal)
	}
	var header http.Header
	if err := json.Unmarshal([]byte(n.Headers), &header); err != nil {
		return fmt.Errorf("headers of notice %s: %w", n.Key, err)
	}
	key := n.Key
	if strings.HasPrefix(key, unreadPrefix) { // perhaps it is understood by now
		key = ""
	}
	read, err := notifier.ReadNotice(n.Body, key)
	if err != nil {
		return fmt.Errorf("notice %s: %w", n.Key, err)
	}
	var parked []alarm.Alarm
	post := Post{Terminal: n.Terminal, Header: header, Body: n.Body, At: n.Received}
	said := report{about: read.Subject, fact: read.Fact, hint: read.Hint, messages: recordIncoming(ctx, c, post), at: at}
	err = e.settleNotice(settled(ctx), said, func(tx *store.Tx, said report, d *payment.Decision) error {
		if !tx.MaybeCommitted() {
			parked = nil
		}
		kept, err := tx.Notices().Get(n.Shop, n.Terminal, n.Key)
		if err != nil || kept.State != store.NoticeWaiting {
			return err
		}
		if kept.AttemptKey, err = keyOf(tx, &kept, &read); err != nil {
			return err
		}
		if parked, err = e.again(ctx, tx, &kept, said, d); err != nil {
			return err
		}
		e.bell.Write(tx, parked...)
		tx.Notices().Update(&kept)
		return nil
	})
	if err == nil {
		e.bell.Tell(ctx, parked...)
	}
	return err
}

// again books what a notice that was waiting says, or says what a human is told about it.
func (e *Engine) again(ctx context.Context, tx *store.Tx, n *store.Notice, said report, d *payment.Decision) ([]alarm.Alarm, error) {
	if said.about != connector.OfAttempt {
		a, err := aside(tx, n, said.about)
		return []alarm.Alarm{a}, err
	}
	applied, err := e.book(ctx, tx, n, said, d)
	if err != nil {
		return nil, err
	}
	n.Fails++
	if !applied {
		return e.waitOrPark(n, tx.Now()), nil
	}
	n.State, n.Due = store.NoticeApplied, time.Time{}
	return nil, nil
}

// waitOrPark says when a notice about something unknown is tried again, or what a human is told.
func (e *Engine) waitOrPark(n *store.Notice, now time.Time) []alarm.Alarm {
	n.State, n.Due = store.NoticeWaiting, now.Add(job.NoticeWait(n.Fails, e.c.Random))
	if now.Sub(n.Received) <= rematch {
		return nil
	}
	n.State, n.Due = store.NoticeParked, time.Time{}
	a := aboutNotice(n.Shop, n.Terminal, n.Key, whyUnmatched)
	a.Detail = "reference " + n.AttemptKey
	return []alarm.Alarm{a}
}
