package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/id"
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
	b := &base{keys: keys, ids: id.NewSource(time.Now, rand.Reader), db: d.Open(func(o *store.Options) {
		o.Fault = func(p store.FaultPoint, writes []string) error {
			if name := armed.Load(); p == point && slices.Contains(writes, name.(string)) {
				armed.Store("")
				return errors.New("lost")
			}
			return nil
		}
	})}
	run := func(write string, command func(context.Context, *base, io.Writer) error) {
		t.Helper()
		armed.Store(write)
		var out bytes.Buffer
		if err := command(t.Context(), b, &out); err != nil || armed.Load() != "" || out.Len() == 0 {
			t.Errorf("%s: %v, still to be lost: %q, printed %q", write, err, armed.Load(), out.String())
		}
	}
	run("shop.create", (&createShop{Name: "lost"}).run)
	var s shop.Shop
	read := func() {
		t.Helper()
		err := b.db.View(t.Context(), func(tx *store.Tx) error {
			all, err := tx.Shops()
			if err != nil || len(all) != 1 {
				return errors.Join(err, errors.New("not one shop"))
			}
			s, err = tx.Shop(all[0].ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	read()
	run("key.create", (&createKey{Shop: string(s.ID)}).run)
	run("terminal.create", (&createTerminal{Shop: string(s.ID), Name: "main", Connector: "sandbox",
		Settings: `{"url":"http://127.0.0.1:1","apiKey":"key"}`}).run)
	before := s.SigningKey
	run("shop.update", (&rotateKey{Shop: string(s.ID), Overlap: time.Hour}).run)
	n := store.Notice{Shop: s.ID, Terminal: b.ids.Letters(8), Key: "evt", Received: time.Now(), State: store.NoticeParked, Headers: "{}", Body: []byte("{}")}
	if err := b.db.Update(t.Context(), func(tx *store.Tx) error { tx.InsertNotice(&n); return nil }); err != nil {
		t.Fatal(err)
	}
	run("notice.revive", (&retryNotice{noticeChoice{Shop: string(s.ID), Terminal: n.Terminal, Notice: n.Key}}).run)
	read()
	if len(s.Terminals) != 1 || s.SigningKey == before || s.Settings.RetiredKey == nil || s.Settings.RetiredKey.Key != before {
		t.Errorf("%d terminals, the key was replaced: %t", len(s.Terminals), s.SigningKey != before)
	}
}
