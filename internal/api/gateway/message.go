package gateway

import (
	"cmp"
	"strings"

	"github.com/sluicepay/sluice/internal/outbox"
	"github.com/sluicepay/sluice/internal/payment"
)

// Dialect is the name under which this dialect's events are kept.
const Dialect = "gateway"

// Render words an event: the bare payment, as GET shows it in "result". Merchants are
// told of AUTHORIZED where their shop wants that, and of nothing that leaves the state as it was.
func Render(t *outbox.EventContext) ([]outbox.Message, error) {
	s, p, e := t.Shop(), t.Payment(), t.Event()
	if e.State == e.Before || e.State == payment.Authorized && !s.Settings.TellAuthorized {
		return nil, nil
	}
	return []outbox.Message{{
		Dialect: Dialect, Type: "payment." + strings.ToLower(string(e.State)), ContentType: "application/json",
		Body: appendPayment(nil, p, ""), URL: cmp.Or(p.WebhookURL, s.Settings.WebhookURL),
	}}, nil
}
