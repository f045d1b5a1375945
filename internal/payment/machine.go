package payment

import (
	"slices"
	"strings"
)

// Input is what can happen to a payment: a command of the merchant, the customer
// or an operator, a fact reported by the provider, or the clock.
type Input string

// The inputs. Commands first, then facts, then the clock.
const (
	InCreateHosted Input = "create for a customer"
	InCreateDirect Input = "create without a customer"
	InRefuse       Input = "refuse before any provider"
	InSubmit       Input = "submit the checkout"
	InGiveUp       Input = "customer cancels"
	InConsent      Input = "customer agrees"
	InFraudPass    Input = "anti-fraud passes or pauses"
	InFraudStop    Input = "anti-fraud refuses"
	InSend         Input = "send to a terminal"
	InSendAgain    Input = "send again what never left"
	InNextTerminal Input = "go to the next terminal"
	InNoTerminal   Input = "no terminal"
	InRedirect     Input = "customer is sent away"
	InCapture      Input = "capture"
	InVoid         Input = "void"
	InForget       Input = "void of a verified card"
	InReverse      Input = "reverse a late success"
	InAbandon      Input = "merchant abandons"
	InManual       Input = "manual update"
	InChargeback   Input = "chargeback"

	InApproved  Input = "fact: money moved"
	InHeld      Input = "fact: money held"
	InOpen      Input = "fact: waiting or unknown"
	InUnsent    Input = "fact: nothing left, for want of our own means"
	InRefused   Input = "fact: refused, nothing left to try"
	InGoesOn    Input = "fact: refused, the next terminal follows"
	InAnother   Input = "fact: refused or closed, the customer may try again"
	InClosed    Input = "fact: closed without money"
	InUnchanged Input = "fact: nothing new"
	InLate      Input = "fact: done after all"
	InTaken     Input = "fact: held money was taken"
	InStands    Input = "fact: capture or void undone, the hold stands"
	InUndone    Input = "fact: undone, refused after all"
	InEnded     Input = "fact: undone, closed after all"

	InTimeout Input = "clock: checkout time ran out"
	InLapse   Input = "clock: checkout time ran out after a decline"
)

// Edge is one row of the table: in From, Input leads to To and is shown in the
// log as one of Ops. Guard says in words what else must hold.
type Edge struct {
	From  State
	Input Input
	Ops   []OperationKind
	To    State
	Guard string
}

// The operations that can carry a fact: those that ask the provider or hear from
// it, and those that are the provider call itself.
var (
	opsAsking  = []OperationKind{OpContinue, OpCheckState, OpHandleWebhook, OpManualCheckState}
	opsFinding = []OperationKind{OpCheckState, OpManualCheckState} // a query about something settled; never a notice
	opsPaying  = append([]OperationKind{OpDeposit, OpWithdrawal, OpRefund}, opsAsking...)
	opsHolding = append([]OperationKind{OpDeposit}, opsAsking...)
	opsAny     = append([]OperationKind{OpCapture, OpVoid}, opsPaying...)
	opsTrying  = append([]OperationKind{OpDeposit, OpWithdrawal}, opsAsking...)
	// After an end a late success may still be given back.
	opsEnded   = append([]OperationKind{OpVoid, OpRefund}, opsAsking...)
	opsCalling = []OperationKind{OpDeposit, OpWithdrawal, OpRefund, OpCapture, OpVoid}
)

