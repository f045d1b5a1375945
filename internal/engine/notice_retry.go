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
	notifier, ok := c.Connector.(connector.Notifier)
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
	said := report{fact: read.Fact, messages: recordIncoming(ctx, c, Post{Terminal: n.Terminal, Header: header, Body: n.Body, At: n.Received}), at: at}
	err = e.settleNotice(settled(ctx), said, func(tx *store.Tx, said report, d *payment.Decision) error {
		if !tx.MaybeCommitted() {
			parked = nil
		}
		kept, err := tx.Notices().Get(n.Shop, n.Terminal, n.Key)
		if err != nil || kept.State != store.NoticeWaiting {
			return err
		}
		kept.AttemptKey = read.Key
		applied, err := e.book(ctx, tx, &kept, said, d)
		if err != nil {
			return err
		}
		kept.Fails++
		kept.State, kept.Due = store.NoticeApplied, time.Time{}
		if !applied {
			parked = e.waitOrPark(&kept, tx.Now())
			e.bell.Write(tx, parked...)
		}
		tx.Notices().Update(&kept)
		return nil
	})
	if err == nil {
		e.bell.Tell(ctx, parked...)
	}
	return err
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
