// Package simulated is the simulator as a double for connectortest: behind a listener of its own, on a clock that stands still until it is moved. The connector to
// it in Go and the declared one are held to the same by it.
package simulated

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
)

// The secrets of its account.
const (
	APIKey       = "sandbox_topsecretmerchantkey"
	NoticeSecret = "notice_topsecretsignature"
)

// Double is the simulator behind a real listener.
type Double struct {
	*connectortest.Listener
	Sim *simulator.Simulator

	hanging atomic.Int64
	moved   atomic.Int64
}

// began is when its clock stands until it is moved.
var began = time.Date(2030, 3, 14, 9, 26, 53, 0, time.UTC)

// Now is the time that stands still.
func (d *Double) Now() time.Time { return began.Add(time.Duration(d.moved.Load())) }

// Advance moves the clock.
func (d *Double) Advance(by time.Duration) { d.moved.Add(int64(by)) }

// Open starts one until the test ends, when its books have to be in order.
func Open(t testing.TB) *Double {
	t.Helper()
	d := &Double{Listener: connectortest.Listen(t, nil)}
	sim, err := simulator.New(simulator.Config{Now: d.Now, APIKey: APIKey, NoticeSecret: NoticeSecret, Wait: d.wait})
	if err != nil {
		t.Fatal(err)
	}
	d.Sim = sim
	d.RequestsTo(sim.Handler())
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		for _, breach := range sim.Breaches() {
			t.Error("books broken:", breach)
		}
	})
	return d
}

// wait is called for nothing but answers that hang, which last as long as their clients.
func (d *Double) wait(ctx context.Context, _ time.Duration) error {
	d.hanging.Add(1)
	<-ctx.Done()
	return ctx.Err() //nolint:wrapcheck // it is no error of ours
}

// Provider hands it to the suite.
func (d *Double) Provider(t testing.TB) connectortest.Provider {
	return connectortest.Provider{
		URL: d.URL, Settings: Settings, Secrets: []string{APIKey, NoticeSecret},
		Good: connectortest.Card(t, "4000000000000408"), Refused: connectortest.Card(t, "4000000000000416"), Challenged: connectortest.Card(t, "4000000000000002"),
		Account: &payment.Customer{AccountNumber: "DE89370400440532013000", AccountName: "JANE DOE", Bank: "A Bank"},
		Strike:  d.strike, Finish: d.finish, Booked: d.booked, Requests: d.Requests.Load,
		Hanging: d.hanging.Load,
	}
}

// Settings are a terminal's settings for it.
func Settings(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"apiKey":%q,"noticeSecret":%q}`, url, APIKey, NoticeSecret))
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

func (d *Double) strike(c connectortest.Call, f connectortest.Fault) bool {
	effect, ok := effects[f.Kind]
	if !ok {
		return false
	}
	effect.ResponseCode = f.Code
	_, err := d.Sim.AddScenario(simulator.Scenario{
		Match: simulator.Match{Operation: operations[c]}, Times: 1, Effect: effect,
	})
	return err == nil
}

// finish lets time pass, and ends what is open then.
func (d *Double) finish(key string, approve bool) error {
	d.Advance(2 * time.Minute)
	switch sums, _ := d.Sim.Totals(key); sums.Status {
	case "pending", "requires_action":
	default:
		return nil
	}
	if approve {
		return d.Sim.Decide(key, "00")
	}
	return d.Sim.Decide(key, "05")
}

var movements = map[string]connectortest.Movement{
	"authorized": connectortest.Held, "captured": connectortest.Taken, "voided": connectortest.Released,
	"refunded": connectortest.Returned, "paid_out": connectortest.PaidOut,
}

func (d *Double) booked(key string) []connectortest.Entry {
	var found []connectortest.Entry
	for _, e := range d.Sim.Find(simulator.Filter{Reference: key}) {
		if moved, ok := movements[e.Type]; ok && e.Reference == key {
			found = append(found, connectortest.Entry{
				Moved: moved, Amount: money.MustParse(e.Amount), Currency: money.Currency(e.Currency),
			})
		}
	}
	return found
}
