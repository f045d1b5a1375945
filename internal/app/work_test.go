package app

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// TestAnEndpointWhoseTurnsFailIsHeard once an hour, not at each turn.
func TestAnEndpointWhoseTurnsFailIsHeard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		keys, err := vault.NewKeyring(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		a, err := New(Config{
			DB: d.Open(), Keys: keys, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		kind := a.deliveries(nil, 1)
		k := store.EndpointKey{Shop: "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", ID: strings.Repeat("e", 32)}
		fails := func(cause error) {
			t.Helper()
			if err := kind.Failed(t.Context(), job.Item{Key: k.String()}, cause, time.Time{}); err != nil {
				t.Error(err)
			}
		}
		heard := func(want int) {
			t.Helper()
			list, err := admin.OpListAlarms.Do(t.Context(), a.Desk, admin.ListAlarms{Limit: 10})
			if err != nil || len(list.Items) != 1 || list.Items[0].Times != want || list.Items[0].Why != "work on the endpoint fails" {
				t.Errorf("%+v, %v, want one that was told %d times", list.Items, err, want)
			}
		}
		for _, cause := range []error{store.ErrUnavailable, errors.New("a row that cannot be read"), errors.New("again")} {
			fails(cause)
		}
		heard(1)
		now = now.Add(tellEvery)
		fails(errors.New("still"))
		heard(2)
	})
}
