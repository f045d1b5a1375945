package gateway_test

import (
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// TestPatchBetweenTries: a deposit of which nothing could leave is PENDING with its page and without an error, and the next
// PATCH takes the next try, with the card that came with the payment.
func TestPatchBetweenTries(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		out := &testkit.WayOut{}
		t.Cleanup(out.CloseIdleConnections)
		c := newClientBy(t, d, relaxed, testkit.Options{Transport: out})
		body := `{"paymentType":"DEPOSIT","amount":10,"currency":"EUR","card":{"cardNumber":"4000000000000408",` +
			`"cardSecurityCode":"123","cardholderName":"JANE DOE","expiryMonth":"12","expiryYear":"2039"}}`
		made := c.post(t, "", body, 200)
		path := "/" + made.field(t, "id")
		patch := func(body string, status int) answer {
			return c.want(t, request{method: "PATCH", path: payments + path, body: body}, status)
		}

		out.Shut.Store(true)
		for range 2 {
			for _, a := range []answer{patch(`{"customerIp":"192.0.2.1"}`, 200), c.get(t, path, 200)} {
				if a.field(t, "state") != "PENDING" || a.field(t, "redirectUrl") == "" || a.field(t, "errorCode") != "" {
					t.Errorf("%s", a.body)
				}
			}
		}
		c.app.Clock.Advance(payment.MeansHold)
		if a := patch(`{"customerIp":"192.0.2.1"}`, 400); !strings.Contains(string(a.body), `"field":"card"`) {
			t.Errorf("%s", a.body)
		}

		made = c.post(t, "", body, 200)
		path = "/" + made.field(t, "id")
		patch(`{"customerIp":"192.0.2.1"}`, 200)
		out.Shut.Store(false)
		if a := patch(`{"customerIp":"192.0.2.1"}`, 200); a.field(t, "state") != "COMPLETED" {
			t.Errorf("%s", a.body)
		}
		log := string(c.get(t, path+"/operations", 200).body)
		if n := strings.Count(log, `"DEPOSIT"`); n != 2 || strings.Count(log, `"CHECKOUT"`) < 2 {
			t.Errorf("%s", log)
		}
	})
}
