package yandexpay_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestSubscriptionsBeginByCard: what is paid in another way leaves nothing that could be charged again, so that the
// customer would have paid for a subscription that never begins.
func TestSubscriptionsBeginByCard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		c.post(t, "/v1/subscriptions", monthly)
		c.post(t, "/v1/subscriptions", `{"currencyCode":"RUB","orderId":"B-1","isBinding":true}`)
		for _, oid := range []string{"S-1", "B-1"} {
			p, err := c.app.Engine.Get(t.Context(), c.shop.ID, c.paymentOf(t, oid))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]payment.Method{payment.BasicCard}, p.Terms.Methods); diff != "" {
				t.Errorf("%s can be paid by (-want +got):\n%s", oid, diff)
			}
		}
		c = c.other(t, func(s *shop.Shop) { s.Settings.YandexPay.Methods = []payment.Method{payment.ApplePay, payment.Pix} })
		for _, body := range []string{monthly, `{"currencyCode":"RUB","orderId":"B-1","isBinding":true}`} {
			a := c.do(t, request{method: http.MethodPost, path: "/v1/subscriptions", body: body})
			if a.status != http.StatusBadRequest || a.reasonCode(t) != "BAD_REQUEST" {
				t.Errorf("in a shop without cards: %d %s", a.status, a.body)
			}
		}
	})
}
