package simulator_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/simulator"
)

// seen puts what a raw client saw into one word.
func seen(r reply, err error) string {
	switch {
	case err == nil:
	case r.status != 0:
		return fmt.Sprintf("%d cut", r.status)
	case errors.Is(err, context.Canceled):
		return "gave up"
	default:
		return "no answer"
	}
	switch {
	case len(r.raw) == 0:
		return fmt.Sprintf("%d empty", r.status)
	case r.body == nil:
		return fmt.Sprintf("%d no json", r.status)
	case len(r.raw) > 1<<20:
		return fmt.Sprintf("%d huge", r.status)
	case r.errorCode() != "":
		return fmt.Sprintf("%d %s", r.status, r.errorCode())
	}
	return fmt.Sprintf("%d %s", r.status, r.str("status"))
}

// hangs makes a simulator tell of each answer that hangs from now on. It hangs until its client has gone.
func hangs(begun chan<- struct{}) func(*simulator.Config) {
	return func(cfg *simulator.Config) {
		cfg.MaxHang = time.Hour
		cfg.Wait = func(ctx context.Context, d time.Duration) error {
			if d != cfg.MaxHang {
				return errors.New("no other delay is asked for")
			}
			select {
			case begun <- struct{}{}:
				<-ctx.Done()
			case <-ctx.Done():
			}
			return ctx.Err()
		}
	}
}

// tryUntil is try by a client that gives up when the answer hangs.
func (s *sandbox) tryUntil(begun <-chan struct{}, body any) (reply, error) {
	ctx, giveUp := context.WithCancel(s.t.Context())
	defer giveUp()
	go func() {
		select {
		case <-begun:
			giveUp()
		case <-ctx.Done():
		}
	}()
	return s.tryIn(ctx, http.MethodPost, "/v1/payments", body)
}

func TestFault(t *testing.T) {
	t.Parallel()
	cases := []struct {
		fault, stage, seen, booked string
	}{
		{"hang", "before", "gave up", ""},
		{"hang", "after", "gave up", "captured"},
		{"hang", "late", "gave up", "captured"},
		{"drop", "before", "no answer", ""},
		{"drop", "after", "no answer", "captured"},
		{"server_error", "before", "500 internal", ""},
		{"server_error", "after", "500 internal", "captured"},
		{"bad_gateway", "before", "502 no json", ""},
		{"bad_gateway", "after", "502 no json", "captured"},
		{"garbage", "after", "200 no json", "captured"},
		{"truncated", "before", "200 cut", ""},
		{"truncated", "after", "200 cut", "captured"},
		{"huge", "after", "200 huge", "captured"},
		{"empty", "after", "200 empty", "captured"},
		{"error_body", "after", "200 internal", "captured"},
		{"wrong_amount", "after", "201 approved", "captured"},
		{"rate_limited", "before", "429 rate_limited", ""},
		{"unauthorized", "before", "401 unauthorized", ""},
		{"rejected", "before", "422 not_processed", ""},
		{"not_found", "before", "404 transaction_not_found", ""},
		{"", "after", "201 approved", "captured"},
	}
	for _, c := range cases {
		t.Run(c.fault+" "+c.stage, func(t *testing.T) {
			t.Parallel()
			begun := make(chan struct{})
			s := newSandbox(t, hangs(begun))
			s.scenario(object{"match": object{"reference": "x"}, "times": 1, "fault": c.fault, "stage": c.stage})
			r, err := s.tryUntil(begun, payment("x", "11.12"))
			if got := seen(r, err); got != c.seen {
				t.Errorf("the client saw %q, want %q (%v)", got, c.seen, err)
			}
			if c.stage == "late" {
				eventually(t, "the late booking", func() bool { return s.booked("x") != "" })
			}
			if got := s.booked("x"); got != c.booked {
				t.Errorf("booked %q, want %q", got, c.booked)
			}
			if r := s.post("/v1/payments", payment("x", "11.12")); r.str("status") != "approved" || s.booked("x") != "captured" {
				t.Errorf("the repeat: %s, booked %q", r.raw, s.booked("x"))
			}
		})
	}
}

