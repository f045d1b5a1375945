package wallet

import (
	"errors"
	"slices"
)

// Fault is the first check that a token has failed.
type Fault string

// The faults. Each wallet has its own order of checks, and not all of them.
const (
	FaultFormat             Fault = "format"                 // not a token: fields, types, encodings, size
	FaultVersion            Fault = "version"                // not a version that is known and allowed
	FaultRootKey            Fault = "root-key"               // we know no root key that could have signed it now: our own trouble
	FaultIntermediate       Fault = "intermediate-signature" // no root key has signed the intermediate key
	FaultIntermediateExpiry Fault = "intermediate-expired"   // the intermediate key is of the past
	FaultMessageSignature   Fault = "message-signature"      // content, recipient or version are not what was signed
	FaultChain              Fault = "chain"                  // the certificates do not lead to the root, now and by their purpose
	FaultSignature          Fault = "signature"              // the content is not what was signed
	FaultSigningTime        Fault = "signing-time"           // signed too long ago, or by a clock too far ahead
	FaultPublicKeyHash      Fault = "public-key-hash"        // made for a certificate that is none of ours
	FaultDecrypt            Fault = "decrypt"                // none of our keys opens it
	FaultPayload            Fault = "payload"                // it opens, and is no payment that we can make
	FaultMessageExpired     Fault = "message-expired"        // its time is over
	FaultReplay             Fault = "replay"                 // it was used before: whoever opens it finds that
	FaultPaymentMismatch    Fault = "payment-mismatch"       // it is for another amount or currency
)

// Faults lists every Fault.
func Faults() []Fault {
	return []Fault{
		FaultFormat, FaultVersion, FaultRootKey, FaultIntermediate, FaultIntermediateExpiry, FaultMessageSignature, FaultChain,
		FaultSignature, FaultSigningTime, FaultPublicKeyHash, FaultDecrypt, FaultPayload, FaultMessageExpired, FaultReplay,
		FaultPaymentMismatch,
	}
}

// Valid reports whether f is one of Faults.
func (f Fault) Valid() bool { return slices.Contains(Faults(), f) }

// Ours reports that the token may be good and we cannot tell, for want of the wallet's keys: that must not decide a payment.
func (f Fault) Ours() bool { return f == FaultRootKey }

// Error is why a token was refused. It holds nothing of what is in the token, and may be logged and shown to merchants.
type Error struct {
	Fault  Fault
	Detail string // in words of ours
}

// Refuse returns an *Error. The detail must hold nothing of the token.
func Refuse(f Fault, detail string) error { return &Error{f, detail} }

// Error implements error.
func (e *Error) Error() string { return "token of a wallet: " + string(e.Fault) + ": " + e.Detail }

// FaultOf is the fault in the chain of an error, or empty.
func FaultOf(err error) Fault {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fault
	}
	return ""
}
