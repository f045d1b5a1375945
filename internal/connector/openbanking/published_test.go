package openbanking_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/openbanking"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/testkit/published"
)

// TestRequestsAndAnswersAreWhatOpenBankingPublishes: those of the connector, and those of the double by which it is judged. The document's licence
// keeps it out of this repository: SLUICE_SPEC_OPENBANKING names a copy of dist/openapi/payment-initiation-openapi.json of
// https://github.com/OpenBankingUK/read-write-api-specs, version 4.0.0.
func TestRequestsAndAnswersAreWhatOpenBankingPublishes(t *testing.T) {
	name := os.Getenv("SLUICE_SPEC_OPENBANKING")
	if name == "" {
		t.Skip("SLUICE_SPEC_OPENBANKING names no document")
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.ReplaceAll(raw, []byte(`^(?!\\s)(.*)(\\S)$`), []byte(`^\\S(.*\\S)?$`)) // the same, for readers that cannot look ahead
	spec := published.Read(t, raw)
	s := open(t)
	s.RequestsTo(spec.Watch(s.Handler(), func(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, double.Base) }))
	conn := s.connect(t, s.URL)
	for n, c := range []struct {
		fault       frame.Fault
		agree, done bool
		want        payment.Class
	}{
		{frame.Fault{}, true, true, payment.ClassApproved},
		{frame.Fault{}, true, false, payment.ClassDeclinedHard},
		{frame.Fault{}, false, false, payment.ClassDeclinedHard},
		{frame.Fault{Op: double.OpPay, Kind: frame.Drop}, true, true, payment.ClassApproved},
		{frame.Fault{Op: double.OpPay, Kind: frame.Rejected}, true, true, payment.ClassUnknown},
		{frame.Fault{Op: double.OpPay, Kind: frame.Decline, Code: "AM04"}, true, true, payment.ClassDeclinedHard},
	} {
		q := sale(n)
		f, err := conn.Start(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		ref := refOf(q, f.Next.URL)
		if _, err := conn.Status(t.Context(), ref); err != nil {
			t.Error(err)
		}
		back, err := s.back(f.Next.URL, c.agree)
		if err != nil {
			t.Fatal(err)
		}
		s.Strike(c.fault)
		sent, _ := conn.Resume(t.Context(), ref, back) // what it says under a fault is not the question here
		if f, err := conn.Status(t.Context(), ref); err != nil || c.agree && c.fault.Kind != frame.Rejected && f.Class == payment.ClassUnknown {
			t.Errorf("%d: %+v, %v", n, f, err)
		}
		s.Settle(said(q.Key), c.done)
		ref.ProviderRef = sent.ProviderRef
		if f, err := conn.Status(t.Context(), ref); err != nil || f.Class != c.want {
			t.Errorf("%d: %+v, %v; want %s", n, f, err, c.want)
		}
	}
	s.Advance(time.Minute)
	if err := conn.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	spec.Report(4)
}
