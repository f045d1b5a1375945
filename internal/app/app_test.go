package app

import (
	"crypto/rand"
	"log/slog"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// TestWhatAnApplicationIsBuiltOf: without a database or a log there is none, and everything else has a value by itself.
func TestWhatAnApplicationIsBuiltOf(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, store.SQLite).Open()
	log := slog.New(slog.DiscardHandler)
	for _, c := range []Config{{}, {DB: db}, {Log: log}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is enough", c)
		}
	}
	keys, err := vault.NewKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{DB: db, Keys: keys, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if a.c.Now == nil || a.c.Random == nil || a.c.Owner == "" || a.c.Strangers == nil || a.c.RequestID() == "" || len(a.c.Connectors) == 0 {
		t.Errorf("%+v", a.c)
	}
	b, err := New(Config{DB: db, Keys: keys, Log: log})
	if err != nil || a.c.Owner == b.c.Owner {
		t.Errorf("two applications of one process are both called %s: %v", a.c.Owner, err)
	}
}
