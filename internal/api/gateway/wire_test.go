package gateway

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

var moment = time.Date(2030, 12, 25, 11, 11, 12, 595_999_999, time.FixedZone("", 3600))

func TestAppendPaymentWritesEveryFieldInOrder(t *testing.T) {
	t.Parallel()
	p := payment.Restore(payment.Payment{
		ID: "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", Shop: "s", Type: payment.Deposit, Method: payment.BasicCard, Reference: "ref \"1\"",
		Parent: "0193f0c2a7b17c9e8d4f5a6b7c8d9e00", Description: "d", Asked: money.Sum{Amount: money.MustParse("11.120"), Currency: "EUR"}, PreAuth: true,
		StartRecurring: true, RecurringToken: "token", ReturnURL: "https://r", WebhookURL: "https://w", Customer: `{"referenceId":"c"}`,
		Billing: `{"city":"b"}`, Browser: `{"customerIp":"1.2.3.4"}`, Terminal: "term", ErrorCode: "4.01", ExternalCode: "03",
		Fee: money.Sum{Amount: money.MustParse("0.25"), Currency: "USD"}, Created: moment, Updated: moment.Add(time.Hour),
		Instrument: instrument.Masked{CustomerAccountNumber: "400000***0002", CardToken: "tok", CardholderName: "John", CardExpiryMonth: "01",
			CardExpiryYear: "2030", CardBrand: instrument.BrandVisa, CardIssuingCountry: "GB"},
	}, payment.Declined)
	const want = `{"id":"0193f0c2a7b17c9e8d4f5a6b7c8d9e0f","referenceId":"ref \"1\"","created":"2030-12-25T10:11:12","paymentType":"DEPOSIT",` +
		`"state":"DECLINED","description":"d","parentPaymentId":"0193f0c2a7b17c9e8d4f5a6b7c8d9e00","paymentMethod":"BASIC_CARD",` +
		`"paymentMethodDetails":{"customerAccountNumber":"400000***0002","cardToken":"tok","cardholderName":"John","cardExpiryMonth":"01",` +
		`"cardExpiryYear":"2030","cardBrand":"VISA","cardIssuingCountryCode":"GB"},"amount":11.12,"currency":"EUR","redirectUrl":"https://p",` +
		`"errorCode":"4.01","errorMessage":"Insufficient Funds","externalResultCode":"03","customer":{"referenceId":"c"},"billingAddress":{"city":"b"},` +
		`"startRecurring":true,"preAuth":true,"recurringToken":"token","terminalName":"term","externalFeeAmount":0.25,"externalFeeCurrency":"USD"}`
	got := appendPayment([]byte("x"), &p, "https://p")[1:]
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestAppendPaymentLeavesOutWhatIsNotThere(t *testing.T) {
	t.Parallel()
	p := payment.Restore(payment.Payment{ID: "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", Type: payment.Deposit, Asked: money.Sum{Currency: "EUR"}, Created: moment}, payment.Checkout)
	const want = `{"id":"0193f0c2a7b17c9e8d4f5a6b7c8d9e0f","created":"2030-12-25T10:11:12","paymentType":"DEPOSIT","state":"CHECKOUT","currency":"EUR"}`
	if diff := cmp.Diff(want, string(appendPayment(nil, &p, ""))); diff != "" {
		t.Error(diff)
	}
}

func TestShownAmount(t *testing.T) {
	t.Parallel()
	asked, captured := money.MustParse("10"), money.MustParse("4")
	for name, c := range map[string]struct {
		p    payment.Payment
		want money.Amount
	}{
		"as asked":          {payment.Payment{Type: payment.Deposit, Asked: money.Sum{Amount: asked}}, asked},
		"held":              {payment.Payment{Type: payment.Deposit, Asked: money.Sum{Amount: asked}, Authorised: asked}, asked},
		"captured in part":  {payment.Payment{Type: payment.Deposit, Asked: money.Sum{Amount: asked}, Authorised: asked, Captured: captured}, captured},
		"not entered":       {payment.Payment{Type: payment.Deposit}, money.Amount{}},
		"refund of a part":  {payment.Payment{Type: payment.Refund, Asked: money.Sum{Amount: captured}}, captured},
		"refunded, in part": {payment.Payment{Type: payment.Deposit, Asked: money.Sum{Amount: asked}, Captured: asked, Refunded: captured}, asked},
	} {
		if got := c.p.Shown(); got.Amount != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestRedirectURLOnlyWhileTheCustomerCanPay(t *testing.T) {
	t.Parallel()
	g := New(engine.New(engine.Config{PublicURL: "https://pay.example"}), nil, nil, nil)
	until, held := moment.Add(time.Hour), money.MustParse("1")
	for _, c := range []struct {
		name  string
		p     payment.Payment
		state payment.State
		want  bool
	}{
		{"in its checkout", payment.Payment{Type: payment.Deposit, CheckoutUntil: until}, payment.Checkout, true},
		{"waiting for the customer", payment.Payment{Type: payment.Deposit, CheckoutUntil: until}, payment.Pending, true},
		{"recurring, without a customer", payment.Payment{Type: payment.Deposit}, payment.Pending, false},
		{"capture of unknown outcome", payment.Payment{Type: payment.Deposit, CheckoutUntil: until, Authorised: held}, payment.Pending, false},
		{"held", payment.Payment{Type: payment.Deposit, CheckoutUntil: until, Authorised: held}, payment.Authorized, false},
		{"completed", payment.Payment{Type: payment.Deposit, CheckoutUntil: until}, payment.Completed, false},
		{"declined", payment.Payment{Type: payment.Deposit, CheckoutUntil: until}, payment.Declined, false},
		{"cancelled", payment.Payment{Type: payment.Deposit, CheckoutUntil: until}, payment.Cancelled, false},
		{"withdrawal", payment.Payment{Type: payment.Withdrawal}, payment.Pending, false},
		{"refund", payment.Payment{Type: payment.Refund}, payment.Pending, false},
	} {
		c.p.Shop, c.p.ID = "0193f0c2a7b17c9e8d4f5a6b7c8d9e01", "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f"
		p := payment.Restore(c.p, c.state)
		if got := redirectURL(g.engine, &p); (got != "") != c.want || len(got) > 256 {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestAppendOperation(t *testing.T) {
	t.Parallel()
	running := payment.Operation{Seq: 4, Kind: payment.OpDeposit, Started: moment, State: payment.Pending}
	const wantRunning = `{"id":4,"operation":"DEPOSIT","started":"2030-12-25T10:11:12.595+00:00","paymentState":"PENDING",` +
		`"outgoingMessages":"[]","incomingMessages":"[]"}`
	if diff := cmp.Diff(wantRunning, string(appendOperation(nil, &running))); diff != "" {
		t.Error(diff)
	}
	done := running
	done.Completed, done.State = moment.Add(5*time.Millisecond), payment.Completed
	done.Messages.Outgoing = `[{"url":"https://p/\"a\""}]`
	var got struct {
		Completed string `json:"completed"`
		Outgoing  string `json:"outgoingMessages"`
	}
	if err := json.Unmarshal(appendOperation(nil, &done), &got); err != nil {
		t.Fatal(err)
	}
	if got.Completed != "2030-12-25T10:11:12.600+00:00" || got.Outgoing != done.Messages.Outgoing {
		t.Errorf("%+v", got)
	}
}