// edges is the only table of legal moves. What is not in it is refused.
var edges = []Edge{
	{None, InCreateHosted, []OperationKind{OpCreatePayment}, Checkout, "deposit with a customer"},
	{None, InCreateDirect, []OperationKind{OpCreatePayment}, Pending, "withdrawal, refund, follow-up of a chain"},
	{None, InRefuse, []OperationKind{OpCreatePayment}, Declined, "1.08: finer than the minor unit"},

	{Checkout, InSubmit, []OperationKind{OpCheckout}, Pending, "by page or by execute call, once"},
	{Checkout, InGiveUp, []OperationKind{OpCancel}, Cancelled, "2.00, no live attempt"},
	{Checkout, InTimeout, []OperationKind{OpCancel}, Cancelled, "1.04, no live attempt"},

	{Checkout, InAbandon, []OperationKind{OpCancel}, Cancelled, "2.00, no live attempt"},
	// Between tries: a deposit with a customer of which nothing is under way.
	{Pending, InSubmit, []OperationKind{OpCheckout}, Pending, "between tries: the next one; by another method where the customer chose that"},
	{Pending, InGiveUp, []OperationKind{OpCancel}, Cancelled, "2.00, nothing under way: by the customer between tries, or abandoned, also in review"},
	{Pending, InTimeout, []OperationKind{OpCancel}, Cancelled, "1.04, between tries, none of which was declined: like a checkout, as no provider has anything"},
	{Pending, InLapse, []OperationKind{OpCancel}, Declined, "between tries, with the code of the last decline"},

	{Pending, InAbandon, []OperationKind{OpCancel}, Pending, "a deposit whose outcome is open; money found later goes back"},
	{Authorized, InAbandon, []OperationKind{OpCancel}, Authorized, "a void follows"},
	{Completed, InAbandon, []OperationKind{OpCancel}, Completed, "a refund of what is left follows"},
	{Declined, InAbandon, []OperationKind{OpCancel}, Declined, "it binds: what turns out to have been taken goes back"},
	{Cancelled, InAbandon, []OperationKind{OpCancel}, Cancelled, "likewise"},

	{Pending, InFraudPass, []OperationKind{OpDetectFraud}, Pending, "screened; a review holds it without an attempt"},
	{Pending, InFraudPass, []OperationKind{OpContinueAntiFraud}, Pending, "in review, by a person or by the clock"},
	{Pending, InFraudStop, []OperationKind{OpDetectFraud, OpContinueAntiFraud}, Declined, "6.xx, 7.xx; no live attempt, nothing sent"},
	{Pending, InSend, []OperationKind{OpDeposit, OpWithdrawal, OpRefund}, Pending, "no live attempt, intent stored first"},
	{Pending, InSendAgain, opsCalling, Pending, "after UNSENT only: the attempt's row says that nothing left; the same key"},
	{Pending, InNoTerminal, []OperationKind{OpDeposit, OpWithdrawal, OpRefund}, Declined, "1.05, 1.06 or 1.09, nothing sent; 1.03 where a review let pass what cannot be sent any more"},
	{Pending, InRedirect, []OperationKind{OpRedirect}, Pending, "the attempt waits for the customer"},

	{Pending, InApproved, opsPaying, Completed, "amount, currency and reference equal; no hold asked for"},
	{Pending, InApproved, []OperationKind{OpCapture}, Completed, "captured at most what is authorised"},
	{Pending, InHeld, opsHolding, Authorized, "amount, currency and reference equal; PreAuth"},
	{Pending, InHeld, []OperationKind{OpCapture, OpVoid}, Authorized, "capture or void proven not done: the hold stands"},
	{Pending, InOpen, opsAny, Pending, "never a decline, however old"},
	{Pending, InUnsent, opsCalling, Pending, "decides nothing: the customer tries again, and what has no customer is sent again"},
	{Pending, InRefused, opsPaying, Declined, "definitive, nothing left to try"},
	{Pending, InGoesOn, opsTrying, Pending, "after NOT_SENT, REJECTED or a soft decline only, where the plan says so"},
	{Pending, InAnother, opsHolding, Pending, "after NOT_SENT, REJECTED, a soft decline, one that the customer can mend or a return without payment, while the page may be tried again"},
	{Pending, InNextTerminal, []OperationKind{OpCascading}, Pending, "in the same transaction as the refusal"},
	{Pending, InClosed, opsPaying, Cancelled, "the provider's word, never our timer alone"},
	{Pending, InClosed, []OperationKind{OpVoid, OpCapture}, Cancelled, "void done, or the hold is proven gone"},

	{Authorized, InCapture, []OperationKind{OpCapture}, Pending, "no live attempt; at most what is authorised"},
	{Authorized, InVoid, []OperationKind{OpVoid}, Pending, "no live attempt"},
	{Authorized, InForget, []OperationKind{OpVoid}, Cancelled, "no live attempt, nothing held: no provider is called"},
	{Authorized, InClosed, opsFinding, Cancelled, "1.04: the hold expired; or a void was done after all"},
	{Authorized, InUndone, opsFinding, Declined, "the hold was refused after all"},
	{Authorized, InTaken, opsFinding, Completed, "at most what is authorised; at the provider, or by a capture that was done after all"},
	{Authorized, InUnchanged, opsAsking, Authorized, ""},

	{Completed, InUnchanged, opsEnded, Completed, "a notice or a return after the end"},
	{Declined, InUnchanged, opsEnded, Declined, "likewise"},
	{Cancelled, InUnchanged, opsEnded, Cancelled, "likewise"},

	{Declined, InReverse, []OperationKind{OpVoid, OpRefund}, Declined, "a late success is given back"},
	{Cancelled, InReverse, []OperationKind{OpVoid, OpRefund}, Cancelled, "likewise"},
	{Completed, InReverse, []OperationKind{OpVoid, OpRefund}, Completed, "of another try than the one that was paid"},
	{Declined, InLate, opsFinding, Completed, "a deposit where the shop honours it and nothing else stands; a withdrawal or refund always"},
	{Cancelled, InLate, opsFinding, Completed, "a deposit, likewise"},
	{Completed, InStands, opsFinding, Authorized, "no refund standing"},
	{Cancelled, InStands, opsFinding, Authorized, "it was voided"},
	{Completed, InUndone, opsFinding, Declined, "no refund standing"},
	{Completed, InEnded, opsFinding, Cancelled, "likewise"},
	{Declined, InSendAgain, []OperationKind{OpVoid, OpRefund}, Declined, "what gives a late success back, after UNSENT only"},
	{Cancelled, InSendAgain, []OperationKind{OpVoid, OpRefund}, Cancelled, "likewise"},
	{Completed, InSendAgain, []OperationKind{OpVoid, OpRefund}, Completed, "likewise"},

	{Checkout, InManual, []OperationKind{OpManualUpdate}, Cancelled, "after a restore, while no provider tells what was tried"},
	{Pending, InManual, []OperationKind{OpManualUpdate}, Completed, "reason, evidence, two people"},
	{Pending, InManual, []OperationKind{OpManualUpdate}, Declined, "likewise"},
	{Pending, InManual, []OperationKind{OpManualUpdate}, Cancelled, "likewise"},
	{Pending, InManual, []OperationKind{OpManualUpdate}, Authorized, "likewise; a hold, or a capture or void that was not done"},
	{Authorized, InManual, []OperationKind{OpManualUpdate}, Completed, "likewise; it was captured after all"},
	{Authorized, InManual, []OperationKind{OpManualUpdate}, Cancelled, "likewise"},
	{Authorized, InManual, []OperationKind{OpManualUpdate}, Declined, "likewise"},
	{Completed, InManual, []OperationKind{OpManualUpdate}, Declined, "likewise; no refund standing"},
	{Completed, InManual, []OperationKind{OpManualUpdate}, Cancelled, "likewise; no refund standing"},
	{Declined, InManual, []OperationKind{OpManualUpdate}, Completed, "likewise"},
	{Declined, InManual, []OperationKind{OpManualUpdate}, Authorized, "likewise"},
	{Cancelled, InManual, []OperationKind{OpManualUpdate}, Completed, "likewise"},
	{Cancelled, InManual, []OperationKind{OpManualUpdate}, Authorized, "likewise"},
}

