package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
)

// silent keeps a transaction open at the provider and the provider from telling anything by itself.
var silent = simulator.Effect{AsyncAfterMs: -1, Notice: simulator.NoticeLost}

// effect strikes one call for one payment.
func (h *house) effect(operation string, id payment.ID, effect simulator.Effect) {
	h.t.Helper()
	_, err := h.Simulator.AddScenario(simulator.Scenario{Times: 1, Effect: effect,
		Match: simulator.Match{Operation: operation, ReferencePrefix: h.Keys.Epoch + "-" + string(id) + "-"}})
	if err != nil {
		h.t.Fatal(err)
	}
}

// status is how a transaction stands by one notice.
type status struct{ status, code string }

var (
	actionRequired = status{"requires_action", ""}
	pending        = status{"pending", ""}
	approved       = status{"approved", "00"}
	authorized     = status{"authorized", "00"}
	captured       = status{"captured", "00"}
	declined       = status{"declined", "05"}
	voided         = status{"voided", "00"}
	undone         = status{"declined", "63"}
)

// post is a true notice of the provider about the transaction with our key.
func (h *house) post(event, key, value string, s status) engine.Post {
	h.t.Helper()
	sums, ok := h.Simulator.Totals(key)
	if !ok {
		h.t.Fatalf("the provider knows nothing of %s", key)
	}
	return h.sign(h.noticeBody(event, map[string]any{
		"id": sums.TransactionID, "reference": key, "kind": sums.Kind, "amount": value, "currency": "EUR",
	}, s))
}

func (h *house) noticeBody(event string, tx map[string]any, s status) []byte {
	h.t.Helper()
	tx["status"] = s.status
	if s.code != "" {
		tx["responseCode"] = s.code
	}
	switch s {
	case actionRequired:
		tx["actionUrl"] = h.SimulatorURL + "/pay/somewhere"
	case captured:
		tx["capturedAmount"] = tx["amount"]
	}
	body, err := json.Marshal(map[string]any{"id": event, "type": "transaction.updated", "transaction": tx})
	if err != nil {
		h.t.Fatal(err)
	}
	return body
}

// sign is a post of the body as the provider signs it now.
func (h *house) sign(body []byte) engine.Post {
	now := h.Clock.Now()
	stamp := strconv.FormatInt(now.Unix(), 10)
	return engine.Post{Terminal: h.shop.Terminals[0].ID, Body: body, At: now, Header: http.Header{
		"Content-Type": {"application/json"}, "Sandbox-Timestamp": {stamp},
		"Sandbox-Signature": {simulator.Sign(h.Simulator.NoticeSecret(), stamp, body)},
	}}
}

// notice is what is kept of a notice; ok is false when nothing is.
func (h *house) notice(key string) (n store.Notice, ok bool) {
	h.t.Helper()
	err := h.DB.View(context.WithoutCancel(h.t.Context()), func(tx *store.Tx) (err error) {
		n, err = tx.Notices().Get(h.shop.ID, h.shop.Terminals[0].ID, key)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		h.t.Fatal(err)
	}
	return n, err == nil
}

func (h *house) log(id payment.ID) []payment.Operation {
	h.t.Helper()
	log, err := h.Engine.Operations(h.t.Context(), h.shop.ID, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return log
}

// stored is the payment as it is, without asking the provider.
func (h *house) stored(id payment.ID) payment.Payment {
	h.t.Helper()
	var p payment.Payment
	err := h.DB.View(h.t.Context(), func(tx *store.Tx) (err error) {
		p, err = tx.Payments().Get(h.shop.ID, id)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func count(log []payment.Operation, kind payment.OperationKind) (n int) {
	for i := range log {
		if log[i].Kind == kind {
			n++
		}
	}
	return n
}

func TestFiftyCopiesOnTwoEnginesHaveOneEffect(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		engines := []*engine.Engine{h.Engine, h.other(nil)}
		for range rounds(t, 5) {
			p := h.create(h.newDeposit("12.00", cardApproved))
			h.effect("payment", p.ID, silent)
			p = h.execute(p.ID)
			key := p.LiveAttempt().Key
			if err := h.Simulator.Decide(key, "00"); err != nil {
				t.Fatal(err)
			}
			posted := h.post("evt_"+string(p.ID), key, "12.00", approved)
			together(50, func(i int) {
				if err := engines[i%2].Notice(t.Context(), posted); err != nil {
					t.Errorf("copy %d: %v", i, err)
				}
			})
			p = h.stored(p.ID)
			if n := count(h.log(p.ID), payment.OpHandleWebhook); n != 1 || p.Told != 1 || p.State() != payment.Completed {
				t.Errorf("%s, booked %d times, told %d times", p.State(), n, p.Told)
			}
			if n, ok := h.notice("evt_" + string(p.ID)); !ok || n.State != store.NoticeApplied || n.Payment != p.ID {
				t.Errorf("kept: %t %+v", ok, n)
			}
		}
		h.agree()
	})
}

func TestNoticeTogetherWithTheReturn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		engines := []*engine.Engine{h.Engine, h.other(nil)}
		for round := range rounds(t, 20) {
			p := h.create(h.newDeposit("16.00", cardChallenge))
			h.effect("payment", p.ID, simulator.Effect{Notice: simulator.NoticeLost})
			p = h.execute(p.ID)
			if _, err := h.Engine.SendAway(t.Context(), h.target(p.ID)); err != nil {
				t.Fatal(err)
			}
			key, end, said := p.LiveAttempt().Key, payment.Completed, approved
			if round%2 == 1 {
				end, said = payment.Declined, declined
			}
			if err := h.Simulator.Decide(key, said.code); err != nil {
				t.Fatal(err)
			}
			posted := h.post("evt_"+string(p.ID), key, "16.00", said)
			together(8, func(i int) {
				if i%2 == 0 {
					if err := engines[i/2%2].Notice(t.Context(), posted); err != nil {
						t.Error(err)
					}
					return
				}
				if _, err := engines[i/2%2].Return(t.Context(), h.target(p.ID), nil); err != nil {
					t.Error(err)
				}
			})
			p = h.stored(p.ID)
			log := h.log(p.ID)
			if p.State() != end || p.Told != 1 || p.Tries != 1 || count(log, payment.OpHandleWebhook) != 1 {
				t.Errorf("%s, told %d times, %d attempts, %d notices booked", p.State(), p.Told, p.Tries, count(log, payment.OpHandleWebhook))
			}
		}
		h.agree()
	})
}

