package engine_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestTwinRefunds: two equal refunds within a minute may be one request that was sent twice, unless the merchant says
// by a key that they are not.
func TestTwinRefunds(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.deposit("100.00")
		refund := func(value, name string) (of, id payment.ID) {
			t.Helper()
			c := h.newRefund(p.ID, value)
			if name != "" {
				c.Idem = key("POST /x", name, name)
			}
			o, err := h.Engine.Create(t.Context(), c)
			if err != nil || o.Payment.State() == payment.Pending {
				t.Fatalf("%s %v", o.Payment.State(), err)
			}
			return o.DuplicateOf, o.Payment.ID
		}
		want := func(what string, got, twin payment.ID) {
			t.Helper()
			if got != twin {
				t.Errorf("%s: duplicate of %q, want %q", what, got, twin)
			}
		}
		of, first := refund("10.00", "")
		want("the first", of, "")
		of, _ = refund("11.00", "")
		want("another amount", of, "")
		of, _ = refund("10.00", "key")
		want("with a key", of, "")
		h.Clock.Advance(30 * time.Second)
		of, twin := refund("10.00", "")
		if of == "" || of == twin || of < first {
			t.Errorf("the same once more: duplicate of %q", of)
		}
		h.Clock.Advance(time.Minute + time.Millisecond)
		of, _ = refund("10.00", "")
		want("later", of, "")
		h.scenario("refund", "12.00", simulator.Effect{ResponseCode: "05"})
		of, _ = refund("12.00", "")
		want("the first of 12", of, "")
		of, _ = refund("12.00", "")
		want("after one that was declined", of, "")
		of, _ = refund("", "")
		want("all that is left", of, "")
		h.agree()
	})
}

func TestTwinRefundsCanBeRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.RefuseTwinRefunds = true })
		p := h.deposit("100.00")
		h.create(h.newRefund(p.ID, "10.00"))
		_, err := h.Engine.Create(t.Context(), h.newRefund(p.ID, "10.00"))
		refused(t, err, payment.CodeDuplicate, "amount")
		named := h.newRefund(p.ID, "10.00")
		named.Idem = key("POST /x", "k", "k")
		h.create(named)
		h.create(h.newRefund(p.ID, "9.00"))
		h.Clock.Advance(time.Minute + time.Millisecond)
		h.create(h.newRefund(p.ID, "10.00"))
		h.agree()
	})
}
