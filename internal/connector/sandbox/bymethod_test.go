package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/pix"
	"github.com/sluicepay/sluice/internal/testkit/simulated"
)

// byMethod is a request as our page makes it.
func byMethod(t *testing.T, key string, m payment.Method, c money.Currency, means instrument.Means) connector.Request {
	t.Helper()
	r := sale(t, key, "30")
	r.Method, r.Currency, r.Means, r.OnPage = m, c, means, true
	return r
}

// TestCodesOfBlik: what each outcome of a code is for us.
func TestCodesOfBlik(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]outcome{
		"500500": {payment.ClassDeclinedSoft, "3.02", "C06"}, "700701": {payment.ClassDeclinedSoft, "3.02", "C07"},
		"700703": {payment.ClassDeclinedSoft, "3.02", "C08"}, "700702": {payment.ClassCancelled, "2.00", "C01"},
		"777777": {payment.ClassWaiting, "", ""},
	} {
		d := simulated.Open(t)
		c, _ := open(t, d.URL)
		fact, err := c.Start(t.Context(), byMethod(t, "k", payment.Blik, "PLN", &instrument.Code{Digits: code}))
		if err != nil || outcomeOf(fact) != want || !fact.Next.IsZero() {
			t.Errorf("%s: %+v, %v; want %+v", code, fact, err, want)
		}
	}
}

// TestAliasesOfBlik: who has agreed in an app is listed by it, and asked there without a code.
func TestAliasesOfBlik(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	sb, _ := open(t, d.URL)
	apps := func(alias string) []connector.Bank {
		list, err := sb.Banks(t.Context(), connector.Choice{Method: payment.Blik, Currency: "PLN", Alias: alias})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := append(apps("anna"), apps("")...); got != nil {
		t.Fatalf("%v", got)
	}
	for key, app := range map[string]string{"k1": "mbank", "k2": "pko"} {
		fact, err := sb.Start(t.Context(), byMethod(t, key, payment.Blik, "PLN", &instrument.Code{Digits: "123456", Alias: "anna"}))
		if err != nil {
			t.Fatal(err)
		}
		decide(t, fact.Next.URL, "remember-"+app)
	}
	if got := apps("anna"); len(got) != 2 || got[0] != (connector.Bank{ID: "mbank", Name: "mBank"}) {
		t.Errorf("%v", got)
	}
	for key, want := range map[string]struct {
		means instrument.Code
		outcome
	}{
		"one": {instrument.Code{Alias: "anna", App: "pko"}, outcome{payment.ClassWaiting, "", ""}},
		"any": {instrument.Code{Alias: "anna"}, outcome{payment.ClassDeclinedSoft, "4.00", "C12"}},
		"not": {instrument.Code{Alias: "berta", App: "pko"}, outcome{payment.ClassDeclinedSoft, "4.00", "C11"}},
	} {
		fact, err := sb.Start(t.Context(), byMethod(t, key, payment.Blik, "PLN", &want.means))
		if err != nil || outcomeOf(fact) != want.outcome {
			t.Errorf("%s: %+v, %v", key, fact, err)
		}
	}
}

// TestWhatIsDoneInAnApp: the customer is sent nowhere, and has a time for it.
func TestWhatIsDoneInAnApp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		r     connector.Request
		kind  payment.NextKind
		lasts time.Duration
	}{
		{"blik", byMethod(t, "k", payment.Blik, "PLN", &instrument.Code{Digits: "123456"}), payment.NextWait, 2 * time.Minute},
		{"pix", byMethod(t, "k", payment.Pix, "BRL", nil), payment.NextCode, 15 * time.Minute},
	} {
		for decision, want := range map[string]outcome{
			"approve": {payment.ClassApproved, "", "00"}, "cancel": {payment.ClassCancelled, "2.00", "C01"}, "": {payment.ClassCancelled, "1.04", "C04"},
		} {
			d := simulated.Open(t)
			sb, _ := open(t, d.URL)
			fact, err := sb.Start(t.Context(), c.r)
			if err != nil || fact.Next.Kind != c.kind || !fact.Next.Until.Equal(d.Now().Add(c.lasts)) || !strings.HasPrefix(fact.Next.URL, d.URL+"/pay/") {
				t.Fatalf("%s: %+v, %v", c.name, fact, err)
			}
			if _, err := pix.Parse(fact.Next.Code); (err == nil) != (c.kind == payment.NextCode) {
				t.Errorf("%s: the code %q", c.name, fact.Next.Code)
			}
			if decision == "" {
				d.Advance(c.lasts)
			} else if to := decide(t, fact.Next.URL, decision); to != "" {
				t.Errorf("%s: the app leads to %q", c.name, to)
			}
			fact, err = sb.Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "k"})
			if diff := cmp.Diff(want, outcomeOf(fact)); err != nil || diff != "" {
				t.Errorf("%s, %s: %v (-want +got):\n%s", c.name, decision, err, diff)
			}
		}
	}
}