func TestNoticeAboutSomethingUnknownWaitsForIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("13.00", cardApproved))
		key := h.Keys.Epoch + "-" + string(p.ID) + "-1"
		body := h.noticeBody("evt_early", map[string]any{
			"id": "tx_of_nobody_yet", "reference": key, "kind": "sale", "amount": "13.00", "currency": "EUR",
		}, pending)
		if err := h.Engine.Notice(t.Context(), h.sign(body)); err != nil {
			t.Fatal(err)
		}
		n, ok := h.notice("evt_early")
		if !ok || n.State != store.NoticeWaiting || n.AttemptKey != key || n.Payment != "" || string(n.Body) != string(body) {
			t.Fatalf("kept %t: %+v", ok, n)
		}
		if wait := n.Due.Sub(n.Received); wait <= 0 || wait > 3*time.Second {
			t.Errorf("tried again after %s", wait)
		}
		h.effect("payment", p.ID, silent)
		p = h.execute(p.ID)
		if err := h.Engine.RetryNotice(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if n, _ = h.notice("evt_early"); n.State != store.NoticeApplied || n.Payment != p.ID || !n.Due.IsZero() {
			t.Errorf("once the payment is known: %+v", n)
		}
		if err := h.Engine.RetryNotice(t.Context(), n); err != nil { // another node was slower
			t.Error(err)
		}
		if n := count(h.log(p.ID), payment.OpHandleWebhook); n != 1 {
			t.Errorf("booked %d times", n)
		}
		if err := h.Simulator.Decide(key, "00"); err != nil {
			t.Fatal(err)
		}
		h.settleByClock(p.ID)
		h.agree()
	})
}

func TestNoticeThatCouldNotBeReadIsBookedOnceItCan(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.stuck(h.newDeposit("13.50", cardApproved))
		key := p.LiveAttempt().Key
		if err := h.Engine.Notice(t.Context(), h.sign([]byte("news"))); !errors.Is(err, engine.ErrUnreadable) {
			t.Fatal(err)
		}
		if n := h.alarms("notice"); n != 1 {
			t.Errorf("%d alarms", n)
		}
		// As an older connector would have left the next one, which it did not understand.
		if err := h.Simulator.Decide(key, "00"); err != nil {
			t.Fatal(err)
		}
		post := h.post("evt_new", key, "13.50", approved)
		old := store.Notice{
			Shop: h.shop.ID, Terminal: post.Terminal, Key: "sha256-00ff", Received: post.At, State: store.NoticeParked,
			Headers: "{}", Body: post.Body,
		}
		err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
			tx.Notices().Insert(&old)
			return nil
		})
		if err == nil {
			err = h.DB.Update(t.Context(), func(tx *store.Tx) error {
				tx.Notices().Revive(&old)
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Engine.RetryNotice(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		if n, _ := h.notice(old.Key); n.State != store.NoticeApplied || n.Payment != p.ID {
			t.Errorf("%+v", n)
		}
		if p = h.stored(p.ID); p.State() != payment.Completed {
			t.Errorf("%s", p.State())
		}
		h.agree()
	})
}

func TestNoticeAboutNothingIsParkedAfterADay(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, key := range []string{"nobody's", h.Keys.Epoch + "-0123456789abcdef0123456789abcdef-1", strings.Repeat("é", 100)} {
			body := h.noticeBody("evt_lost", map[string]any{
				"id": "tx_1", "reference": key, "kind": "sale", "amount": "13.00", "currency": "EUR",
			}, approved)
			event := "evt_" + h.IDs.Letters(8)
			body = []byte(strings.Replace(string(body), "evt_lost", event, 1))
			if err := h.Engine.Notice(t.Context(), h.sign(body)); err != nil {
				t.Fatal(err)
			}
			n, _ := h.notice(event)
			last := n.Due
			for tries := 0; n.State == store.NoticeWaiting; tries++ {
				if tries > 80 {
					t.Fatalf("after %d tries and %s: %+v", tries, n.Due.Sub(n.Received), n)
				}
				h.Clock.Advance(n.Due.Sub(h.Clock.Now()))
				if err := h.Engine.RetryNotice(t.Context(), n); err != nil {
					t.Fatal(err)
				}
				if n, _ = h.notice(event); n.State == store.NoticeWaiting {
					last = n.Due
				}
			}
			if n.State != store.NoticeParked || !n.Due.IsZero() || last.Sub(n.Received) < rematchFor || last.Sub(n.Received) > rematchFor+time.Hour {
				t.Errorf("%q: %s, last tried after %s", key, n.State, last.Sub(n.Received))
			}
		}
		if n := h.alarms("notice"); n != 3 {
			t.Errorf("%d alarms for 3 notices", n)
		}
	})
}

