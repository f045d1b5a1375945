package provider

import (
	"maps"
	"slices"

	"github.com/sluicepay/sluice/internal/payment"
)

// Advice is what schemes and issuers want of whoever was declined: what, if anything, may be tried with the same card.
type Advice string

// The advices.
const (
	AdviceNone         Advice = ""             // nothing is said: by the class alone
	AdviceNever        Advice = "never"        // the same card must not be tried again; schemes fine who does
	AdviceData         Advice = "data"         // something that the customer entered is wrong, or the card has changed
	AdviceAuthenticate Advice = "authenticate" // the issuer wants its customer to be asked
	AdviceLater        Advice = "later"        // the same may succeed another day
	AdviceSettings     Advice = "settings"     // the account at the provider is not made for it
)

// Decline is what one code of a provider means.
type Decline struct {
	Code   payment.ErrorCode
	Class  payment.Class // ClassDeclinedSoft or ClassDeclinedHard
	Advice Advice
	Ends   bool // the customer or the issuer forbids every further charge: a chain is over
}

// Declines is a provider's published list of codes. Of one that is not listed only the refusal is known: it is hard, so that nothing is
// tried again by guess.
type Declines map[string]Decline

// Of looks up the provider's code.
func (d Declines) Of(code string) Decline {
	if row, ok := d[code]; ok {
		return row
	}
	return Decline{Code: payment.CodeAcquirerUnmapped, Class: payment.ClassDeclinedHard}
}

// Codes lists the codes that the table has, sorted.
func (d Declines) Codes() []string { return slices.Sorted(maps.Keys(d)) }

// Fact is a refusal with that code.
func (d Declines) Fact(code string) payment.Fact {
	row := d.Of(code)
	f := payment.Fact{Class: row.Class, Code: row.Code, Revoked: row.Ends}
	if Word(code, 64) {
		f.RawCode = code
	}
	return f
}
