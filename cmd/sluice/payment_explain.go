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

type paymentExplainCommand struct {
	operator
	admin.OfPayment
}

// Run says why a payment went where it went.
func (c *paymentExplainCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpExplainPayment, c.OfPayment, showExplained)
}

// showExplained prints why a payment went where it went.
func showExplained(out io.Writer, r admin.PaymentExplained) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s is %s\n", r.Payment, r.State)
	if len(r.Route) == 0 {
		b.WriteString("There is no plan on record: no provider was to get it yet, or an older program made it.\n")
	}
	for i := range r.Route {
		if err := explainRoute(&b, &r.Route[i]); err != nil {
			return err
		}
	}
	if err := showAttempts(&b, r.Tries); err != nil {
		return err
	}
	_, err := out.Write(b.Bytes())
	return err
}

// explainRoute prints a plan, or what followed a refusal.
func explainRoute(b *bytes.Buffer, e *admin.RouteEntry) error {
	if e.Attempt != 0 {
		fmt.Fprintf(b, "\nAt %s attempt %d was refused (%s): ", shortTime(e.At), e.Attempt,
			strings.TrimSuffix(string(e.Outcome)+" "+e.Code, " "))
		if e.Next != "" {
			fmt.Fprintf(b, "%s followed.\n", e.Next)
		} else {
			fmt.Fprintf(b, "nothing followed, since %s.\n", e.EndText)
		}
		for _, l := range e.Passed {
			fmt.Fprintf(b, "  %s could not be tried: %s.\n", l.Terminal, l.Text)
		}
		return nil
	}
	fmt.Fprintf(b, "\nPlan of %s", shortTime(e.At))
	if e.NoRoute != "" {
		fmt.Fprintf(b, ": no terminal could take it (%s)", e.NoRoute)
	}
	b.WriteByte('\n')
	var rows [][]string
	for _, s := range e.Steps {
		rows = append(rows, []string{strconv.Itoa(s.Rank), s.Terminal, s.Rule, cmp.Or(s.Why, "–"), follows(&s)})
	}
	for _, l := range e.LeftOut {
		rows = append(rows, []string{"–", l.Terminal, "–", l.Text, "not at all"})
	}
	if len(rows) == 0 {
		return nil
	}
	return table(b, []string{"RANK", "TERMINAL", "RULE", "WHY", "TRIED"}, rows)
}

// follows says when a step is tried.
func follows(s *admin.RouteStep) string {
	if s.Rank == 1 {
		return "at once"
	}
	if len(s.After) == 0 {
		return "never"
	}
	text := "after " + strings.Join(s.After, ", ")
	if !s.Until.IsZero() {
		text += ", until " + shortTime(s.Until)
	}
	return text
}
