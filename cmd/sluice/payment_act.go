package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/sluicepay/sluice/internal/admin"
)

type paymentCaptureCommand struct {
	operator
	admin.PartlyAct
}

// Run takes held money.
func (c *paymentCaptureCommand) Run(s *surroundings) error {
	return act(s, &c.operator, &c.Act, admin.OpCapturePayment, &c.PartlyAct)
}

type paymentVoidCommand struct {
	operator
	admin.Act
}

// Run gives held money back.
func (c *paymentVoidCommand) Run(s *surroundings) error {
	return act(s, &c.operator, &c.Act, admin.OpVoidPayment, &c.Act)
}

type paymentRefundCommand struct {
	operator
	admin.RefundPayment
}

// Run gives back money that was taken.
func (c *paymentRefundCommand) Run(s *surroundings) error {
	return act(s, &c.operator, &c.Act, admin.OpRefundPayment, &c.RefundPayment)
}

// act has something done that moves money. Its key is told before anything is asked for, so that whoever does not hear how
// it ended can give the command again. The error is errNotKnown where it may still end either way.
func act[A any](s *surroundings, o *operator, named *admin.Act, op admin.Operation[A, admin.Acted], arguments *A) error {
	if named.Key == "" {
		named.Key = strings.ToLower(rand.Text())
		if _, err := fmt.Fprintf(s.err, "key %s: with --key %s the same command does nothing twice\n", named.Key, named.Key); err != nil {
			return err // a key that nobody saw is none
		}
	}
	outcome, err := ask(s, o, op, *arguments)
	var cut *url.Error
	switch {
	case errors.As(err, &cut), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w; give the same command again with --key %s", errNotKnown, err, named.Key)
	case err != nil:
		return err
	case o.JSON:
		err = jsonResult(s.out, outcome)
	default:
		err = showActed(s.out, &outcome)
	}
	return errors.Join(err, verdict(&outcome))
}

// verdict is how the command ends.
func verdict(outcome *admin.Acted) error {
	switch outcome.Outcome {
	case admin.Done:
		return nil
	case admin.Refused:
		return errors.New(outcome.Problem)
	case admin.Open:
	case admin.Unsure:
		return fmt.Errorf("%w: %s; give the same command again with --key %s", errNotKnown, outcome.Problem, outcome.Key)
	}
	return fmt.Errorf("%w yet: the provider is asked by itself until it tells, and \"sluice payment check\" asks at once; "+
		"do not do the same again under another key", errNotKnown)
}

func showActed(out io.Writer, r *admin.Acted) error {
	if len(r.Payment) == 0 {
		return nil
	}
	p := readPayment(r.Payment)
	again := ""
	if r.Repeated {
		again = ", by an earlier command under this key"
	}
	what := p.ID
	if p.Parent != "" {
		what = "refund " + p.ID + " of " + p.money()
	}
	_, err := fmt.Fprintf(out, "%s is %s%s\n", what, p.outcome(), again)
	return err
}
