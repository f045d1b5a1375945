package certificates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/wallet/accounts"
)

// Name is that of the work among the kinds of due work.
const Name = "certificates"

const (
	// looksEvery is how often the shops are read.
	looksEvery = 24 * time.Hour
	// rests is how long the work waits when it has failed again and again. It never ends.
	rests = time.Hour
)

// stages are when a human is told, the latest first, and what of which certificate.
var stages = []struct {
	before          time.Duration
	wallet, setting string
}{
	{0, "the %s certificate of Apple Pay has ended: customers cannot pay by it any more", "a certificate in the terminal's setting %s has ended: its provider may not be reached any more"},
	{7 * 24 * time.Hour, "the %s certificate of Apple Pay ends within seven days", "a certificate in the terminal's setting %s ends within seven days"},
	{30 * 24 * time.Hour, "the %s certificate of Apple Pay ends within thirty days", "a certificate in the terminal's setting %s ends within thirty days"},
}

// Watch looks at the certificates of all shops and their terminals. A node tells of each stage of a certificate once.
type Watch struct {
	DB    *store.DB
	Bell  *alarm.Notifier
	Types []connector.Type // of terminals
	Now   func() time.Time
	Log   *slog.Logger

	mu   sync.Mutex
	next time.Time
	told map[notice]bool
}

// notice is what a human was told of.
type notice struct {
	about   alarm.About
	subject string // id of a shop or of a terminal
	of      string // the certificate's own name
	ends    time.Time
	why     string
}

// Kind is the work, for a runner.
func (w *Watch) Kind() job.Kind {
	return job.Kind{Name: Name, Concurrency: 1, Due: w.due, Run: w.Work, Failed: w.failed}
}

// After adds when the work goes on to what another question says of other kinds of work.
func (w *Watch) After(next func(context.Context, []int64) (map[string]time.Time, error)) func(context.Context, []int64) (map[string]time.Time, error) {
	return func(ctx context.Context, shards []int64) (map[string]time.Time, error) {
		all, err := next(ctx, shards)
		if err == nil {
			if all[Name] = w.wakes(); all[Name].IsZero() { // that would be never
				all[Name] = time.UnixMicro(1)
			}
		}
		return all, err
	}
}

func (w *Watch) wakes() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

func (w *Watch) sleep(until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = until
}

// due is one item for all shops, which the node has that has the shard of its name.
func (w *Watch) due(_ context.Context, shards []int64, before time.Time, _ int) ([]job.Item, error) {
	shard, next := store.ShardOf(Name), w.wakes()
	if next.After(before) || !slices.Contains(shards, shard) {
		return nil, nil
	}
	return []job.Item{{Key: Name, Shard: shard, Due: next}}, nil
}

func (w *Watch) failed(ctx context.Context, _ job.Item, cause error, next time.Time) error {
	w.Log.WarnContext(ctx, "certificates of shops are not looked at", "error", cause)
	if next.IsZero() {
		next = w.Now().Add(rests)
	}
	w.sleep(next)
	return nil
}

// Work looks at the wallets of all shops that are active, and at the terminals in use of those that are live.
func (w *Watch) Work(ctx context.Context, _ job.Item) error {
	w.sleep(w.Now().Add(looksEvery))
	var shops, live []shop.Shop
	err := w.DB.View(ctx, func(tx *store.Tx) (err error) {
		if live, err = tx.Shops().Live(); err != nil { // with their terminals
			return err
		}
		if shops, err = tx.Shops().List(); err != nil {
			return err
		}
		shops = slices.DeleteFunc(shops, func(s shop.Shop) bool { return !s.Active || s.Settings.Wallets.Apple == nil })
		for i := range shops { // a list has no secrets
			whole, err := tx.Shops().Get(shops[i].ID)
			switch {
			case errors.Is(err, store.ErrUnavailable):
				return err
			case err == nil: // what cannot be opened is told by the work that seals anew
				shops[i] = whole
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range shops {
		w.lookAtWallets(ctx, &shops[i])
	}
	for i := range live {
		w.lookAtTerminals(ctx, &live[i])
	}
	return nil
}

// expires is how certificates are found in the settings of a terminal that is in use; nil where there are none.
func (w *Watch) expires(t *shop.Terminal) func(json.RawMessage) []connector.Expiry {
	at := slices.IndexFunc(w.Types, func(c connector.Type) bool { return c.Name == t.Connector })
	if at < 0 || !t.Removed.IsZero() {
		return nil
	}
	return w.Types[at].Expires
}

// lookAtWallets tells of the certificates of a shop's accounts at wallets.
func (w *Watch) lookAtWallets(ctx context.Context, s *shop.Shop) {
	keys, err := accounts.Read(s.Settings.Wallets.Keys)
	if err != nil { // who needs them says so
		return
	}
	for _, e := range keys.Expiries() {
		w.look(ctx, s.ID, e.At, func(n int) notice {
			return notice{alarm.Shop, string(s.ID), e.Subject, e.At, fmt.Sprintf(stages[n].wallet, e.Use)}
		})
	}
}

// lookAtTerminals tells of the certificates in the settings of a shop's terminals.
func (w *Watch) lookAtTerminals(ctx context.Context, s *shop.Shop) {
	for i := range s.Terminals {
		t := &s.Terminals[i]
		expires := w.expires(t)
		if expires == nil {
			continue
		}
		for _, e := range expires(t.Config) {
			w.look(ctx, s.ID, e.At, func(n int) notice {
				return notice{alarm.Terminal, t.ID, e.Subject, e.At, fmt.Sprintf(stages[n].setting, e.Setting)}
			})
		}
	}
}

// look tells of a certificate whose time is near.
func (w *Watch) look(ctx context.Context, of shop.ID, ends time.Time, at func(stage int) notice) {
	left := ends.Sub(w.Now())
	for i, stage := range stages {
		if left > stage.before {
			continue
		}
		if n := at(i); w.first(n) {
			w.Bell.Raise(ctx, alarm.Alarm{
				Shop: of, About: n.about, Subject: n.subject, Why: n.why, Detail: fmt.Sprintf("%q ends %s", n.of, ends.UTC().Format(time.RFC3339)),
			})
		}
		return
	}
}

// first reports that nobody was told of it yet.
func (w *Watch) first(n notice) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told[n] {
		return false
	}
	if w.told == nil {
		w.told = map[notice]bool{}
	}
	w.told[n] = true
	return true
}
