package pix_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/pix"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/testkit/published"
)

// TestRequestsAndAnswersAreWhatBancoCentralPublishes: those of the connector, and those of the double by which it is judged.
func TestRequestsAndAnswersAreWhatBancoCentralPublishes(t *testing.T) {
	raw, err := os.ReadFile("testdata/openapi.json") // which says where it is from
	if err != nil {
		t.Fatal(err)
	}
	spec := published.Read(t, raw)
	s := open(t)
	s.RequestsTo(spec.Watch(s.Handler(), func(r *http.Request) bool { return r.URL.Path == "/oauth/token" }))
	conn := s.connect(t, s.URL, `"payer":true`)
	want := func(class payment.Class) func(payment.Fact, error) payment.Fact {
		return func(f payment.Fact, err error) payment.Fact {
			t.Helper()
			if err != nil || f.Class != class {
				t.Errorf("%+v, %v; want %s", f, err, class)
			}
			return f
		}
	}
	sale := sale(1)
	sale.Until = s.Now().Add(20 * time.Minute)
	sale.Customer = payment.Customer{FirstName: "Ana", LastName: "Ávila", DocumentType: "BR_CPF", DocumentNumber: "52998224725"}
	want(payment.ClassWaiting)(conn.Start(t.Context(), sale))
	ref := connector.Ref{Kind: payment.AttemptDeposit, Key: sale.Key, Amount: sale.Amount, Currency: sale.Currency}
	want(payment.ClassWaiting)(conn.Status(t.Context(), ref))
	if err := s.finish(sale.Key, true); err != nil {
		t.Fatal(err)
	}
	paid := want(payment.ClassApproved)(conn.Status(t.Context(), ref))
	want(payment.ClassApproved)(conn.Start(t.Context(), sale)) // the same once more: refused, and asked about
	want(payment.ClassApproved)(conn.Fence(t.Context(), ref))
	of := connector.Ref{Kind: payment.AttemptDeposit, Key: sale.Key, ProviderRef: paid.ProviderRef}
	back := connector.Request{Key: key(2), Amount: money.MustParse("4.5"), Currency: "BRL", Original: of}
	want(payment.ClassApproved)(conn.Refund(t.Context(), back))
	want(payment.ClassApproved)(conn.Refund(t.Context(), back))
	want(payment.ClassRejected)(conn.Refund(t.Context(), connector.Request{Key: key(3), Amount: money.MustParse("7"), Currency: "BRL", Original: of}))
	s.Strike(frame.Fault{Op: double.OpReturn, Kind: frame.Pending})
	back.Key, back.Amount = key(4), money.MustParse("1")
	want(payment.ClassWaiting)(conn.Refund(t.Context(), back))
	s.Settle(said(back.Key), false)
	want(payment.ClassDeclinedHard)(conn.Status(t.Context(), connector.Ref{Kind: payment.AttemptRefund, Key: back.Key, Of: connector.Original{Key: sale.Key}}))
	for n := range 2 {
		never := connector.Ref{Kind: payment.AttemptDeposit, Key: key(10 + n), Amount: sale.Amount, Currency: "BRL"}
		want(payment.ClassRejected)(conn.Fence(t.Context(), never))
		want(payment.ClassRejected)(conn.Fence(t.Context(), never))
	}
	nobody := sale
	nobody.Key, nobody.Customer.DocumentType, nobody.Customer.DocumentNumber = key(20), "BR_CNPJ", "12ABC34501DE35"
	want(payment.ClassWaiting)(conn.Start(t.Context(), nobody))
	s.Strike(frame.Fault{Op: double.OpCharge, Kind: frame.Rejected})
	nobody.Key = key(21)
	want(payment.ClassRejected)(conn.Start(t.Context(), nobody))
	if err := conn.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	var notice any
	if err := json.Unmarshal(s.Notice(), &notice); err != nil {
		t.Fatal(err)
	}
	if err := spec.Doc.Components.RequestBodies["WebhookPixBody"].Value.Content["application/json"].Schema.Value.VisitJSON(notice); err != nil {
		t.Error("notice: ", err)
	}
	spec.Report(5)
}
