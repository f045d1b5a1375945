package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// ListAlarms chooses alarms.
type ListAlarms struct {
	Shop  string `name:"shop" placeholder:"ID" help:"Only alarms of this shop." json:"shop,omitempty"`
	All   bool   `name:"all" help:"Those that were acknowledged too." json:"all,omitempty"`
	Limit int    `name:"limit" default:"1000" help:"How many at most." json:"limit,omitempty"`
}

// Alarm is something that a human has to look at, or has.
type Alarm struct {
	ID      string  `json:"id"`
	Shop    shop.ID `json:"shop,omitempty"`
	About   string  `json:"about"`
	Subject string  `json:"subject"`
	Why     string  `json:"why"`
	Detail  string  `json:"detail,omitempty"` // of the latest time

	First  time.Time `json:"first"`
	Latest time.Time `json:"latest"`
	Times  int       `json:"times"`

	Acknowledged time.Time `json:"acknowledged,omitzero"`
	By           string    `json:"by,omitempty"`
	Note         string    `json:"note,omitempty"`
}

func alarmShown(a *store.Alarm) Alarm {
	return Alarm{
		ID: a.ID, Shop: a.Shop, About: a.About, Subject: a.Subject, Why: a.Why, Detail: a.Detail,
		First: a.First, Latest: a.Latest, Times: a.Times, Acknowledged: a.Acked, By: a.By, Note: a.Note,
	}
}

// listAlarms lists alarms, oldest first. It needs the right ReadAlarms.
func (d *Desk) listAlarms(ctx context.Context, c ListAlarms) (List[Alarm], error) {
	if c.Limit < 1 {
		return List[Alarm]{}, fmt.Errorf("--limit: %d is less than 1", c.Limit)
	}
	if c.Shop != "" {
		if _, err := d.shopOf(ctx, c.Shop); err != nil {
			return List[Alarm]{}, err
		}
	}
	more := false
	found, err := view(ctx, d, func(tx *store.Tx) (found []store.Alarm, err error) {
		found, more, err = tx.Alarms().List(store.AlarmFilter{Shop: shop.ID(c.Shop), Acked: c.All, Limit: c.Limit})
		return found, err
	})
	l := listOf(found, alarmShown)
	l.More = more
	return l, err
}

// AckAlarm says who has looked at an alarm, and what came of it.
type AckAlarm struct {
	Alarm string `arg:"" name:"alarm" help:"The alarm, as the list names it." json:"alarm"`
	By    string `name:"by" required:"" placeholder:"NAME" help:"Who has looked at it." json:"by"`
	Note  string `name:"note" required:"" placeholder:"TEXT" help:"What came of it." json:"note"`
}

// ackAlarm acknowledges an alarm. It needs the right ManageAlarms.
func (d *Desk) ackAlarm(ctx context.Context, c AckAlarm) (Alarm, error) {
	if strings.TrimSpace(c.By) == "" || strings.TrimSpace(c.Note) == "" {
		return Alarm{}, errors.New("an acknowledgement needs a name and a note")
	}
	var a store.Alarm
	err := d.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if a, err = tx.Alarms().Get(c.Alarm); err != nil {
			return err
		}
		if mine := tx.MaybeCommitted() && a.By == c.By && a.Note == c.Note; mine {
			return nil
		}
		if !a.Acked.IsZero() {
			return fmt.Errorf("alarm %s was acknowledged on %s by %q: %q", a.ID, a.Acked.Format(time.DateTime), a.By, a.Note)
		}
		tx.Alarms().Ack(&a, c.By, c.Note)
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return Alarm{}, fmt.Errorf("there is no alarm %s; \"sluice alarms\" lists them", named(c.Alarm))
	}
	return alarmShown(&a), err
}
