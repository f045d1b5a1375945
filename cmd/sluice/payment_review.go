package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/admin"
)

type paymentReviewsCommand struct {
	operator
	admin.ListReviews
}

// Run lists payments in review.
func (c *paymentReviewsCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListReviews, c.ListReviews,
		listed("SHOP|PAYMENT|TYPE|AMOUNT|ACCOUNT|SINCE|UNTIL|THEN|CODE|REASON", func(r *admin.Review) []string {
			p := readPayment(r.Payment)
			return []string{
				string(r.Shop), string(r.ID), p.Type, p.money(), cmp.Or(oneLine(p.Instrument.Number), "–"), shortTime(r.Since), shortTime(r.Until),
				r.Then, r.Code, strconv.Quote(r.Reason),
			}
		}))
}

type paymentReviewCommand struct {
	operator
	admin.JudgePayment
}

// Run gives a verdict.
func (c *paymentReviewCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpJudgePayment, c.JudgePayment, func(out io.Writer, r admin.PaymentJudged) error {
		if !r.Done {
			_, err := fmt.Fprintf(out, "the verdict waits for a second person: sluice payment approve --shop %s %s --by NAME\n", c.Shop, r.Update)
			return err
		}
		p := readPayment(r.Payment)
		_, err := fmt.Fprintf(out, "%s is %s\n", p.ID, p.outcome())
		return err
	})
}

func showScreening(b *bytes.Buffer, r *admin.Screening) {
	if r == nil {
		return
	}
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(b, "%-12s %s\n", name, text)
		}
	}
	by := "by a person"
	if r.ByClock {
		by = "by the clock"
	}
	said := strings.ToLower(r.Verdict) + ", " + shortTime(r.At)
	switch {
	case r.Open:
		said += ", until " + shortTime(r.Until) + ", then " + r.Then
	case !r.Ended.IsZero() && r.Passed:
		said += ", let pass " + shortTime(r.Ended) + " " + by
	case !r.Ended.IsZero():
		said += ", stopped " + shortTime(r.Ended) + " " + by
	}
	line("screening", said)
	line("because", oneLine(r.Reason))
}
