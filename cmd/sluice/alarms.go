package main

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/sluicepay/sluice/internal/admin"
)

type alarmCommands struct {
	List alarmListCommand `cmd:"" default:"withargs" help:"List alarms that nobody has acknowledged, oldest first; with --json also their details."`
	Ack  alarmAckCommand  `cmd:"" help:"Acknowledge an alarm: somebody has looked at it."`
}

type alarmListCommand struct {
	operator
	admin.ListAlarms
}

// Run lists alarms.
func (c *alarmListCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListAlarms, c.ListAlarms,
		listed("ALARM|SHOP|ABOUT|SUBJECT|FIRST|LATEST|TIMES|WHY", func(a *admin.Alarm) []string {
			return []string{
				a.ID, cmp.Or(string(a.Shop), "–"), a.About, oneLine(a.Subject), shortTime(a.First), shortTime(a.Latest),
				strconv.Itoa(a.Times), oneLine(a.Why) + acknowledged(a),
			}
		}))
}

func acknowledged(a *admin.Alarm) string {
	if a.Acknowledged.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (acknowledged %s by %q: %q)", shortTime(a.Acknowledged), a.By, a.Note)
}

type alarmAckCommand struct {
	operator
	admin.AckAlarm
}

// Run acknowledges an alarm.
func (c *alarmAckCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpAckAlarm, c.AckAlarm,
		sentence("alarm %s is acknowledged: %s %s, %s, %d times until %s", func(a admin.Alarm) []any {
			return []any{a.ID, a.About, oneLine(a.Subject), oneLine(a.Why), a.Times, shortTime(a.Latest)}
		}))
}