func TestLyingAnswer(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	other := s.post("/v1/payments", payment("other", "1")).str("id")
	for _, c := range []struct{ fault, field, lie string }{
		{"wrong_amount", "amount", "12.12"}, {"wrong_currency", "currency", "XTS"},
		{"wrong_reference", "reference", "somebody-elses-reference"}, {"wrong_id", "id", other},
	} {
		id := s.post("/scenarios", object{"match": object{"referencePrefix": "lie-", "operation": "payment"}, "fault": c.fault}).str("id")
		lie := s.post("/v1/payments", payment("lie-"+c.field, "11.12"))
		if c.field == "id" {
			if lie.str("id") == s.byReference("lie-id").str("id") {
				t.Errorf("wrong_id told the truth")
			}
		} else if lie.str(c.field) != c.lie {
			t.Errorf("%s: %s", c.fault, lie.raw)
		}
		if truth := s.byReference("lie-" + c.field); truth.str(c.field) == c.lie {
			t.Errorf("the lie %s is in the books", c.fault)
		}
		if r := s.do(http.MethodDelete, "/scenarios/"+id, nil); r.status != http.StatusNoContent {
			t.Errorf("delete: %d", r.status)
		}
	}
}

func TestMagicAmountAndCard(t *testing.T) {
	t.Parallel()
	cases := []struct{ nn, seen, booked string }{
		{"03", "gave up", ""}, {"02", "gave up", "captured"},
		{"04", "no answer", ""}, {"05", "no answer", "captured"}, {"06", "500 internal", ""}, {"07", "500 internal", "captured"},
		{"08", "502 no json", ""}, {"09", "502 no json", "captured"}, {"10", "200 no json", "captured"},
		{"11", "200 cut", "captured"}, {"12", "200 huge", "captured"}, {"13", "200 internal", "captured"},
		{"14", "201 approved", "captured"}, {"18", "201 pending", "pending"}, {"19", "201 pending", "pending"},
		{"20", "429 rate_limited", ""}, {"21", "401 unauthorized", ""}, {"22", "422 not_processed", ""},
		{"23", "201 pending", "pending"}, {"25", "200 empty", "captured"}, {"99", "201 approved", "captured"},
	}
	begun := make(chan struct{})
	s := newSandbox(t, hangs(begun))
	for _, c := range cases {
		for by, body := range map[string]object{
			"amount": payment("amount-"+c.nn, "6600."+c.nn),
			"card":   payment("card-"+c.nn, "11.12", "card", card(faultCard(c.nn))),
		} {
			r, err := s.tryUntil(begun, body)
			if got := seen(r, err); got != c.seen {
				t.Errorf("%s by %s: the client saw %q, want %q", c.nn, by, got, c.seen)
			}
			if got := s.booked(by + "-" + c.nn); got != c.booked {
				t.Errorf("%s by %s: booked %q, want %q", c.nn, by, got, c.booked)
			}
		}
	}
	if r := s.post("/v1/payments", payment("amount-06", "6600.06")); r.str("status") != "approved" {
		t.Errorf("a magic amount struck its repeat: %s", r.raw)
	}
	paid := s.byReference("amount-07").str("id")
	if r := s.post("/v1/transactions/"+paid+"/refund", object{"reference": "whole", "amount": "6600.07"}); r.str("status") != "approved" {
		t.Errorf("a refund of the whole was struck: %s", r.raw)
	}
	part := s.post("/v1/payments", payment("plain", "9000")).str("id")
	if r := s.post("/v1/transactions/"+part+"/refund", object{"reference": "part", "amount": "6600.07"}); r.status != 500 {
		t.Errorf("a partial refund by a magic amount: %d", r.status)
	}
}

// faultCard is the card for a row of the fault table.
func faultCard(nn string) string {
	for c := range 10 {
		number := fmt.Sprintf("4000006600%s000%d", nn, c)
		if luhn(number) {
			return number
		}
	}
	return ""
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.scenario(object{"match": object{}, "times": 1, "delayMs": 60})
	start := time.Now()
	if r := s.post("/v1/payments", payment("slow", "1")); r.str("status") != "approved" || time.Since(start) < 60*time.Millisecond {
		t.Errorf("after %v: %s", time.Since(start), r.raw)
	}
}

func TestStatusLag(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	if _, err := s.try(http.MethodPost, "/v1/payments", payment("lag", "6600.17")); err == nil {
		t.Error("the connection was not dropped")
	}
	if r := s.byReference("lag"); r.status != http.StatusNotFound || s.booked("lag") != "captured" {
		t.Errorf("within the lag: %d", r.status)
	}
	s.clock.advance(5 * time.Second)
	if r := s.byReference("lag"); r.str("status") != "approved" {
		t.Errorf("after the lag: %s", r.raw)
	}
}