// planned are rows of what is not built yet: no decision takes them.
var planned = []Edge{
	{Pending, InConsent, []OperationKind{OpConfirmation}, Pending, ""},
	{Pending, InRefused, []OperationKind{OpConfirmation}, Declined, "no consent in time"},
	{Pending, InGiveUp, []OperationKind{OpConfirmation}, Cancelled, "2.00, nothing approved"},
	{Completed, InChargeback, []OperationKind{OpChargeback}, Completed, "refunds and chargebacks at most what was captured"},
}

// formerly are moves that logs of earlier versions hold: a notice alone made them.
var formerly = []Edge{
	{From: Authorized, Input: InClosed, Ops: []OperationKind{OpHandleWebhook}, To: Cancelled},
	{From: Declined, Input: InLate, Ops: []OperationKind{OpHandleWebhook}, To: Completed},
	{From: Cancelled, Input: InLate, Ops: []OperationKind{OpHandleWebhook}, To: Completed},
}

// Edges returns the table of legal moves in the order in which it is printed.
func Edges() []Edge { return slices.Clone(edges) }

// Planned returns the rows of what is not built yet.
func Planned() []Edge { return slices.Clone(planned) }

// next looks up the move that in makes from a state when shown as op.
func next(from State, in Input, op OperationKind) (State, bool) {
	for i := range edges {
		e := &edges[i]
		if e.From == from && e.Input == in && slices.Contains(e.Ops, op) {
			return e.To, true
		}
	}
	return from, false
}

// starts returns the state after an operation that calls the provider has started for the first time.
func starts(from State, op OperationKind) (State, bool) {
	for i := range edges {
		e := &edges[i]
		if e.From == from && !e.Input.fact() && slices.Contains(e.Ops, op) && e.Input != InNoTerminal && e.Input != InForget && e.Input != InSendAgain {
			return e.To, true
		}
	}
	return from, false
}

// leads reports whether one move shown as op leads from one state to another; facts
// only, or anything but facts.
func leads(from State, op OperationKind, to State, fact bool) bool {
	is := func(e Edge) bool {
		return e.From == from && e.To == to && e.Input.fact() == fact && slices.Contains(e.Ops, op)
	}
	return slices.ContainsFunc(edges, is) || slices.ContainsFunc(formerly, is)
}

// calls reports whether the operation is a provider call of its own: it starts by a
// command and ends by a fact.
func (k OperationKind) calls() bool {
	return k == OpDeposit || k == OpWithdrawal || k == OpRefund || k == OpCapture || k == OpVoid
}

func (in Input) fact() bool { return strings.HasPrefix(string(in), "fact: ") }
