package payment

import "slices"

// ID identifies a payment: 32 lower-case hex digits, time-ordered. It is a name,
// never a secret and never parsed for meaning outside package id.
type ID string

// ShopID identifies the shop that owns a row. Every query is scoped by it.
type ShopID string

// Type says which way the money goes.
type Type string

// The three payment types of the gateway contract.
const (
	Deposit    Type = "DEPOSIT"
	Withdrawal Type = "WITHDRAWAL"
	Refund     Type = "REFUND" // a payment of its own whose Parent is the deposit
)

// Types lists every Type in the order of the contract.
func Types() []Type { return []Type{Deposit, Withdrawal, Refund} }

// Valid reports whether t is one of Types.
func (t Type) Valid() bool { return slices.Contains(Types(), t) }

// State is the public state of a payment.
type State string

// The six states. None is the state before the payment exists.
const (
	None       State = ""
	Checkout   State = "CHECKOUT"   // created, the customer has not finished the page
	Pending    State = "PENDING"    // in processing; also every unknown outcome
	Authorized State = "AUTHORIZED" // money held, capture or void comes next
	Cancelled  State = "CANCELLED"  // closed without money: by customer, timeout or void
	Declined   State = "DECLINED"   // refused, see the error code
	Completed  State = "COMPLETED"  // money moved
)

// States lists the six states in the order of the contract.
func States() []State {
	return []State{Checkout, Pending, Authorized, Cancelled, Declined, Completed}
}

// Final reports whether no further move is expected. A final state can still
// change by a manual update or a late fact of the provider.
func (s State) Final() bool { return s == Cancelled || s == Declined || s == Completed }

// OperationKind names an entry of a payment's log.
type OperationKind string

// The nineteen operations of the gateway contract.
const (
	OpCreatePayment     OperationKind = "CREATE_PAYMENT"
	OpCheckout          OperationKind = "CHECKOUT"
	OpCancel            OperationKind = "CANCEL"
	OpConfirmation      OperationKind = "CONFIRMATION"
	OpCascading         OperationKind = "CASCADING"
	OpRedirect          OperationKind = "REDIRECT"
	OpContinue          OperationKind = "CONTINUE"
	OpContinueAntiFraud OperationKind = "CONTINUE_ANTI_FRAUD"
	OpDetectFraud       OperationKind = "DETECT_FRAUD"
	OpDeposit           OperationKind = "DEPOSIT"
	OpWithdrawal        OperationKind = "WITHDRAWAL"
	OpRefund            OperationKind = "REFUND"
	OpChargeback        OperationKind = "CHARGEBACK"
	OpCapture           OperationKind = "CAPTURE"
	OpVoid              OperationKind = "VOID"
	OpCheckState        OperationKind = "CHECK_STATE"
	OpHandleWebhook     OperationKind = "HANDLE_WEBHOOK"
	OpManualUpdate      OperationKind = "MANUAL_UPDATE"
	OpManualCheckState  OperationKind = "MANUAL_CHECK_STATE"
)

// OperationKinds lists the nineteen kinds in the order of the contract.
func OperationKinds() []OperationKind {
	return []OperationKind{
		OpCreatePayment, OpCheckout, OpCancel, OpConfirmation, OpCascading, OpRedirect, OpContinue,
		OpContinueAntiFraud, OpDetectFraud, OpDeposit, OpWithdrawal, OpRefund, OpChargeback, OpCapture,
		OpVoid, OpCheckState, OpHandleWebhook, OpManualUpdate, OpManualCheckState,
	}
}
