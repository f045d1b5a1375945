package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Right is what somebody needs to be allowed to do a kind of act. The owner of the data folder has all of them.
type Right string

// The rights.
const (
	ReadShops       Right = "shops.read"
	ManageShops     Right = "shops.manage"
	ManageKeys      Right = "keys.manage"
	RotateSecrets   Right = "secrets.rotate"
	ReadTerminals   Right = "terminals.read"
	ManageTerminals Right = "terminals.manage"
	ReadPayments    Right = "payments.read"
	RecheckPayments Right = "payments.recheck"
	UpdatePayments  Right = "payments.update_manual"
	CapturePayments Right = "payments.capture"
	VoidPayments    Right = "payments.void"
	RefundPayments  Right = "payments.refund"
	StopRecurring   Right = "payments.stop_recurring"
	ManageNotices   Right = "notices.manage"
	ReadWebhooks    Right = "webhooks.read"
	ManageWebhooks  Right = "webhooks.manage"
	ResendWebhooks  Right = "webhooks.resend"
	ReadAlarms      Right = "alarms.read"
	ManageAlarms    Right = "alarms.manage"
	TakeBackups     Right = "backups.take"
	ReadVault       Right = "vault.read"
)

// changes tells acts that change something from those that only look.
func (r Right) changes() bool { return !strings.HasSuffix(string(r), ".read") }

// Operation is one act, from its arguments to its result.
type Operation[A, R any] struct {
	name  string
	right Right
	do    func(*Desk, context.Context, A) (R, error)
}

// Any is an operation whatever its types: what travels is JSON.
type Any interface {
	// Name is what it is called between processes.
	Name() string
	// Right is what doing it takes.
	Right() Right
	// Answer does it with arguments in JSON, and returns the result so.
	Answer(ctx context.Context, d *Desk, arguments json.RawMessage) (json.RawMessage, error)
}

func operation[A, R any](name string, right Right, do func(*Desk, context.Context, A) (R, error)) Operation[A, R] {
	return Operation[A, R]{name, right, do}
}

// The operations.
var (
	OpCreateShop = operation("shop.create", ManageShops, (*Desk).CreateShop)
	OpListShops  = operation("shop.list", ReadShops, (*Desk).ListShops)
	OpUpdateShop = operation("shop.update", ManageShops, (*Desk).UpdateShop)
	OpRenameShop = operation("shop.rename", ManageShops, (*Desk).RenameShop)

	OpCreateKey = operation("key.create", ManageKeys, (*Desk).CreateKey)
	OpListKeys  = operation("key.list", ReadShops, (*Desk).ListKeys)
	OpRevokeKey = operation("key.revoke", ManageKeys, (*Desk).RevokeKey)

	OpCreateTerminal = operation("terminal.create", ManageTerminals, (*Desk).CreateTerminal)
	OpListTerminals  = operation("terminal.list", ReadTerminals, (*Desk).ListTerminals)
	OpShowTerminal   = operation("terminal.show", ReadTerminals, (*Desk).ShowTerminal)
	OpUpdateTerminal = operation("terminal.update", ManageTerminals, (*Desk).UpdateTerminal)
	OpSwitchTerminal = operation("terminal.switch", ManageTerminals, (*Desk).SwitchTerminal)
	OpRemoveTerminal = operation("terminal.remove", ManageTerminals, (*Desk).RemoveTerminal)

	OpListPayments   = operation("payment.list", ReadPayments, (*Desk).ListPayments)
	OpShowPayment    = operation("payment.show", ReadPayments, (*Desk).ShowPayment)
	OpCapturePayment = operation("payment.capture", CapturePayments, (*Desk).CapturePayment)
	OpVoidPayment    = operation("payment.void", VoidPayments, (*Desk).VoidPayment)
	OpRefundPayment  = operation("payment.refund", RefundPayments, (*Desk).RefundPayment)

	OpCheckPayment  = operation("payment.check", RecheckPayments, (*Desk).CheckPayment)
	OpUpdatePayment = operation("payment.update", UpdatePayments, (*Desk).UpdatePayment)
	OpApproveUpdate = operation("payment.approve", UpdatePayments, (*Desk).ApproveUpdate)
	OpListUpdates   = operation("payment.updates", ReadPayments, (*Desk).ListUpdates)
	OpListParked    = operation("payment.parked", ReadPayments, (*Desk).ListParked)
	OpStopRecurring = operation("payment.stop-recurring", StopRecurring, (*Desk).StopRecurring)

	OpListNotices = operation("notice.parked", ReadPayments, (*Desk).ListNotices)
	OpShowNotice  = operation("notice.show", ReadPayments, (*Desk).ShowNotice)
	OpRetryNotice = operation("notice.retry", ManageNotices, (*Desk).RetryNotice)

	OpListAlarms = operation("alarm.list", ReadAlarms, (*Desk).ListAlarms)
	OpAckAlarm   = operation("alarm.ack", ManageAlarms, (*Desk).AckAlarm)

	OpTakeBackup = operation("backup.take", TakeBackups, (*Desk).TakeBackup)

	OpVaultStatus  = operation("vault.status", ReadVault, (*Desk).VaultStatus)
	OpRotateVault  = operation("vault.rotate", RotateSecrets, (*Desk).RotateVault)
	OpRotateMaster = operation("vault.rotate-master", RotateSecrets, (*Desk).RotateMaster)
	OpScrub        = operation("vault.scrub", RotateSecrets, (*Desk).Scrub)

	OpListDeliveries   = operation("webhook.list", ReadWebhooks, (*Desk).ListDeliveries)
	OpResendDeliveries = operation("webhook.resend", ResendWebhooks, (*Desk).ResendDeliveries)
	OpListEndpoints    = operation("webhook.endpoints", ReadWebhooks, (*Desk).ListEndpoints)
	OpSwitchEndpoint   = operation("webhook.switch", ManageWebhooks, (*Desk).SwitchEndpoint)
	OpListUntold       = operation("webhook.untold", ReadWebhooks, (*Desk).ListUntold)
	OpRetryUntold      = operation("webhook.untold-retry", ResendWebhooks, (*Desk).RetryUntold)
	OpRotateKey        = operation("webhook.rotate-key", RotateSecrets, (*Desk).RotateKey)
	OpListTokenKeys    = operation("webhook.token-keys", ReadWebhooks, (*Desk).ListTokenKeys)
	OpRotateTokenKey   = operation("webhook.rotate-token-key", RotateSecrets, (*Desk).RotateTokenKey)
)

