package main

import (
	"strconv"

	"github.com/sluicepay/sluice/internal/admin"
)

type noticeCommands struct {
	Parked noticeParkedCommand `cmd:"" help:"List notices of providers that could not be booked."`
	Show   noticeShowCommand   `cmd:"" help:"Print a notice as it came, but for card numbers."`
	Retry  noticeRetryCommand  `cmd:"" help:"Try to book a parked notice again."`
}

type noticeParkedCommand struct{ operator }

// Run lists parked notices.
func (c *noticeParkedCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListNotices, admin.Nothing{},
		listed("SHOP|TERMINAL|NOTICE|RECEIVED|ABOUT", func(n *admin.ParkedNotice) []string {
			return []string{string(n.Shop), n.Terminal, oneLine(n.Notice), shortTime(n.Received), strconv.Quote(n.About)}
		}))
}

type noticeShowCommand struct {
	operator
	admin.OfNotice
}

// Run prints a notice.
func (c *noticeShowCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpShowNotice, c.OfNotice, document)
}

type noticeRetryCommand struct {
	operator
	admin.OfNotice
}

// Run has a notice tried again.
func (c *noticeRetryCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpRetryNotice, c.OfNotice,
		sentence("notice %s will be tried again", func(r admin.NoticeRetried) []any { return []any{r.Notice} }))
}
