package engine

import (
	"context"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/payment"
)

// What the engine tells humans beside what decisions raise. Each is a text of its own, by which equal alarms are counted.
const (
	whyForeign      = "the provider answers with a transaction of another payment"
	whyForeignTold  = "the provider's notice names a transaction of another payment"
	whyParked       = "work on the payment has failed too often and is not tried again"
	whyUnreadable   = "the payment's row cannot be read"
	whyWorkPanics   = "work on the payment panics"
	whyCallPanics   = "a panic between the call and its answer: the payment is left open and asked about later"
	whyAnswerBare   = "the provider's answer cannot be stored as it came: only its outcome is"
	whyCardTold     = "the provider's answer repeats the whole card number: what held it is left out"
	whyAnswerLost   = "the provider's answer cannot be stored: the payment is left open and asked about later"
	whyChainRuns    = "the provider has revoked the recurring chain, and it could not be stopped"
	whyConnector    = "the connector panics"
	whyUnread       = "the notice cannot be read"
	whyUnreadFull   = "notices that cannot be read are not kept any more, because too many wait"
	whyAside        = "the notice is about something that only people can deal with"
	whyUnmatched    = "the notice is about something unknown"
	whyNoticeParked = "booking the notice has failed too often and is not tried again"
	whyNoticePanics = "work on the notice panics"
	whyWorkUnread   = "due work cannot be read"
	whyCardTesting  = "strangers seem to try numbers of cards on the shop: card payments are refused for a time"
	whyUnscreened   = "payments of the shop cannot be screened, and are not taken"
	whyDeclineRate  = "providers decline an unusual share of the shop's card payments"
)

// aboutPayment is an alarm about a payment.
func aboutPayment(p *payment.Payment, why string) payment.Alarm {
	return payment.Alarm{About: string(alarm.Payment), Subject: string(p.ID), Why: why}
}

// alarmsOf is what a decision tells humans.
func alarmsOf(d *payment.Decision) []alarm.Alarm {
	if d.Alarm == "" && len(d.Also) == 0 {
		return nil
	}
	var all []alarm.Alarm
	if d.Alarm != "" {
		all = append(all, alarm.Alarm{Shop: d.Payment.Shop, About: alarm.Payment, Subject: string(d.Payment.ID), Why: d.Alarm})
	}
	for _, a := range d.Also {
		all = append(all, alarm.Alarm{Shop: d.Payment.Shop, About: alarm.About(a.About), Subject: a.Subject, Why: a.Why, Detail: a.Detail})
	}
	return all
}

// raise tells a human about a payment where no decision does.
func (e *Engine) raise(ctx context.Context, p *payment.Payment, why string, cause error) {
	e.bell.Raise(ctx, alarm.Alarm{Shop: p.Shop, About: alarm.Payment, Subject: string(p.ID), Why: why}.Of(cause))
}

// aboutNotice is an alarm about a notice.
func aboutNotice(shop payment.ShopID, terminal, key, why string) alarm.Alarm {
	return alarm.Alarm{Shop: shop, About: alarm.Notice, Subject: terminal + "/" + key, Why: why}
}

// workUnread tells a human that due work of a kind cannot be read.
func (e *Engine) workUnread(ctx context.Context, kind string, err error) {
	e.bell.Raise(ctx, alarm.Alarm{About: alarm.Work, Subject: kind, Why: whyWorkUnread}.Of(err))
}
