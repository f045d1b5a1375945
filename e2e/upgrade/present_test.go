package upgrade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/vault"
)

// present is what was kept, opened by the present code at the instant at which the older program was killed.
type present struct {
	*world
	app      *testkit.App
	clock    *testkit.Clock
	receiver *receiver
	folder   string // with what is kept
	version  string
	desk     *admin.Desk
}

// open opens a copy of what was kept.
func open(t *testing.T, d *storetest.Database, from string) *present {
	t.Helper()
	p := &present{world: &world{t: t}, clock: testkit.SlowClock(200), receiver: &receiver{willing: true}, folder: from,
		version: filepath.Base(filepath.Dir(from))}
	about, err := os.ReadFile(filepath.Join(from, "about.json"))
	if err != nil {
		t.Fatal(err)
	}
	readJSON(t, about, p.world)
	p.clock.Advance(p.At.Sub(p.clock.Now()))
	dir := t.TempDir()
	restoreFiles(t, from, dir)
	restoreDatabase(t, d, from, dir)
	if d.Kind == store.Postgres { // whoever left it was killed, and counts as alive for some seconds: nobody is migrated underneath
		later := func() time.Time { return p.clock.Now().Add(time.Minute) }
		if err := store.Migrate(t.Context(), d.Options(func(o *store.Options) { o.Dir, o.Now = dir, later })); err != nil {
			t.Fatal(err)
		}
	}
	db := d.Open(func(o *store.Options) { o.Dir, o.Now = dir, p.clock.Now })
	keys, err := vault.ReadKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	hooks := httptest.NewServer(p.receiver)
	t.Cleanup(hooks.Close)
	var ways addresses
	transport := &http.Transport{DialContext: ways.dial, MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	p.http = newHTTP(transport)
	ways.lead(p.Receiver, hooks.URL)
	p.app = testkit.New(t, db, testkit.Options{
		Clock: p.clock, Keys: &keys, Masters: mastersIn(t, dir), PublicURL: p.Server, Transport: transport,
		Simulate: func(c *simulator.Config) {
			c.PublicURL = func() string { return p.Simulator }
			c.APIKey, c.NoticeSecret, c.LedgerPath = simulatorKey, noticeSecret, filepath.Join(dir, "ledger.ndjson")
		},
	})
	ways.lead(p.Server, p.app.URL)
	ways.lead(p.Simulator, p.app.SimulatorURL)
	if err := p.app.Engine.Relieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.desk = p.app.Desk
	return p
}

// addresses lead to where servers are now; there is no way to any other.
type addresses struct{ now sync.Map }

func (a *addresses) lead(from, to string) {
	a.now.Store(strings.TrimPrefix(from, "http://"), strings.TrimPrefix(to, "http://"))
}

func (a *addresses) dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, ok := a.now.Load(address)
	if !ok {
		return nil, fmt.Errorf("nothing of the installation was at %s", address)
	}
	return new(net.Dialer).DialContext(ctx, network, to.(string))
}

// restoreFiles copies what stands in files beside the database.
func restoreFiles(t testing.TB, from, dir string) {
	t.Helper()
	for _, name := range []string{vault.KeyringFile, vault.MasterFile} {
		if name == vault.MasterFile && !has(t, from, name) {
			continue // it is older than what is sealed
		}
		raw, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "ledger.ndjson"), unpack(t, filepath.Join(from, "ledger.gz")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mastersIn reads the master keys; there are none where nothing was sealed yet.
func mastersIn(t testing.TB, dir string) vault.Masters {
	t.Helper()
	if !has(t, dir, vault.MasterFile) {
		return nil
	}
	keys, err := vault.ReadMasters(dir)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// has tells whether a folder has a file of this name.
func has(t testing.TB, folder, name string) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(folder, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// restoreDatabase makes the database as it was, and returns its URL, empty for SQLite.
func restoreDatabase(t testing.TB, d *storetest.Database, from, dir string) string {
	t.Helper()
	raw := unpack(t, filepath.Join(from, "database.gz"))
	if d.Kind == store.SQLite {
		if err := os.WriteFile(filepath.Join(dir, "sluice.db"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return ""
	}
	url := d.Options(func(o *store.Options) { o.Migrate = false }).URL
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.PgConn().Exec(t.Context(), string(raw)).Close(); err != nil {
		t.Fatalf("the dump: %v", err)
	}
	return url
}

// act does what an operator does.
func (p *present) act(name string, arguments object) json.RawMessage {
	p.t.Helper()
	raw, err := json.Marshal(arguments)
	if err == nil {
		raw, err = admin.Find(name).Answer(p.t.Context(), p.desk, raw)
	}
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	return raw
}

// deliver posts what is due, now and as time goes on, for at most that long.
func (p *present) deliver(most time.Duration) {
	p.t.Helper()
	d := p.app.NewDeliverer()
	for end := p.clock.Now().Add(most); ; {
		next, err := d.Drain(p.t.Context(), allShards())
		if err != nil {
			p.t.Fatal(err)
		}
		if next.IsZero() || next.After(end) {
			return
		}
		p.clock.Advance(max(0, next.Sub(p.clock.Now())) + time.Second)
	}
}

// audit checks that the log of every payment folds to its state, and its money.
func (p *present) audit() {
	p.t.Helper()
	p.app.Engine.Drain()
	check := testkit.Audit
	if p.version < "2026-11-28" { // instants were recorded as they came
		check = folds
	}
	for name, s := range p.Shops {
		for _, id := range p.listed(name) {
			if err := check(p.t.Context(), p.app.DB, shop.ID(s.ID), payment.ID(id)); err != nil {
				p.t.Error(err)
			}
		}
	}
}

// folds checks that the log of a payment folds to its state.
func folds(ctx context.Context, db *store.DB, s payment.ShopID, id payment.ID) error {
	return db.View(ctx, func(tx *store.Tx) error {
		paid, err := tx.Payments().Get(s, id)
		if err != nil {
			return err
		}
		log, err := tx.Operations().List(s, id)
		if err != nil {
			return err
		}
		if state, err := payment.Fold(log); err != nil || state != paid.State() {
			return fmt.Errorf("payment %s is %s, its log says %s: %w", id, paid.State(), state, err)
		}
		return nil
	})
}
