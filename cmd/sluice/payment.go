package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
)

type paymentCommands struct {
	List    paymentListCommand    `cmd:"" help:"List payments of a shop, newest first."`
	Show    paymentShowCommand    `cmd:"" help:"Show a payment with its attempts, its log and what was done by hand."`
	Explain paymentExplainCommand `cmd:"" help:"Say where a payment was to be tried, in which order and why."`
	Capture paymentCaptureCommand `cmd:"" help:"Take money that is held. Refused where the shop demands a second person (fourEyes)."`
	Void    paymentVoidCommand    `cmd:"" help:"Give held money back. Refused where the shop demands a second person (fourEyes)."`
	Refund  paymentRefundCommand  `cmd:"" help:"Give back money that was taken. Refused where the shop demands a second person (fourEyes)."`
	Check   paymentCheckCommand   `cmd:"" help:"Ask the provider how a payment with an open outcome stands."`
	Update  paymentUpdateCommand  `cmd:"" help:"Put a payment into the state that is known to be true."`
	Approve paymentApproveCommand `cmd:"" help:"Carry out an update that somebody else asked for."`
	Updates paymentUpdatesCommand `cmd:"" help:"List updates of a shop's payments by hand that wait for a second person, or are obsolete; with --all those that were carried out too."`
	Reviews paymentReviewsCommand `cmd:"" help:"List payments that screening holds for a review, those first whose time is over first."`
	Review  paymentReviewCommand  `cmd:"" help:"Let a payment in review pass, or stop it. Where the shop demands a second person (fourEyes), letting pass needs one."`
	Parked  paymentParkedCommand  `cmd:"" help:"List payments that wait for a human."`

	StopRecurring paymentStopCommand `cmd:"" help:"End the recurring chain, or subscription, that a payment began."`
}

type paymentCheckCommand struct {
	operator
	admin.OfPayment
}

// Run asks the provider.
func (c *paymentCheckCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpCheckPayment, c.OfPayment,
		sentence("%s is %s", func(r admin.PaymentState) []any { return []any{r.Payment, r.State} }))
}

type paymentUpdateCommand struct {
	operator
	admin.UpdatePayment
}

// Run updates a payment, or keeps the wish until somebody approves it.
func (c *paymentUpdateCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpUpdatePayment, c.UpdatePayment, func(out io.Writer, r admin.PaymentUpdated) error {
		if r.Done {
			_, err := fmt.Fprintf(out, "%s is %s\n", r.Payment, r.State)
			return err
		}
		_, err := fmt.Fprintf(out, "update %s waits for a second person: sluice payment approve --shop %s %s --by NAME\n", r.Update, c.Shop, r.Update)
		return err
	})
}

type paymentApproveCommand struct {
	operator
	admin.ApproveUpdate
}

// Run approves an update.
func (c *paymentApproveCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpApproveUpdate, c.ApproveUpdate,
		sentence("update %s is carried out", func(r admin.UpdateApproved) []any { return []any{r.Update} }))
}

type paymentUpdatesCommand struct {
	operator
	admin.ListUpdates
}

// Run lists updates.
func (c *paymentUpdatesCommand) Run(s *surroundings) error {
	heads := "UPDATE|PAYMENT|TO|CODE|ASKED AT|BY|REASON|DONE AT"
	if c.All {
		heads += "|APPROVED BY"
	}
	return perform(s, &c.operator, admin.OpListUpdates, c.ListUpdates, listed(heads, func(u *admin.Update) []string {
		row := []string{
			u.ID, string(u.Payment), string(u.To), cmp.Or(string(u.Code), "–"), shortTime(u.AskedAt),
			strconv.Quote(u.AskedBy), strconv.Quote(u.Reason), carriedOut(u.DoneAt, u.Obsolete),
		}
		if c.All {
			approved := "–"
			if u.ApprovedBy != "" {
				approved = strconv.Quote(u.ApprovedBy)
			}
			row = append(row, approved)
		}
		return row
	}))
}

// carriedOut says when an update by hand was carried out, that it waits for a second person, or why it cannot be any more.
func carriedOut(at time.Time, obsolete string) string {
	switch {
	case obsolete != "":
		return "obsolete: " + obsolete
	case at.IsZero():
		return "waits"
	}
	return shortTime(at)
}

type paymentParkedCommand struct{ operator }

// Run lists parked payments.
func (c *paymentParkedCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListParked, admin.Nothing{},
		listed("SHOP|PAYMENT|FAILED", func(p *admin.Parked) []string {
			return []string{string(p.Shop), string(p.Payment), strconv.Itoa(p.Fails)}
		}))
}

type paymentStopCommand struct {
	operator
	admin.OfPayment
}

// Run ends a recurring chain.
func (c *paymentStopCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpStopRecurring, c.OfPayment,
		sentence("the chain of %s is stopped", func(r admin.ChainStopped) []any { return []any{r.Payment} }))
}
