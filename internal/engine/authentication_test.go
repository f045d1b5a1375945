package engine_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// TestTheAuthenticationIsKept with the attempt that it was made for, on both databases, also after the challenge.
func TestTheAuthenticationIsKept(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for number, want := range map[string]struct {
			state  payment.State
			code   payment.ErrorCode
			auth   instrument.Authentication
			shifts bool
		}{
			"4000000000300014": {payment.Completed, "", instrument.Authentication{Result: "Y", ECI: "05"}, true},
			"5555000000300028": {payment.Completed, "", instrument.Authentication{Result: "A", ECI: "01"}, true},
			"4000000000300030": {payment.Declined, "5.00", instrument.Authentication{Result: "N", ECI: "07"}, false},
			"4000000000300048": {payment.Declined, "5.00", instrument.Authentication{Result: "R", ECI: "07"}, false},
			"4000000000300055": {payment.Completed, "", instrument.Authentication{Result: "U", ECI: "07"}, false},
			"4000000000300063": {payment.Completed, "", instrument.Authentication{Result: "I", ECI: "07", Exemption: "tra"}, false},
			cardApproved:       {payment.Completed, "", instrument.Authentication{}, false},
		} {
			h.sees(h.execute(h.create(h.newDeposit("11.00", number)).ID), want.state, want.code, want.auth, want.shifts)
		}
		p := h.execute(h.create(h.newDeposit("12.00", "4000000000300071")).ID)
		if p.State() != payment.Pending || p.Attempts[0].Auth != "" {
			t.Errorf("%s, %s", p.State(), p.Attempts[0].Auth)
		}
		h.approveAtBank(p)
		h.sees(h.settleByClock(p.ID), payment.Completed, "", instrument.Authentication{Result: "Y", ECI: "05", Challenged: true}, true)
		h.agree()
	})
}

func (h *house) sees(p payment.Payment, state payment.State, code payment.ErrorCode, want instrument.Authentication, shifts bool) {
	h.t.Helper()
	kept := h.get(p.ID)
	got := kept.Attempts[0].Auth.Read()
	ids := got.ServerID != "" && got.SchemeID != "" && got.IssuerID != "" && got.Version == "2.2.0"
	if ids != (want.Result != "") || (got.Value != "") != (want.Result == "Y" || want.Result == "A") {
		h.t.Errorf("%+v", got)
	}
	got.ServerID, got.SchemeID, got.IssuerID, got.Version, got.Value = "", "", "", "", ""
	if kept.State() != state || kept.ErrorCode != code || got != want || got.Shifts(kept.Instrument.CardBrand) != shifts {
		h.t.Errorf("%s %q, %+v, want %s %q, %+v", kept.State(), kept.ErrorCode, got, state, code, want)
	}
}

// approveAtBank is the customer who confirms on the provider's page, and is not followed back.
func (h *house) approveAtBank(p payment.Payment) {
	h.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, decision := range []string{"device", "approve"} {
		resp, err := client.PostForm(p.Attempts[0].Next.URL, url.Values{"decision": {decision}})
		if err != nil {
			h.t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode >= http.StatusBadRequest {
			h.t.Fatalf("%s: %d, %v", decision, resp.StatusCode, err)
		}
	}
}