// TestACodeIsShownForAsLongAsTheCheckoutLasts, if that is less.
func TestACodeIsShownForAsLongAsTheCheckoutLasts(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	r := byMethod(t, "k", payment.Pix, "BRL", nil)
	r.Until = d.Now().Add(5 * time.Minute)
	if fact, err := c.Start(t.Context(), r); err != nil || !fact.Next.Until.Equal(r.Until) {
		t.Errorf("%+v, %v", fact, err)
	}
	r.Key, r.OnPage = "elsewhere", false
	if fact, err := c.Start(t.Context(), r); err != nil || fact.Next.Kind != payment.NextGo {
		t.Errorf("nobody is there to see it: %+v, %v", fact, err)
	}
}

// TestBankThatTakesItsTime: there is nothing left for the customer to do.
func TestBankThatTakesItsTime(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	fact, err := c.Start(t.Context(), byMethod(t, "k", payment.OpenBanking, "EUR", &instrument.Bank{ID: "rhein"}))
	if err != nil || fact.Next.Kind != payment.NextGo {
		t.Fatalf("%+v, %v", fact, err)
	}
	decide(t, fact.Next.URL, "pending")
	ref := connector.Ref{Kind: payment.AttemptDeposit, Key: "k"}
	if fact, err = c.Status(t.Context(), ref); err != nil || fact.Class != payment.ClassWaiting || fact.Next.Kind != payment.NextDone {
		t.Errorf("%+v, %v", fact, err)
	}
	for bank, want := range map[string]outcome{"asleep": {payment.ClassDeclinedSoft, "3.31", "C09"}, "nobody": {payment.ClassDeclinedHard, "3.23", "C10"}} {
		r := byMethod(t, "k-"+bank, payment.OpenBanking, "EUR", nil)
		r.Customer.BankCode = bank // as a merchant's server names it
		if fact, err := c.Start(t.Context(), r); err != nil || outcomeOf(fact) != want {
			t.Errorf("%s: %+v, %v", bank, fact, err)
		}
	}
}

func TestBanksAreListed(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	for method, want := range map[payment.Method]connector.Bank{
		payment.OpenBanking: {ID: "northern", Name: "Northern Savings"}, payment.PayByLink: {ID: "mbank", Name: "mBank"},
	} {
		banks, err := c.Banks(t.Context(), connector.Choice{Method: method, Currency: "EUR"})
		if err != nil || len(banks) < 3 || banks[0] != want {
			t.Fatalf("%s: %+v, %v", method, banks, err)
		}
		for _, b := range banks {
			if b.ID == "asleep" {
				t.Errorf("%s: a bank that is out of order can be chosen", method)
			}
		}
	}
	answer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
	t.Cleanup(server.Close)
	c, _ = open(t, server.URL)
	for _, answer = range []string{"", "[]", `{"banks":1}`, `{"banks":[`} {
		if banks, err := c.Banks(t.Context(), connector.Choice{Method: payment.PayByLink}); err == nil {
			t.Errorf("%q: %+v", answer, banks)
		}
	}
}

// TestRequestsByMethod compares what is sent byte by byte, and that nothing of a code is kept of it.
func TestRequestsByMethod(t *testing.T) {
	t.Parallel()
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	c, _ := open(t, server.URL)
	until := byMethod(t, "k", payment.Pix, "BRL", nil)
	until.Until = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	byServer := until
	byServer.OnPage = false
	for want, r := range map[string]connector.Request{
		`"PLN","method":"BLIK","blikCode":"123456"`:                             byMethod(t, "k", payment.Blik, "PLN", &instrument.Code{Digits: "123456"}),
		`"BRL","method":"PIX","show":"code","expiresAt":"2030-01-02T03:04:05Z"`: until,
		`"BRL","method":"PIX"`:                         byServer,
		`"EUR","method":"OPEN_BANKING","bank":"rhein"`: byMethod(t, "k", payment.OpenBanking, "EUR", &instrument.Bank{ID: "rhein"}),
		`"EUR","method":"OPEN_BANKING"`:                byMethod(t, "k", payment.OpenBanking, "EUR", nil),
	} {
		if _, err := c.Start(context.Background(), r); err == nil {
			t.Error("taken after a 500")
		}
		if full := fmt.Sprintf(`{"reference":"k","amount":"30","currency":%s,"returnUrl":"https://shop.example/back"}`, want); got != full {
			t.Errorf("sent %s\nwant %s", got, full)
		}
	}
}
