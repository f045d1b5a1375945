package simulator

import "time"

// Kinds of transaction.
const (
	kindSale          = "sale"          // hold and take in one
	kindAuthorization = "authorization" // hold only; a capture or a void ends it
	kindCapture       = "capture"
	kindVoid          = "void"
	kindRefund        = "refund"
	kindPayout        = "payout"
	kindVerification  = "verification" // a card checked, and stored if wanted; never any money
	kindFence         = "fence"        // a reference that was cancelled before it was used
)

// States of a transaction. The first three can change, and so can authorized.
const (
	statusRequiresAction = "requires_action"
	statusPending        = "pending"
	statusAuthorized     = "authorized"
	statusApproved       = "approved" // a sale, verification, capture, void, refund or payout that was done
	statusCaptured       = "captured" // an authorization whose capture was done
	statusVoided         = "voided"   // an authorization whose hold was released
	statusExpired        = "expired"  // an authorization whose hold ran out
	statusDeclined       = "declined"
	statusCancelled      = "cancelled" // by reference, before it was done
)

// tx is one transaction as the books keep it and as the ledger file stores it.
// Everything here is guarded by Simulator.mu. It holds no card number.
type tx struct {
	ID          string    `json:"id"`
	Reference   string    `json:"reference"`
	OrderID     string    `json:"orderId,omitempty"`
	Kind        string    `json:"kind"`
	Status      string    `json:"status"`
	Method      string    `json:"method,omitempty"`
	Wallet      string    `json:"wallet,omitempty"` // that the card came from
	Amount      decimal   `json:"amount"`
	Currency    string    `json:"currency,omitempty"`
	Parent      string    `json:"parent,omitempty"`
	Outcome     outcome   `json:"outcome,omitzero"`
	Planned     outcome   `json:"planned,omitzero"` // the verdict to come, while pending or waiting for the customer
	Card        *cardView `json:"card,omitempty"`
	Auth        string    `json:"auth,omitempty"` // 3-D Secure result, its transStatus; empty when never asked
	Challenged  bool      `json:"challenged,omitempty"`
	Exemption   string    `json:"exemption,omitempty"`
	DeviceStep  bool      `json:"deviceStep,omitempty"` // the issuer wants to see the device before it asks
	ACS         string    `json:"acs,omitempty"`        // what authentication will say when the customer completes it
	Fingerprint string    `json:"fingerprint,omitempty"`
	Version     int       `json:"version"` // grows by one with each change of status
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`

	// Money of a sale or authorization. RefundHeld is what pending refunds hold.
	Authorized decimal `json:"authorized,omitzero"`
	Captured   decimal `json:"captured,omitzero"`
	Refunded   decimal `json:"refunded,omitzero"`
	RefundHeld decimal `json:"refundHeld,omitzero"`
	Live       string  `json:"live,omitempty"` // the pending capture or void, if any

	// Clock: all zero when not set.
	ActionUntil time.Time `json:"actionUntil,omitzero"` // the customer may act until then
	DueAt       time.Time `json:"dueAt,omitzero"`       // a pending transaction ends by itself
	HoldUntil   time.Time `json:"holdUntil,omitzero"`   // an authorization expires
	VisibleAt   time.Time `json:"visibleAt,omitzero"`   // status queries find it only from here on

	Token       string        `json:"token,omitempty"` // opens the customer's page
	App         string        `json:"app,omitempty"`   // what the customer does in an app instead of on a page: appConfirm or appCode
	PixCode     string        `json:"pixCode,omitempty"`
	Alias       string        `json:"alias,omitempty"`      // under which apps may know the customer
	AliasApp    string        `json:"aliasApp,omitempty"`   // that is to ask, without a code; empty of a payment by a code
	Remembered  string        `json:"remembered,omitempty"` // the app in which the customer has agreed to be known by the alias
	Bank        string        `json:"bank,omitempty"`       // that the customer has chosen already
	ReturnURL   string        `json:"returnUrl,omitempty"`
	NoticeURL   string        `json:"noticeUrl,omitempty"`
	Notice      string        `json:"notice,omitempty"`
	NoticeDelay time.Duration `json:"noticeDelay,omitempty"`
	Async       time.Duration `json:"async,omitempty"` // final this long after the verdict; negative is never

	Correct      string        `json:"correct,omitempty"` // what it is corrected to once it is final
	CorrectAfter time.Duration `json:"correctAfter,omitempty"`
	CorrectAt    time.Time     `json:"correctAt,omitzero"`

	Store      bool   `json:"store,omitempty"`
	Credential string `json:"credential,omitempty"`
	MITCode    string `json:"mitCode,omitempty"` // verdict on later charges of the credential

	TestAmounts string `json:"testAmounts,omitempty"` // whose amounts decide about it, instead of the ceilings
}

// isPayment tells whether money of a customer is held or taken here, so that
// captures, voids and refunds can follow.
func (t *tx) isPayment() bool { return t.Kind == kindSale || t.Kind == kindAuthorization }

func (t *tx) open() bool { return t.Status == statusPending || t.Status == statusRequiresAction }

// refundable is what may still be given back.
func (t *tx) refundable() decimal { return t.Captured.minus(t.Refunded.plus(t.RefundHeld)) }

// transactionView is a transaction as the API and the notices show it.
type transactionView struct {
	ID              string       `json:"id"`
	Reference       string       `json:"reference"`
	OrderID         string       `json:"orderId,omitempty"`
	Kind            string       `json:"kind"`
	Status          string       `json:"status"`
	Method          string       `json:"method,omitempty"`
	Wallet          string       `json:"wallet,omitempty"`
	Amount          decimal      `json:"amount"`
	Currency        string       `json:"currency,omitempty"`
	ParentID        string       `json:"parentId,omitempty"`
	ResponseCode    string       `json:"responseCode,omitempty"`
	ResponseMessage string       `json:"responseMessage,omitempty"`
	DeclineReason   string       `json:"declineReason,omitempty"`
	Authorized      *decimal     `json:"authorizedAmount,omitempty"`
	Captured        *decimal     `json:"capturedAmount,omitempty"`
	Refunded        *decimal     `json:"refundedAmount,omitempty"`
	Card            *cardView    `json:"card,omitempty"`
	ThreeDS         *threeDSView `json:"threeDS,omitempty"`
	ActionURL       string       `json:"actionUrl,omitempty"`
	ActionExpiresAt time.Time    `json:"actionExpiresAt,omitzero"`
	ActionKind      string       `json:"actionKind,omitempty"`
	PixCode         string       `json:"pixCode,omitempty"`
	Credential      string       `json:"credential,omitempty"`
	Version         int          `json:"version"`
	CreatedAt       time.Time    `json:"createdAt"`
	UpdatedAt       time.Time    `json:"updatedAt"`
}

// view copies what the API shows of t. base is the public address of the
// customer's pages. The caller holds Simulator.mu.
func (t *tx) view(base string) transactionView {
	v := transactionView{
		ID: t.ID, Reference: t.Reference, OrderID: t.OrderID, Kind: t.Kind, Status: t.Status,
		Method: t.Method, Wallet: t.Wallet, Amount: t.Amount, Currency: t.Currency, ParentID: t.Parent,
		Card: t.Card, ThreeDS: t.threeDS(), Credential: t.Credential,
		Version: t.Version, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
	if t.Outcome.Code != "" {
		v.ResponseCode, v.ResponseMessage, v.DeclineReason = t.Outcome.Code, t.Outcome.message(), t.Outcome.Reason
	}
	if t.isPayment() {
		held, taken, back := t.Authorized, t.Captured, t.Refunded
		v.Authorized, v.Captured, v.Refunded = &held, &taken, &back
	}
	if t.Status == statusRequiresAction {
		v.ActionURL, v.ActionExpiresAt, v.ActionKind, v.PixCode = base+"/pay/"+t.Token, t.ActionUntil, t.App, t.PixCode
	}
	return v
}
