package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/sluicepay/sluice/internal/audit"
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
	ReviewPayments  Right = "payments.review"
	StopRecurring   Right = "payments.stop_recurring"
	ManageLinks     Right = "links.manage"
	ManageNotices   Right = "notices.manage"
	ReadWebhooks    Right = "webhooks.read"
	ManageWebhooks  Right = "webhooks.manage"
	ResendWebhooks  Right = "webhooks.resend"
	ReadAlarms      Right = "alarms.read"
	ManageAlarms    Right = "alarms.manage"
	ManageLists     Right = "lists.manage"
	TakeBackups     Right = "backups.take"
	RestoreBackups  Right = "backups.restore" // of Restore, which is no Operation
	ReadVault       Right = "vault.read"
	ReadAudit       Right = "audit.read"
	ReadRanges      Right = "ranges.read"
	ManageRanges    Right = "ranges.manage"
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
	OpCreateShop = operation("shop.create", ManageShops, (*Desk).createShop)
	OpListShops  = operation("shop.list", ReadShops, (*Desk).listShops)
	OpUpdateShop = operation("shop.update", ManageShops, (*Desk).updateShop)
	OpRenameShop = operation("shop.rename", ManageShops, (*Desk).renameShop)
	OpSetLogo    = operation("shop.logo.set", ManageShops, (*Desk).setLogo)
	OpRemoveLogo = operation("shop.logo.remove", ManageShops, (*Desk).removeLogo)

	OpSetWallet    = operation("shop.wallet.set", RotateSecrets, (*Desk).setWallet)
	OpShowWallets  = operation("shop.wallet.show", ReadShops, (*Desk).showWallets)
	OpRemoveWallet = operation("shop.wallet.remove", RotateSecrets, (*Desk).removeWallet)

	OpCreateKey = operation("key.create", ManageKeys, (*Desk).createKey)
	OpListKeys  = operation("key.list", ReadShops, (*Desk).listKeys)
	OpRevokeKey = operation("key.revoke", ManageKeys, (*Desk).revokeKey)

	OpCreateTerminal = operation("terminal.create", ManageTerminals, (*Desk).createTerminal)
	OpListTerminals  = operation("terminal.list", ReadTerminals, (*Desk).listTerminals)
	OpShowTerminal   = operation("terminal.show", ReadTerminals, (*Desk).showTerminal)
	OpUpdateTerminal = operation("terminal.update", ManageTerminals, (*Desk).updateTerminal)
	OpTestTerminal   = operation("terminal.test", ManageTerminals, (*Desk).testTerminal)
	OpSwitchTerminal = operation("terminal.switch", ManageTerminals, (*Desk).switchTerminal)
	OpRemoveTerminal = operation("terminal.remove", ManageTerminals, (*Desk).removeTerminal)

	OpListPayments   = operation("payment.list", ReadPayments, (*Desk).listPayments)
	OpShowPayment    = operation("payment.show", ReadPayments, (*Desk).showPayment)
	OpExplainPayment = operation("payment.explain", ReadPayments, (*Desk).explainPayment)
	OpCapturePayment = operation("payment.capture", CapturePayments, (*Desk).capturePayment)
	OpVoidPayment    = operation("payment.void", VoidPayments, (*Desk).voidPayment)
	OpRefundPayment  = operation("payment.refund", RefundPayments, (*Desk).refundPayment)

	OpCheckPayment  = operation("payment.check", RecheckPayments, (*Desk).checkPayment)
	OpUpdatePayment = operation("payment.update", UpdatePayments, (*Desk).updatePayment)
	OpApproveUpdate = operation("payment.approve", UpdatePayments, (*Desk).approveUpdate)
	OpListUpdates   = operation("payment.updates", ReadPayments, (*Desk).listUpdates)
	OpListParked    = operation("payment.parked", ReadPayments, (*Desk).listParked)
	OpListReviews   = operation("payment.reviews", ReadPayments, (*Desk).listReviews)
	OpJudgePayment  = operation("payment.review", ReviewPayments, (*Desk).judgePayment)
	OpStopRecurring = operation("payment.stop-recurring", StopRecurring, (*Desk).stopRecurring)

	OpCreateLink = operation("link.create", ManageLinks, (*Desk).createLink)
	OpShowLink   = operation("link.show", ReadPayments, (*Desk).showLink)
	OpCancelLink = operation("link.cancel", ManageLinks, (*Desk).cancelLink)

	OpListNotices = operation("notice.parked", ReadPayments, (*Desk).listNotices)
	OpShowNotice  = operation("notice.show", ReadPayments, (*Desk).showNotice)
	OpRetryNotice = operation("notice.retry", ManageNotices, (*Desk).retryNotice)

	OpListAlarms = operation("alarm.list", ReadAlarms, (*Desk).listAlarms)
	OpAckAlarm   = operation("alarm.ack", ManageAlarms, (*Desk).ackAlarm)

	OpCheckLists = operation("list.check", ManageLists, (*Desk).checkLists)

	OpTakeBackup = operation("backup.take", TakeBackups, (*Desk).takeBackup)

	OpVaultStatus  = operation("vault.status", ReadVault, (*Desk).vaultStatus)
	OpRotateVault  = operation("vault.rotate", RotateSecrets, (*Desk).rotateVault)
	OpRotateMaster = operation("vault.rotate-master", RotateSecrets, (*Desk).rotateMaster)
	OpScrub        = operation("vault.scrub", RotateSecrets, (*Desk).scrub)

	OpImportRanges = operation("ranges.import", ManageRanges, (*Desk).importRanges)
	OpShowRanges   = operation("ranges.show", ReadRanges, (*Desk).showRanges)
	OpFindRange    = operation("ranges.find", ReadRanges, (*Desk).findRange)
	OpResetRanges  = operation("ranges.reset", ManageRanges, (*Desk).resetRanges)

	OpListAudit   = operation("audit.list", ReadAudit, (*Desk).listAudit)
	OpExportAudit = operation("audit.export", ReadAudit, (*Desk).exportAudit)
	OpShowAudit   = operation("audit.show", ReadAudit, (*Desk).showAudit)
	OpVerifyAudit = operation("audit.verify", ReadAudit, (*Desk).verifyAudit)

	OpListDeliveries   = operation("webhook.list", ReadWebhooks, (*Desk).listDeliveries)
	OpResendDeliveries = operation("webhook.resend", ResendWebhooks, (*Desk).resendDeliveries)
	OpListEndpoints    = operation("webhook.endpoints", ReadWebhooks, (*Desk).listEndpoints)
	OpSwitchEndpoint   = operation("webhook.switch", ManageWebhooks, (*Desk).switchEndpoint)
	OpListUntold       = operation("webhook.untold", ReadWebhooks, (*Desk).listUntold)
	OpRetryUntold      = operation("webhook.untold-retry", ResendWebhooks, (*Desk).retryUntold)
	OpRotateKey        = operation("webhook.rotate-key", RotateSecrets, (*Desk).rotateKey)
	OpListTokenKeys    = operation("webhook.token-keys", ReadWebhooks, (*Desk).listTokenKeys)
	OpRotateTokenKey   = operation("webhook.rotate-token-key", RotateSecrets, (*Desk).rotateTokenKey)
)

