package payment

import (
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
)

// Class is what a provider's answer, or the lack of one, proves.
type Class string

// The classes. Only ClassNotSent, ClassRejected and ClassDeclinedSoft allow another try;
// ClassUnsent is the one after which the same call may be made again, under the same key;
// ClassUnknown never turns into a decline by age.
const (
	ClassPrepared     Class = "PREPARED"      // recorded, nothing known yet
	ClassNotSent      Class = "NOT_SENT"      // provably nothing left this process
	ClassUnsent       Class = "UNSENT"        // the same, for want of our own means: it decides nothing
	ClassRejected     Class = "REJECTED"      // the provider documents "not processed"
	ClassDeclinedSoft Class = "DECLINED_SOFT" // refused; another terminal may succeed
	ClassDeclinedHard Class = "DECLINED_HARD" // refused for good
	ClassApproved     Class = "APPROVED"      // money moved
	ClassAuthorized   Class = "AUTHORIZED"    // money held
	ClassWaiting      Class = "WAITING"       // the customer or the provider is busy with it
	ClassCancelled    Class = "CANCELLED"     // closed without money: voided, expired, given up by the customer
	ClassUnknown      Class = "UNKNOWN"       // everything else
)

// Classes lists every class, ClassPrepared first.
func Classes() []Class {
	return []Class{
		ClassPrepared, ClassNotSent, ClassUnsent, ClassRejected, ClassDeclinedSoft, ClassDeclinedHard, ClassApproved,
		ClassAuthorized, ClassWaiting, ClassCancelled, ClassUnknown,
	}
}

// Refused reports a definitive no: nothing was booked and nothing will be.
func (c Class) Refused() bool {
	return c == ClassNotSent || c == ClassRejected || c == ClassDeclinedSoft || c == ClassDeclinedHard
}

// Fact is what a provider said about one attempt, in our words. A connector
// reports facts; it never sees or sets a payment's state.
type Fact struct {
	Class       Class
	ProviderRef string    // the provider's id of the transaction
	Code        ErrorCode // our code of a refusal
	RawCode     string    // the provider's own code, as it was sent

	// Echoed is the money that the provider says it was about; zero where it says nothing.
	// A success that echoes other money than was asked for is not believed.
	Echoed money.Sum

	Next       Next              // what the customer has to do first
	Instrument instrument.Masked // what the provider adds: brand, issuer country, account
	Auth       instrument.Proof  // how the holder of a card was authenticated
	Credential string            // handle for recurring charges, where one was asked for
	Revoked    bool              // refused because the customer or the issuer forbids further charges: the chain is over

	Fee     money.Sum // what the provider takes for it
	Settled money.Sum // what it pays out for it, where it tells that

	// NotFound is set by a status query when the provider does not know the
	// attempt. With ClassUnknown it is no refusal: the request may still arrive.
	NotFound bool
}

// Bare is the fact without what the provider wrote.
func (f *Fact) Bare() Fact {
	return Fact{
		Class: f.Class, Code: f.Code, NotFound: f.NotFound, Revoked: f.Revoked, Echoed: f.Echoed,
		Fee: f.Fee, Settled: f.Settled,
	}
}

// defaultCode is the code of a refusal that came without one.
func defaultCode(c Class) ErrorCode {
	switch c {
	case ClassNotSent:
		return CodeCommunication
	case ClassRejected:
		return CodeAcquirerRequest
	default:
		return CodeAcquirer
	}
}
