package payment

import (
	"fmt"
	"time"
)

// A token is random characters that one decision has and no other. The payment keeps those of its last
// decisions, so that whether a commit that nobody confirmed was made after all is a comparison, whoever
// else has changed the payment since.
const (
	// TokenLen is how long a token is.
	TokenLen = 8
	// tokensKept is how many a payment keeps: more than are added while one commit is in doubt.
	tokensKept = 16
)

// Sign gives the decision its token, which must be TokenLen characters. It comes before the decision is
// written, and once.
func (d *Decision) Sign(token string) error {
	if len(token) != TokenLen || d.Token != "" {
		return fmt.Errorf("payment %s: %q is no token for a decision", d.Payment.ID, token)
	}
	d.Token = token
	all := token + d.Payment.Tokens
	d.Payment.Tokens = all[:min(len(all), tokensKept*TokenLen)]
	return nil
}

// Made reports whether the decision was written, by p as it is now. It is not known when the payment has
// been changed so often since that it may have forgotten the token.
func (d *Decision) Made(p *Payment) (made, known bool) {
	for i := 0; d.Token != "" && i+TokenLen <= len(p.Tokens); i += TokenLen {
		if p.Tokens[i:i+TokenLen] == d.Token {
			return true, true
		}
	}
	forgets := len(p.Tokens) >= tokensKept*TokenLen
	return false, !forgets || p.Version-(d.Payment.Version+1) < tokensKept
}

// Resume turns a decision that was written into one on p, the payment as it is now: others may have come
// since. Its call is still to be made only while the lease that it took stands.
func (d *Decision) Resume(p Payment, now time.Time) {
	if c := d.Call; c != nil {
		a := p.attempt(c.Attempt.Seq)
		if a == nil || !a.Live() && !c.Ask || a.Op != c.Op || a.LeaseOwner != c.Attempt.LeaseOwner || !now.Before(a.LeaseUntil) {
			d.Call = nil
		}
	}
	d.Payment = p
	d.Payment.Version-- // as if it had been read just before
}
