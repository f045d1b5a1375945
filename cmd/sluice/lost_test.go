package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// TestOperatorsCommandWhoseAcknowledgementIsLost: a command says that it was done, and shows the secrets that it made,
// whether the commit stood or not; and it was done once.
func TestOperatorsCommandWhoseAcknowledgementIsLost(t *testing.T) {
	t.Parallel()
	for _, point := range []store.FaultPoint{store.FaultBeforeCommit, store.FaultAfterCommit} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) { operate(t, d, point) })
		})
	}
}

func operate(t *testing.T, d *storetest.Database, point store.FaultPoint) {
	var armed atomic.Value
	armed.Store("")
	keys, err := vault.NewKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	db := d.Open(func(o *store.Options) {
		o.Fault = func(p store.FaultPoint, writes []string) error {
			if name := armed.Load(); p == point && slices.Contains(writes, name.(string)) {
				armed.Store("")
				return errors.New("lost")
			}
			return nil
		}
	})
	a, err := app.New(app.Config{DB: db, Keys: keys, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	run := func(write string, op admin.Any, arguments any) {
		t.Helper()
		armed.Store(write)
		raw, err := json.Marshal(arguments)
		if err != nil {
			t.Fatal(err)
		}
		result, err := op.Answer(t.Context(), a.Desk, raw)
		if err != nil || armed.Load() != "" || len(result) <= len("{}") {
			t.Errorf("%s: %v, still to be lost: %q, result %q", write, err, armed.Load(), result)
		}
	}
	run("shop.create", admin.OpCreateShop, admin.CreateShop{Name: "lost"})
	var s shop.Shop
	read := func() {
		t.Helper()
		err := db.View(t.Context(), func(tx *store.Tx) error {
			all, err := tx.Shops().List()
			if err != nil || len(all) != 1 {
				return errors.Join(err, errors.New("not one shop"))
			}
			s, err = tx.Shops().Get(all[0].ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	read()
	run("key.create", admin.OpCreateKey, admin.CreateKey{OfShop: admin.OfShop{Shop: string(s.ID)}})
	run("terminal.create", admin.OpCreateTerminal, admin.CreateTerminal{OfShop: admin.OfShop{Shop: string(s.ID)}, Name: "main", Connector: "sandbox",
		Settings: `{"url":"http://127.0.0.1:1","apiKey":"key"}`, NoTrial: true})
	before := s.SigningKey
	run("shop.update", admin.OpRotateKey, admin.RotateKey{Shop: string(s.ID), Overlap: time.Hour})
	n := store.Notice{Shop: s.ID, Terminal: a.IDs.Letters(8), Key: "evt", Received: time.Now(), State: store.NoticeParked, Headers: "{}", Body: []byte("{}")}
	if err := db.Update(t.Context(), func(tx *store.Tx) error { tx.Notices().Insert(&n); return nil }); err != nil {
		t.Fatal(err)
	}
	run("notice.revive", admin.OpRetryNotice, admin.OfNotice{Shop: string(s.ID), Terminal: n.Terminal, Notice: n.Key})
	read()
	if len(s.Terminals) != 1 || s.SigningKey == before || s.Settings.RetiredKey == nil || s.Settings.RetiredKey.Key != before {
		t.Errorf("%d terminals, the key was replaced: %t", len(s.Terminals), s.SigningKey != before)
	}
}