func TestAsynchronousOutcome(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.post("/v1/payments", payment("yes", "6600.18"))
	s.post("/v1/payments", payment("no", "6600.19"))
	s.post("/v1/payments", payment("hanging", "6600.23"))
	s.clock.advance(2 * time.Second)
	if r := s.byReference("yes"); r.str("status") != "approved" {
		t.Errorf("got %s", r.raw)
	}
	if r := s.byReference("no"); r.str("responseCode") != "05" || s.booked("no") != "pending declined" {
		t.Errorf("got %s", r.raw)
	}
	s.clock.advance(24 * time.Hour)
	if r := s.byReference("hanging"); r.str("status") != "pending" {
		t.Errorf("got %s", r.raw)
	}
	if r := s.post("/control/decide", object{"reference": "hanging", "responseCode": "51"}); r.str("declineReason") != "insufficient_funds" {
		t.Errorf("got %s", r.raw)
	}
	if r := s.post("/control/decide", object{"reference": "hanging", "responseCode": "00"}); r.errorCode() != "already_final" {
		t.Errorf("decided twice: %s", r.raw)
	}
}

func TestScenarioMatch(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	paid := s.post("/v1/payments", payment("base", "50", "orderId", "o9")).str("id")
	refund := func(ref string) reply {
		return s.post("/v1/transactions/"+paid+"/refund", object{"reference": ref, "amount": "5"})
	}
	s.scenario(object{"match": object{"operation": "refund", "orderId": "o9", "amount": "5.00", "currency": "EUR",
		"method": "CARD", "cardLast4": "0408"}, "times": 2, "responseCode": "12"})
	for i, want := range []string{"12", "12", "00"} {
		if r := refund(fmt.Sprint("m", i)); r.str("responseCode") != want {
			t.Errorf("refund %d: %s", i, r.raw)
		}
	}
	s.scenario(object{"match": object{"operation": "status", "reference": "base"}, "times": 1, "fault": "not_found"})
	if r := s.byReference("base"); r.status != 404 {
		t.Errorf("struck status: %d", r.status)
	}
	if r := s.byReference("base"); r.status != 200 {
		t.Errorf("status after it: %d", r.status)
	}
	s.scenario(object{"match": object{"operation": "cancel"}, "fault": "server_error", "stage": "after"})
	if r := s.post("/v1/transactions/by-reference/f1/cancel", nil); r.status != 500 || s.booked("f1") != "fenced" {
		t.Errorf("struck cancel: %d, %q", r.status, s.booked("f1"))
	}
	if r := s.do(http.MethodGet, "/scenarios", nil); !strings.Contains(string(r.raw), `"struck":1`) {
		t.Errorf("list: %s", r.raw)
	}
	s.do(http.MethodDelete, "/scenarios", nil)
	if got := s.sim.Scenarios(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestScenarioRefused(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for _, body := range []any{
		object{"fault": "no_such"}, object{"fault": "hang", "stage": "sometimes"}, object{"fault": "rate_limited", "stage": "after"},
		object{"fault": "drop", "stage": "late"}, object{"fault": "wrong_id", "stage": "before"}, object{"stage": "before"},
		object{"delayMs": -1}, object{"asyncAfterMs": -2}, object{"responseCode": "5"}, object{"notice": "loud"},
		object{"times": -1}, object{"match": object{"operation": "dance"}}, object{"match": object{"amount": "x"}}, object{"surprise": 1}, "{",
	} {
		if r := s.post("/scenarios", body); r.status != 422 && r.status != 400 {
			t.Errorf("%v: %d", body, r.status)
		}
	}
	if len(s.sim.Scenarios()) != 0 {
		t.Error("a refused scenario is in force")
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.post("/control/outage", object{"mode": "unavailable"})
	if r := s.post("/v1/payments", payment("down", "1")); r.status != 503 {
		t.Errorf("unavailable: %d", r.status)
	}
	s.post("/control/outage", object{"mode": "drop"})
	if r, err := s.try(http.MethodPost, "/v1/payments", payment("down", "1")); err == nil {
		t.Errorf("drop: %d", r.status)
	}
	if r := s.do(http.MethodGet, "/control/outage", nil); r.str("mode") != "drop" {
		t.Errorf("mode: %s", r.raw)
	}
	if r := s.post("/control/outage", object{"mode": "sometimes"}); r.status != 422 {
		t.Errorf("unknown mode: %d", r.status)
	}
	s.post("/control/outage", object{"mode": "off"})
	if r := s.post("/v1/payments", payment("down", "1")); r.status != 201 || s.booked("down") != "captured" {
		t.Errorf("up again: %d", r.status)
	}
}

func TestCloseEndsHangingAnswers(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.scenario(object{"match": object{}, "fault": "hang"})
	ended := make(chan error, 1)
	go func() {
		_, err := s.try(http.MethodPost, "/v1/payments", payment("h", "1"))
		ended <- err
	}()
	eventually(t, "the booking", func() bool { return s.booked("h") != "" })
	if err := s.sim.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("a hanging answer came")
	}
}
