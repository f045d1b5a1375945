// Package alarm is the one way in which a human is told. It owns what that means: a line in the log at level ERROR, the
// metric sluice_alarms_total, and an entry that `sluice alarms` lists until somebody acknowledges it. It does not decide
// what is worth an alarm; docs/alarms.md lists what is. Whoever decides something in a transaction writes the entry there
// (Write) and tells log and metric once it is committed (Tell); elsewhere Raise does all of it.
package alarm

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/telemetry"
)

// About is the kind of thing that an alarm is about.
type About string

// The kinds of things.
const (
	Payment  About = "payment"  // id of a payment
	Notice   About = "notice"   // id of a terminal, slash, key of a notice
	Endpoint About = "endpoint" // id of a merchant's endpoint
	Event    About = "event"    // id of a payment, slash, dialect
	Terminal About = "terminal" // id of a terminal
	Work     About = "work"     // kind of due work, slash, key
	Shop     About = "shop"     // id of a shop

	Installation About = "installation" // its epoch
)

// Kinds lists all of them.
func Kinds() []About {
	return []About{Payment, Notice, Endpoint, Event, Terminal, Work, Shop, Installation}
}

// Alarm is something that a human has to look at.
type Alarm struct {
	Shop    payment.ShopID // empty for what belongs to no shop
	About   About
	Subject string
	Why     string // one of a few texts: equal alarms are counted in one entry until that is acknowledged
	Detail  string // of this occasion, such as an error
	Stack   string // of a panic
}

// Of adds an error to the alarm, with the stack where it is a panic.
func (a Alarm) Of(err error) Alarm {
	a.Detail, a.Stack = err.Error(), rescue.Stack(err)
	return a
}

// mostDetail bounds what an entry keeps of the detail.
const mostDetail = 8 << 10

// Notifier tells humans. It is safe for concurrent use.
type Notifier struct {
	DB      *store.DB
	IDs     *id.Source
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *telemetry.Metrics
}

// Write queues the entries of alarms in the transaction of what they are about.
func (b *Notifier) Write(tx *store.Tx, alarms ...Alarm) {
	for i := range alarms {
		tx.Alarms().Raise(b.entry(&alarms[i], tx.Now()))
	}
}

// Tell is the log and the metric of alarms whose entries are committed.
func (b *Notifier) Tell(ctx context.Context, alarms ...Alarm) {
	for i := range alarms {
		a := &alarms[i]
		attrs := []slog.Attr{
			slog.String("about", string(a.About)), slog.String("subject", a.Subject), slog.String("why", a.Why),
			slog.String("shop_id", string(a.Shop)),
		}
		if a.Detail != "" {
			attrs = append(attrs, slog.String("detail", a.Detail))
		}
		if a.Stack != "" {
			attrs = append(attrs, slog.String("stack", a.Stack))
		}
		b.Log.LogAttrs(ctx, slog.LevelError, "a human has to look", attrs...)
		b.Metrics.Alarms.Inc(string(a.About))
	}
}

// Raise tells of what belongs to no transaction. It does not wait for the caller's patience, nor fail: when the entry
// cannot be written, the log says that too.
func (b *Notifier) Raise(ctx context.Context, alarms ...Alarm) {
	ctx = context.WithoutCancel(ctx)
	b.Tell(ctx, alarms...)
	entries := make([]*store.Alarm, len(alarms)) // one occasion, however often the transaction runs
	for i := range alarms {
		entries[i] = b.entry(&alarms[i], b.Now())
	}
	err := b.DB.Update(ctx, func(tx *store.Tx) error {
		for _, e := range entries {
			tx.Alarms().Raise(e)
		}
		return nil
	})
	if err != nil {
		b.Log.ErrorContext(ctx, "alarm not kept: it stands in the log only", "error", err)
	}
}

// entry is the alarm as it is kept.
func (b *Notifier) entry(a *Alarm, now time.Time) *store.Alarm {
	made, _ := b.IDs.New()
	return &store.Alarm{
		Shop: a.Shop, ID: made, About: string(a.About), Subject: Text(a.Subject), Why: Text(a.Why),
		Detail: Text(strings.TrimSuffix(a.Detail+"\n"+a.Stack, "\n")), First: now,
	}
}

// Text is text that every database takes, without card numbers: an alarm must not keep its transaction from being
// stored.
func Text(text string) string {
	text = text[:min(len(text), mostDetail)]
	return telemetry.MaskDigits(strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?"))
}
