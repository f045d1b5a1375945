package engine_test

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// reconfigure changes settings of the shop's terminal as an operator does: notices signed as before are believed until then.
func (h *house) reconfigure(changes map[string]string, keep time.Duration) {
	h.t.Helper()
	err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
		return tx.Terminals().Change(h.shop.ID, h.shop.Terminals[0].ID, func(t *shop.Terminal) error {
			var settings map[string]string
			if err := json.Unmarshal(t.Config, &settings); err != nil {
				return err
			}
			maps.Copy(settings, changes)
			raw, err := json.Marshal(settings)
			t.Reconfigure(raw, tx.Now(), tx.Now().Add(keep))
			return err
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Clock.Advance(engine.SettingsAge)
}

// TestNoticesSignedByTheSecretBefore: whoever rotates a provider's secret loses no notice of payments under way, and once
// the time is over, or where none was given, the old secret proves nothing.
func TestNoticesSignedByTheSecretBefore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.stuck(h.newDeposit("61.00", cardApproved))
		key := h.stored(p.ID).Attempts[0].Key
		if err := h.Simulator.Decide(key, "00"); err != nil {
			t.Fatal(err)
		}
		h.reconfigure(map[string]string{"noticeSecret": "notice_second"}, time.Hour)
		h.reconfigure(map[string]string{"noticeSecret": "notice_third"}, 2*time.Hour) // the first stays good beside the second
		if err := h.Engine.Notice(t.Context(), h.post("evt_old", key, "61.00", approved)); err != nil {
			t.Fatalf("signed by the secret before: %v", err)
		}
		if now := h.stored(p.ID); now.State() != payment.Completed {
			t.Errorf("the payment is %s", now.State())
		}
		forged := h.post("evt_other", key, "61.00", approved)
		forged.Header.Set("Sandbox-Signature", "v1="+strings.Repeat("0", 64))
		if err := h.Engine.Notice(t.Context(), forged); !errors.Is(err, engine.ErrForged) {
			t.Errorf("signed by nobody: %v", err)
		}
		h.Clock.Advance(time.Hour)
		if err := h.Engine.Notice(t.Context(), h.post("evt_late", key, "61.00", approved)); !errors.Is(err, engine.ErrForged) {
			t.Errorf("when its time is over: %v", err)
		}
		h.reconfigure(map[string]string{"noticeSecret": h.Simulator.NoticeSecret()}, 0)
		if err := h.Engine.Notice(t.Context(), h.post("evt_back", key, "61.00", approved)); err != nil {
			t.Errorf("signed by the present one: %v", err)
		}
		h.reconfigure(map[string]string{"noticeSecret": "notice_fourth"}, 0)
		if err := h.Engine.Notice(t.Context(), h.post("evt_gone", key, "61.00", approved)); !errors.Is(err, engine.ErrForged) {
			t.Errorf("where no time was given: %v", err)
		}
	})
}

// TestCallsUseTheNewSettings at once, in every process.
func TestCallsUseTheNewSettings(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.stuck(h.newDeposit("62.00", cardApproved))
		h.reconfigure(map[string]string{"apiKey": "sandbox_wrong"}, time.Hour)
		before := h.stored(p.ID)
		if _, err := h.other(nil).ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil {
			t.Fatal(err)
		}
		log := h.log(p.ID)
		if last := log[len(log)-1]; len(log) <= before.Ops || !strings.Contains(last.Messages.Incoming, "401") {
			t.Errorf("the provider was called by the old key: %+v", last)
		}
	})
}

// TestADisabledTerminalGoesOnWithWhatItHas and takes nothing new.
func TestADisabledTerminalGoesOnWithWhatItHas(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		open := h.stuck(h.newDeposit("63.00", cardApproved))
		held, released, paid := h.hold("64.00"), h.hold("65.00"), h.deposit("66.00")
		h.shop.Terminals[0].Enabled = false
		h.repoint(h.shop)
		h.Clock.Advance(engine.SettingsAge)
		if o, err := h.Engine.Create(t.Context(), h.newWithdrawal("67.00")); err != nil || o.Payment.State() != payment.Declined ||
			o.Payment.ErrorCode != payment.CodeNoTerminal {
			t.Errorf("a new payment is %s %s, %v", o.Payment.State(), o.Payment.ErrorCode, err)
		}
		if o, err := h.Engine.Capture(t.Context(), h.target(held.ID), amount("64.00")); err != nil || o.Payment.State() != payment.Completed {
			t.Errorf("a capture: %s, %v", o.Payment.State(), err)
		}
		if o, err := h.Engine.Void(t.Context(), h.target(released.ID)); err != nil || o.Payment.State() != payment.Cancelled {
			t.Errorf("a void: %s, %v", o.Payment.State(), err)
		}
		if o, err := h.Engine.Create(t.Context(), h.newRefund(paid.ID, "6.00")); err != nil || o.Payment.State() != payment.Completed {
			t.Errorf("a refund: %s, %v", o.Payment.State(), err)
		}
		if p, err := h.Engine.ManualCheck(t.Context(), h.shop.ID, open.ID); err != nil || p.State() != payment.Pending {
			t.Errorf("a status query: %s, %v", p.State(), err)
		}
		if err := h.Simulator.Decide(h.stored(open.ID).Attempts[0].Key, "00"); err != nil {
			t.Fatal(err)
		}
		if err := h.Engine.Notice(t.Context(), h.post("evt_disabled", h.stored(open.ID).Attempts[0].Key, "63.00", approved)); err != nil {
			t.Errorf("a notice: %v", err)
		}
		if now := h.stored(open.ID); now.State() != payment.Completed {
			t.Errorf("after the notice it is %s", now.State())
		}
	})
}
