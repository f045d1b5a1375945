package engine_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// disputing is the sandbox connector whose notices are all about disputes. One of which the key begins with evt_ref tells the provider's own
// id of the payment and not our key.
type disputing struct{ *sandbox.Sandbox }

func disputed(n *connector.Notice) {
	n.Subject = connector.OfDispute
	if strings.HasPrefix(n.EventKey, "evt_ref") {
		n.ProviderRef, n.Key = n.Fact.ProviderRef, ""
	}
}

func (d disputing) ParseNotice(header http.Header, body []byte) ([]connector.Notice, error) {
	all, err := d.Sandbox.ParseNotice(header, body)
	for i := range all {
		disputed(&all[i])
	}
	return all, err
}

func (d disputing) ReadNotice(body []byte, key string) (connector.Notice, error) {
	n, err := d.Sandbox.ReadNotice(body, key)
	disputed(&n)
	return n, err
}

type disputingConfig struct{ connector.Config }

func (c disputingConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	if err != nil {
		return nil, err
	}
	return disputing{inner.(*sandbox.Sandbox)}, nil
}

// TestANoticeAboutADisputeIsKeptForPeople: once, under the provider's own key, with the payment that it names; nothing of it is
// booked, not when it is tried again either.
func TestANoticeAboutADisputeIsKeptForPeople(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(func(c *engine.Config) {
			inner := sandbox.Type()
			c.Connectors = []connector.Type{{Name: inner.Name, Loggable: inner.Loggable, Parse: func(raw json.RawMessage) (connector.Config, error) {
				c, err := inner.Parse(raw)
				return disputingConfig{c}, err
			}}}
		})
		p := h.deposit("10.00")
		before, entries := h.stored(p.ID), len(h.log(p.ID))
		post := h.post("evt_dispute", p.Attempts[0].Key, "10.00", approved)
		stranger := h.sign(h.noticeBody("evt_stranger", map[string]any{
			"id": "tx_1", "reference": "nobodys", "kind": "payment", "amount": "10.00", "currency": "EUR",
		}, approved))
		byRef := h.post("evt_ref", p.Attempts[0].Key, "10.00", approved)
		for _, post := range []engine.Post{post, post, stranger, byRef} {
			if err := h.Engine.Notice(t.Context(), post); err != nil {
				t.Fatal(err)
			}
		}
		for key, of := range map[string]payment.ID{"evt_dispute": p.ID, "evt_stranger": "", "evt_ref": p.ID} {
			a := e.heard(alarm.Notice, h.shop.Terminals[0].ID+"/"+key, "the notice is about something that only people can deal with")
			n, ok := h.notice(key)
			if !ok || n.State != store.NoticeParked || n.Payment != of || n.AttemptKey == "" {
				t.Errorf("%s is kept as %+v", key, n)
			}
			if a.Times != 1 || !strings.HasPrefix(a.Detail, "dispute, of ") || !strings.Contains(a.Detail, string(of)) {
				t.Errorf("%s: a human is told %+v", key, a)
			}
			err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
				tx.Notices().Revive(&n)
				return nil
			})
			if err == nil {
				err = h.Engine.RetryNotice(t.Context(), n)
			}
			if n, _ = h.notice(key); err != nil || n.State != store.NoticeParked || n.Payment != of || !n.Due.IsZero() {
				t.Errorf("%s tried again: %+v, %v", key, n, err)
			}
		}
		if now := h.stored(p.ID); now.Version != before.Version || len(h.log(p.ID)) != entries {
			t.Errorf("something was booked: version %d is now %d", before.Version, now.Version)
		}
		if n := len(e.open()); n != 3 {
			t.Errorf("%d alarms", n)
		}
		h.agree()
	})
}