// All lists every operation.
func All() []Any {
	return []Any{
		OpCreateShop, OpListShops, OpUpdateShop, OpRenameShop, OpSetLogo, OpRemoveLogo,
		OpSetWallet, OpShowWallets, OpRemoveWallet,
		OpCreateKey, OpListKeys, OpRevokeKey,
		OpCreateTerminal, OpListTerminals, OpShowTerminal, OpUpdateTerminal, OpTestTerminal, OpSwitchTerminal, OpRemoveTerminal,
		OpListPayments, OpShowPayment, OpExplainPayment, OpCapturePayment, OpVoidPayment, OpRefundPayment,
		OpCheckPayment, OpUpdatePayment, OpApproveUpdate, OpListUpdates, OpListParked,
		OpListReviews, OpJudgePayment, OpStopRecurring,
		OpCreateLink, OpShowLink, OpCancelLink,
		OpListNotices, OpShowNotice, OpRetryNotice,
		OpListAlarms, OpAckAlarm,
		OpCheckLists,
		OpTakeBackup,
		OpVaultStatus, OpRotateVault, OpRotateMaster, OpScrub,
		OpListAudit, OpExportAudit, OpShowAudit, OpVerifyAudit,
		OpImportRanges, OpShowRanges, OpFindRange, OpResetRanges,
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

// Do does it. What changes something stands in the record of acts, before it is begun and when it has ended, and in the log: who, what, and with
// which arguments, but for secret ones. What cannot be put on record is not done.
func (o Operation[A, R]) Do(ctx context.Context, d *Desk, arguments A) (R, error) {
	if !o.right.changes() {
		return o.do(d, ctx, arguments)
	}
	attrs := shown(reflect.ValueOf(arguments))
	begun, err := d.begin(ctx, o.name, attrs)
	if err != nil {
		var none R
		return none, err
	}
	inside, changes := withChanges(ctx)
	result, err := o.do(d, inside, arguments)
	made := madeBy(result)
	d.record.End(ctx, begun, audit.Outcome{Err: err, Made: made, Changes: changes.changes})
	if err == nil {
		d.logAct(ctx, o.name, attrs, made)
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
