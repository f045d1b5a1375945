package adyen

import (
	"fmt"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// disputes are the events of chargebacks, from the request for information to the end.
var disputes = map[string]bool{
	"REQUEST_FOR_INFORMATION": true, "NOTIFICATION_OF_CHARGEBACK": true, "NOTIFICATION_OF_FRAUD": true, "CHARGEBACK": true, "CHARGEBACK_REVERSED": true,
	"SECOND_CHARGEBACK": true, "INFORMATION_SUPPLIED": true, "ISSUER_COMMENTS": true, "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": true,
	"DISPUTE_DEFENSE_PERIOD_ENDED": true, "PREARBITRATION_OPEN": true, "PREARBITRATION_WON": true, "PREARBITRATION_LOST": true,
	"PREARBITRATION_ACCEPTED": true, "PREARBITRATION_DECLINED": true, "PREARBITRATION_ISSUER_WITHDRAWN": true,
	"SCHEME_ARBITRATION": true, "SCHEME_ARBITRATION_WON": true, "SCHEME_ARBITRATION_LOST": true,
}

// tell reads what items tell about attempts of ours. Of the account's other payments, and of other accounts, they tell nothing. What is about
// us and proves nothing is UNKNOWN, and kept.
func (a *Adyen) tell(items []item) ([]connector.Notice, error) {
	var notices []connector.Notice
	for i := range items {
		n := &items[i]
		success := n.success()
		if n.happened = success == "true"; !n.happened && success != "false" || n.Event == "" || len(n.Ref) > 200 {
			return nil, fmt.Errorf("%w: %w: item %d does not say what happened", connector.ErrUnreadable, errNotice, i+1)
		}
		key, what := split(n.Mine)
		if n.Account != a.account || key == "" || !provider.Word(n.Ref, 64) || !provider.Word(n.Event, 64) {
			continue
		}
		told := connector.Notice{EventKey: n.Ref + "-" + n.Event + "-" + success, Key: key}
		if disputes[n.Event] {
			told.Subject, told.ProviderRef = connector.OfDispute, n.payment()
		} else {
			told.Fact = n.fact(what)
		}
		notices = append(notices, told)
	}
	return notices, nil
}

// payment is Adyen's reference of the payment that the event is about.
func (n *item) payment() string {
	if provider.Word(n.Of, 64) {
		return n.Of
	}
	return n.Ref
}

// split takes our key and what it was for out of a reference; both are empty where it is none of ours.
func split(reference string) (key string, what purpose) {
	for _, p := range []purpose{toSell, toHold, toVerify, toCapture, toCancel, toRefund} {
		if key, ours := strings.CutSuffix(reference, string(p)); ours && provider.Word(key, mostKey) {
			return key, p
		}
	}
	return "", ""
}

// fact is what the event proves about what its reference was for.
func (n *item) fact(what purpose) payment.Fact {
	f := payment.Fact{Class: payment.ClassUnknown}
	ref := n.Ref
	switch {
	case n.Event == "AUTHORISATION" && what.pays():
		f = n.authorised(what)
	case n.Event == "OFFER_CLOSED" && what.pays() && n.happened: // its customer has not come back in time
		f, ref = payment.Fact{Class: hard, Code: payment.CodeAbandoned, RawCode: n.Event}, ""
	case n.Event == "EXPIRE" && what == toHold && n.happened:
		f, ref = payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeTimeout, RawCode: n.Event}, n.Of
	case n.Event == "CAPTURE_FAILED" && what == toSell && n.happened: // the capture that Adyen makes by itself
		f, ref = payment.Fact{Class: hard, Code: payment.CodeAcquirer, RawCode: n.Event}, n.Of
	case what == changes[n.Event]:
		f = payment.Fact{Class: payment.ClassApproved}
		if !n.happened {
			f = payment.Fact{Class: payment.ClassRejected, Code: payment.CodeAcquirer}
		}
	case what == undone[n.Event] && n.happened:
		f = payment.Fact{Class: hard, Code: payment.CodeAcquirer, RawCode: n.Event}
	default:
		return f
	}
	f.ProviderRef = ref
	amount, err := n.Amount.read()
	if err != nil || amount.Amount.IsZero() && what != toVerify {
		return payment.Fact{Class: payment.ClassUnknown}
	}
	if what != toVerify {
		f.Echoed = amount
	}
	return f
}

// changes are the events that tell how a change ended, and undone those that take it back.
var (
	changes = map[string]purpose{"CAPTURE": toCapture, "CANCELLATION": toCancel, "REFUND": toRefund}
	undone  = map[string]purpose{"CAPTURE_FAILED": toCapture, "REFUND_FAILED": toRefund, "REFUNDED_REVERSED": toRefund}
)

func (n *item) authorised(what purpose) payment.Fact {
	if !n.happened {
		return n.More.declined(codeOf(n.Reason), "")
	}
	if n.More.Brand == "" {
		n.More.Brand = n.Method
	}
	return n.More.won(what)
}
