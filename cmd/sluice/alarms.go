package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

type alarmCommands struct {
	List alarmListCommand `cmd:"" default:"withargs" help:"List alarms that nobody has acknowledged, oldest first."`
	Ack  alarmAckCommand  `cmd:"" help:"Acknowledge an alarm: somebody has looked at it."`
}

type alarmListCommand struct {
	config.Common
	listAlarms
}

type alarmAckCommand struct {
	config.Common
	ackAlarm
}

// Run lists alarms.
func (c *alarmListCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ListAlarms: &c.listAlarms})
}

// Run acknowledges an alarm.
func (c *alarmAckCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{AckAlarm: &c.ackAlarm})
}

type listAlarms struct {
	Shop  string `name:"shop" placeholder:"ID" help:"Only alarms of this shop." json:"shop,omitempty"`
	All   bool   `name:"all" help:"Those that were acknowledged too." json:"all,omitempty"`
	Limit int    `name:"limit" default:"1000" help:"Most alarms." json:"limit,omitempty"`
	JSON  bool   `name:"json" help:"One JSON object a line, with the details." json:"json,omitempty"`
}

// alarmView is an alarm as --json prints it.
type alarmView struct {
	ID      string `json:"id"`
	Shop    string `json:"shop,omitempty"`
	About   string `json:"about"`
	Subject string `json:"subject"`
	Why     string `json:"why"`
	Detail  string `json:"detail,omitempty"` // of the latest time

	First  time.Time `json:"first"`
	Latest time.Time `json:"latest"`
	Times  int       `json:"times"`

	Acknowledged time.Time `json:"acknowledged,omitzero"`
	By           string    `json:"by,omitempty"`
	Note         string    `json:"note,omitempty"`
}

func (c *listAlarms) run(ctx context.Context, b *base, out io.Writer) error {
	if c.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	var found []store.Alarm
	more := false
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		found, more, err = tx.Alarms(store.AlarmFilter{Shop: shop.ID(c.Shop), Acked: c.All, Limit: c.Limit})
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printAlarms(out, found)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ALARM\tSHOP\tABOUT\tSUBJECT\tFIRST\tLATEST\tTIMES\tWHY")
	for i := range found {
		a := &found[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s%s\n", a.ID, cmp.Or(string(a.Shop), "–"), a.About, oneLine(a.Subject),
			shortTime(a.First), shortTime(a.Latest), a.Times, oneLine(a.Why), acknowledged(a))
	}
	if err := w.Flush(); err != nil || !more {
		return err
	}
	_, err = fmt.Fprintf(out, "There are more; --limit shows them.\n")
	return err
}

// oneLine is text that came from outside, as a table shows it.
func oneLine(text string) string {
	quoted := fmt.Sprintf("%q", text)
	if plain := quoted[1 : len(quoted)-1]; plain == text {
		return text
	}
	return quoted
}

func acknowledged(a *store.Alarm) string {
	if a.Acked.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (acknowledged %s by %q: %q)", shortTime(a.Acked), a.By, a.Note)
}

func printAlarms(out io.Writer, found []store.Alarm) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for i := range found {
		a := &found[i]
		err := enc.Encode(alarmView{
			ID: a.ID, Shop: string(a.Shop), About: a.About, Subject: a.Subject, Why: a.Why, Detail: a.Detail,
			First: a.First, Latest: a.Latest, Times: a.Times, Acknowledged: a.Acked, By: a.By, Note: a.Note,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type ackAlarm struct {
	Alarm string `arg:"" name:"alarm" help:"The alarm, as the list names it." json:"alarm"`
	By    string `name:"by" required:"" placeholder:"NAME" help:"Who has looked at it." json:"by"`
	Note  string `name:"note" required:"" placeholder:"TEXT" help:"What came of it." json:"note"`
}

func (c *ackAlarm) run(ctx context.Context, b *base, out io.Writer) error {
	if strings.TrimSpace(c.By) == "" || strings.TrimSpace(c.Note) == "" {
		return errors.New("an acknowledgement needs a name and a note")
	}
	var a store.Alarm
	err := b.db.Update(ctx, func(tx *store.Tx) (err error) {
		if a, err = tx.Alarm(c.Alarm); err != nil {
			return err
		}
		if mine := tx.MaybeCommitted() && a.By == c.By && a.Note == c.Note; mine {
			return nil
		}
		if !a.Acked.IsZero() {
			return fmt.Errorf("alarm %s was acknowledged on %s by %q: %q", a.ID, shortTime(a.Acked), a.By, a.Note)
		}
		tx.AckAlarm(&a, c.By, c.Note)
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no alarm %q", c.Alarm)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "alarm %s is acknowledged: %s %s, %s, %d times until %s\n", a.ID, a.About, oneLine(a.Subject), oneLine(a.Why),
		a.Times, shortTime(a.Latest))
	return err
}