// rematchFor is how long a notice about something unknown is tried.
const rematchFor = 24 * time.Hour

func TestNoticeNeverPutsAStatusQueryOff(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("14.00", cardApproved))
		h.effect("payment", p.ID, silent)
		p = h.execute(p.ID)
		a, due := p.LiveAttempt(), p.Due
		for i := range 3 {
			h.Clock.Advance(300 * time.Millisecond)
			if err := h.Engine.Notice(t.Context(), h.post("evt_"+strconv.Itoa(i), a.Key, "14.00", pending)); err != nil {
				t.Fatal(err)
			}
		}
		if p = h.stored(p.ID); p.Due.After(due) {
			t.Errorf("due %s later than without notices", p.Due.Sub(due))
		}
		// One that cannot be true is asked about at once.
		if err := h.Engine.Notice(t.Context(), h.post("evt_odd", a.Key, "99.00", approved)); err != nil {
			t.Fatal(err)
		}
		if p = h.stored(p.ID); p.State() != payment.Pending || p.Due.After(h.Clock.Now()) {
			t.Errorf("%s, due in %s", p.State(), p.Due.Sub(h.Clock.Now()))
		}
		if err := h.Simulator.Decide(a.Key, "00"); err != nil {
			t.Fatal(err)
		}
		h.settleByClock(p.ID)
		h.agree()
	})
}

func TestNoticeOfATransactionThatAnAnswerGaveToAnother(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.scenario("payment", "23.00", simulator.Effect{Fault: simulator.FaultDrop, Notice: simulator.NoticeLost})
		first := h.execute(h.create(h.newDeposit("23.00", cardApproved)).ID)
		h.scenario("payment", "24.00", simulator.Effect{Fault: simulator.FaultWrongID, Notice: simulator.NoticeLost})
		second := h.execute(h.create(h.newDeposit("24.00", cardApproved)).ID)
		if err := h.Engine.Notice(t.Context(), h.post("evt_1", first.LiveAttempt().Key, "23.00", approved)); err != nil {
			t.Errorf("notice: %v", err)
		}
		if p := h.stored(first.ID); p.State() != payment.Completed {
			t.Errorf("%s", p.State())
		}
		h.settleByClock(second.ID)
		h.agree()
	})
}

func TestOperationOfANoticeShowsItMasked(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("15.00", cardApproved))
		h.effect("payment", p.ID, silent)
		p = h.execute(p.ID)
		key := p.LiveAttempt().Key
		if err := h.Simulator.Decide(key, "00"); err != nil {
			t.Fatal(err)
		}
		sums, _ := h.Simulator.Totals(key)
		post := h.sign(h.noticeBody("evt_cards", map[string]any{
			"id": sums.TransactionID, "reference": key, "kind": "sale", "amount": "15.00", "currency": "EUR",
			"card":   map[string]any{"number": cardApproved, "cvv": "digits9x87", "first6": "400000", "last4": "0408", "brand": "VISA"},
			"remark": "paid with " + cardApproved, "credential": "cred_secret",
		}, approved))
		post.URL = &url.URL{Path: "/notices/" + post.Terminal}
		if err := h.Engine.Notice(t.Context(), post); err != nil {
			t.Fatal(err)
		}
		log := h.log(p.ID)
		last := log[len(log)-1]
		if last.Kind != payment.OpHandleWebhook || last.State != payment.Completed || last.Messages.Outgoing != "" {
			t.Fatalf("last operation: %+v", last)
		}
		for _, shown := range []string{"/notices/" + post.Terminal, `approved`, key, "15.00", "evt_cards"} {
			if !strings.Contains(last.Messages.Incoming, shown) {
				t.Errorf("%s is not in %s", shown, last.Messages.Incoming)
			}
		}
		for _, secret := range []string{cardApproved, "digits9x87", "cred_secret", "paid with", post.Header.Get("Sandbox-Signature")} {
			if strings.Contains(last.Messages.Incoming, secret) {
				t.Errorf("%s is in %s", secret, last.Messages.Incoming)
			}
		}
		h.agree()
	})
}
