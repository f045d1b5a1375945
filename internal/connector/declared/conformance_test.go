package declared_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/declared"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
)

const (
	apiKey       = "sandbox_topsecretmerchantkey"
	noticeSecret = "notice_topsecretsignature"
	example      = "../../../docs/connectors/declared-sandbox.json"
)

func sandbox(t testing.TB) connector.Type {
	t.Helper()
	return fromFile(t, example)
}

func fromFile(t testing.TB, file string) connector.Type {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := declared.Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	return kind
}

// TestConformance holds the declared connector to what the one in Go is held to, at the same provider.
func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: sandbox(t), Unmapped: "ZZ", UnmappedClass: payment.ClassDeclinedHard, Codes: []string{"05", "51", "54", "61", "65", "91", "96", "R0", "R1", "R3"},
		Open: func(t *testing.T) connectortest.Provider { return newDouble(t).provider(t) },
	})
}

// double is the simulator behind a real listener, on a clock of its own.
type double struct {
	sim      *simulator.Simulator
	url      string
	requests atomic.Int64
	hanging  atomic.Int64
	mu       sync.Mutex
	at       time.Time
}

func newDouble(t testing.TB) *double {
	t.Helper()
	d := &double{at: time.Date(2030, 3, 14, 9, 26, 53, 0, time.UTC)}
	sim, err := simulator.New(simulator.Config{Now: d.now, APIKey: apiKey, NoticeSecret: noticeSecret, Wait: d.wait})
	if err != nil {
		t.Fatal(err)
	}
	d.sim = sim
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.requests.Add(1)
		sim.Handler().ServeHTTP(w, r)
	}))
	d.url = server.URL
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
		for _, breach := range sim.Breaches() {
			t.Error("books broken:", breach)
		}
	})
	return d
}

// wait is called for nothing but answers that hang, which last as long as their clients.
func (d *double) wait(ctx context.Context, _ time.Duration) error {
	d.hanging.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

func (d *double) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *double) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

func (d *double) provider(t *testing.T) connectortest.Provider {
	return connectortest.Provider{
		URL: d.url, Settings: settingsFor, Secrets: []string{apiKey, noticeSecret},
		Good: card(t, "4000000000000408"), Refused: card(t, "4000000000000416"), Challenged: card(t, "4000000000000002"),
		Account: &payment.Customer{AccountNumber: "DE89370400440532013000", AccountName: "JANE DOE", Bank: "A Bank"},
		Strike:  d.strike, Finish: d.finish, Booked: d.booked, Requests: d.requests.Load,
		Hanging: d.hanging.Load,
	}
}

func settingsFor(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"apiKey":%q,"noticeSecret":%q}`, url, apiKey, noticeSecret))
}

func card(t testing.TB, number string) *instrument.Card {
	t.Helper()
	pan, err := instrument.ParsePAN(number)
	if err != nil {
		t.Fatal(err)
	}
	code, err := instrument.ParseSecurityCode("737")
	if err != nil {
		t.Fatal(err)
	}
	return &instrument.Card{Number: pan, SecurityCode: code, Holder: "JANE DOE", ExpiryMonth: "12", ExpiryYear: "2035"}
}

var operations = map[connectortest.Call]string{
	connectortest.CallStart: "payment", connectortest.CallVerify: "verification", connectortest.CallPayout: "payout", connectortest.CallCapture: "capture",
	connectortest.CallVoid: "void", connectortest.CallRefund: "refund", connectortest.CallStatus: "status",
	connectortest.CallFence: "cancel",
}

var effects = map[connectortest.FaultKind]simulator.Effect{
	connectortest.FaultHang:              {Fault: simulator.FaultHang},
	connectortest.FaultHangBefore:        {Fault: simulator.FaultHang, Stage: simulator.StageBefore},
	connectortest.FaultDrop:              {Fault: simulator.FaultDrop},
	connectortest.FaultDropBefore:        {Fault: simulator.FaultDrop, Stage: simulator.StageBefore},
	connectortest.FaultServerError:       {Fault: simulator.FaultServerError},
	connectortest.FaultServerErrorBefore: {Fault: simulator.FaultServerError, Stage: simulator.StageBefore},
	connectortest.FaultGateway:           {Fault: simulator.FaultBadGateway},
	connectortest.FaultGatewayBefore:     {Fault: simulator.FaultBadGateway, Stage: simulator.StageBefore},
	connectortest.FaultGarbage:           {Fault: simulator.FaultGarbage},
	connectortest.FaultTruncated:         {Fault: simulator.FaultTruncated},
	connectortest.FaultHuge:              {Fault: simulator.FaultHuge},
	connectortest.FaultEmpty:             {Fault: simulator.FaultEmpty},
	connectortest.FaultErrorInside:       {Fault: simulator.FaultErrorBody},
	connectortest.FaultWrongAmount:       {Fault: simulator.FaultWrongAmount},
	connectortest.FaultWrongCurrency:     {Fault: simulator.FaultWrongCurrency},
	connectortest.FaultWrongID:           {Fault: simulator.FaultWrongID},
	connectortest.FaultWrongReference:    {Fault: simulator.FaultWrongReference},
	connectortest.FaultRateLimited:       {Fault: simulator.FaultRateLimited},
	connectortest.FaultUnauthorized:      {Fault: simulator.FaultUnauthorized},
	connectortest.FaultRejected:          {Fault: simulator.FaultRejected},
	connectortest.FaultLag:               {Fault: simulator.FaultDrop, LagMs: 60_000},
	connectortest.FaultPending:           {AsyncAfterMs: -1},
	connectortest.FaultDecline:           {},
}

func (d *double) strike(c connectortest.Call, f connectortest.Fault) bool {
	effect, ok := effects[f.Kind]
	if !ok {
		return false
	}
	effect.ResponseCode = f.Code
	_, err := d.sim.AddScenario(simulator.Scenario{
		Match: simulator.Match{Operation: operations[c]}, Times: 1, Effect: effect,
	})
	return err == nil
}

// finish lets time pass, and ends what is open then.
func (d *double) finish(key string, approve bool) error {
	d.advance(2 * time.Minute)
	switch sums, _ := d.sim.Totals(key); sums.Status {
	case "pending", "requires_action":
	default:
		return nil
	}
	if approve {
		return d.sim.Decide(key, "00")
	}
	return d.sim.Decide(key, "05")
}

var movements = map[string]connectortest.Movement{
	"authorized": connectortest.Held, "captured": connectortest.Taken, "voided": connectortest.Released,
	"refunded": connectortest.Returned, "paid_out": connectortest.PaidOut,
}

func (d *double) booked(key string) []connectortest.Entry {
	var found []connectortest.Entry
	for _, e := range d.sim.Find(simulator.Filter{Reference: key}) {
		if moved, ok := movements[e.Type]; ok && e.Reference == key {
			found = append(found, connectortest.Entry{
				Moved: moved, Amount: money.MustParse(e.Amount), Currency: money.Currency(e.Currency),
			})
		}
	}
	return found
}