// All lists every operation.
func All() []Any {
	return []Any{
		OpCreateShop, OpListShops, OpUpdateShop, OpRenameShop,
		OpCreateKey, OpListKeys, OpRevokeKey,
		OpCreateTerminal, OpListTerminals, OpShowTerminal, OpUpdateTerminal, OpSwitchTerminal, OpRemoveTerminal,
		OpListPayments, OpShowPayment, OpCapturePayment, OpVoidPayment, OpRefundPayment,
		OpCheckPayment, OpUpdatePayment, OpApproveUpdate, OpListUpdates, OpListParked, OpStopRecurring,
		OpListNotices, OpShowNotice, OpRetryNotice,
		OpListAlarms, OpAckAlarm,
		OpTakeBackup,
		OpVaultStatus, OpRotateVault, OpRotateMaster, OpScrub,
		OpListDeliveries, OpResendDeliveries, OpListEndpoints, OpSwitchEndpoint, OpListUntold, OpRetryUntold,
		OpRotateKey, OpListTokenKeys, OpRotateTokenKey,
	}
}

// Find returns the operation of that name, or nil.
func Find(name string) Any {
	for _, o := range All() {
		if o.Name() == name {
			return o
		}
	}
	return nil
}

// Name is what the operation is called between processes.
func (o Operation[A, R]) Name() string { return o.name }

// Right is what doing it takes.
func (o Operation[A, R]) Right() Right { return o.right }

// Do does it, and says so in the log where it changes something: who, what, and with which arguments, but for secret
// ones.
func (o Operation[A, R]) Do(ctx context.Context, d *Desk, arguments A) (R, error) {
	result, err := o.do(d, ctx, arguments)
	if err == nil && o.right.changes() {
		d.record(ctx, o.name, arguments, result)
	}
	return result, err
}

// Answer implements Any. An argument that the act does not have is an error: it may be one of a later version.
func (o Operation[A, R]) Answer(ctx context.Context, d *Desk, arguments json.RawMessage) (json.RawMessage, error) {
	var a A
	dec := json.NewDecoder(bytes.NewReader(arguments))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return nil, fmt.Errorf("arguments of %s: %w", o.name, err)
	}
	if dec.More() {
		return nil, errors.New("arguments of " + o.name + ": more than one JSON object")
	}
	result, err := o.Do(ctx, d, a)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("result of %s: %w", o.name, err)
	}
	return raw, nil
}
