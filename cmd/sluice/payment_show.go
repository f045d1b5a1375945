package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/sluicepay/sluice/internal/admin"
)

type paymentShowCommand struct {
	operator
	admin.ShowPayment
	Messages bool `name:"messages" help:"Also what went to the provider and came back, as it was logged: masked."`
}

// Run shows a payment.
func (c *paymentShowCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpShowPayment, c.ShowPayment, func(out io.Writer, r admin.PaymentShown) error {
		var b bytes.Buffer
		p := readPayment(r.Payment)
		for _, line := range [][2]string{
			{"payment", p.ID}, {"shop", r.Shop}, {"reference", oneLine(p.Reference)}, {"type", p.Type}, {"of payment", p.Parent},
			{"state", p.outcome() + since(p.Message)}, {"amount", p.money()}, {"method", p.Method}, {"card", p.card()},
			{"terminal", p.Terminal}, {"created", plainTime(p.Created)}, {"description", oneLine(p.Description)}, {"page", p.RedirectURL},
		} {
			if line[1] != "" {
				fmt.Fprintf(&b, "%-12s %s\n", line[0], line[1])
			}
		}
		for _, s := range r.Sums {
			fmt.Fprintf(&b, "%-12s %s %s\n", s.Name, s.Amount, s.Currency)
		}
		showScreening(&b, r.Screening)
		if err := showAttempts(&b, r.Attempts); err != nil {
			return err
		}
		if err := showByHand(&b, r.ByHand); err != nil {
			return err
		}
		if err := c.showLog(&b, &r); err != nil {
			return err
		}
		_, err := out.Write(b.Bytes())
		return err
	})
}

// since words what follows a state, if anything does.
func since(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func showAttempts(b *bytes.Buffer, attempts []admin.AttemptShown) error {
	if len(attempts) == 0 {
		return nil
	}
	var rows [][]string
	for i := range attempts {
		a := &attempts[i]
		rows = append(rows, []string{
			strconv.Itoa(a.Number), a.Kind, a.Terminal, string(a.Outcome), a.Amount.String() + " " + a.Currency,
			shortTime(a.Started), cmp.Or(a.Code, "–"), cmp.Or(a.ProviderRef, "–"), shortTime(a.NextCheck),
		})
	}
	b.WriteByte('\n')
	if err := table(b, []string{"ATTEMPT", "KIND", "TERMINAL", "OUTCOME", "AMOUNT", "STARTED", "CODE", "PROVIDER'S ID", "ASKED NEXT"}, rows); err != nil {
		return err
	}
	return showAuthentications(b, attempts)
}

// showAuthentications prints what 3-D Secure has told of the attempts that it was asked about.
func showAuthentications(b *bytes.Buffer, attempts []admin.AttemptShown) error {
	var rows [][]string
	for i := range attempts {
		a := attempts[i].Authentication
		if a == nil {
			continue
		}
		how, bears := "frictionless", "merchant"
		if a.Challenged {
			how = "challenge"
		}
		if attempts[i].IssuerBears {
			bears = "issuer"
		}
		rows = append(rows, []string{
			strconv.Itoa(attempts[i].Number), string(a.Result), how, cmp.Or(a.ECI, "–"), bears, cmp.Or(a.Exemption, "–"), cmp.Or(a.SchemeID, "–"),
		})
	}
	if len(rows) == 0 {
		return nil
	}
	b.WriteByte('\n')
	return table(b, []string{"3-D SECURE OF", "RESULT", "HOW", "ECI", "FRAUD IS BORNE BY", "EXEMPTION", "SCHEME'S ID"}, rows)
}

func showByHand(b *bytes.Buffer, changes []admin.ByHand) error {
	if len(changes) == 0 {
		return nil
	}
	var rows [][]string
	for i := range changes {
		u := &changes[i]
		rows = append(rows, []string{u.What, shortTime(u.At), strconv.Quote(u.By), cmp.Or(u.ApprovedBy, "–"), carriedOut(u.Done, u.Obsolete), strconv.Quote(u.Reason)})
	}
	b.WriteByte('\n')
	return table(b, []string{"BY HAND", "ASKED AT", "BY", "APPROVED BY", "DONE", "REASON"}, rows)
}

// operationRead is an entry of the log, as the gateway API writes it.
type operationRead struct {
	ID        int    `json:"id"`
	Kind      string `json:"operation"`
	Started   string `json:"started"`
	Completed string `json:"completed"`
	State     string `json:"paymentState"`
	Outgoing  string `json:"outgoingMessages"`
	Incoming  string `json:"incomingMessages"`
}

// showLog prints the log as it came about, oldest first, and then its messages.
func (c *paymentShowCommand) showLog(b *bytes.Buffer, r *admin.PaymentShown) error {
	var rows [][]string
	var messages bytes.Buffer
	for _, raw := range slices.Backward(r.Operations) {
		var op operationRead
		if err := json.Unmarshal(raw, &op); err != nil {
			return fmt.Errorf("log of the payment: %w", err)
		}
		rows = append(rows, []string{strconv.Itoa(op.ID), op.Kind, cmp.Or(op.State, "–"), plainTime(op.Started), cmp.Or(plainTime(op.Completed), "runs")})
		showMessages(&messages, &op)
	}
	b.WriteByte('\n')
	if hidden := r.Total - len(r.Operations); hidden > 0 {
		fmt.Fprintf(b, "%d older entries of the log are left out; see --limit.\n", hidden)
	}
	err := table(b, []string{"LOG", "OPERATION", "STATE", "STARTED", "COMPLETED"}, rows)
	if c.Messages {
		b.Write(messages.Bytes())
	}
	return err
}

// showMessages prints what left in an operation and what came back.
func showMessages(b *bytes.Buffer, op *operationRead) {
	for _, side := range []struct{ sign, list string }{{"→", op.Outgoing}, {"←", op.Incoming}} {
		var messages []struct {
			At     string `json:"at"`
			Method string `json:"method"`
			URL    string `json:"url"`
			Status int    `json:"status"`
			Body   string `json:"body"`
			Error  string `json:"error"`
		}
		if err := json.Unmarshal([]byte(side.list), &messages); err != nil { // of a kind that is not known here
			fmt.Fprintf(b, "\n%d %s %s\n", op.ID, side.sign, oneLine(side.list))
			continue
		}
		for _, m := range messages {
			what := m.Method + " " + m.URL
			if side.sign == "←" {
				what = cmp.Or(m.Error, strconv.Itoa(m.Status))
			}
			fmt.Fprintf(b, "\n%d %s %s %s\n  %s\n", op.ID, side.sign, m.At, oneLine(what), oneLine(m.Body))
		}
	}
}
