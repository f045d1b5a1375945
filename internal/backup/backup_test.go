package backup_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/backup"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/setting"
	"github.com/sluicepay/sluice/internal/vault"
)

// house is an installation with a shop and a payment in its checkout.
type house struct {
	t    *testing.T
	d    *storetest.Database
	db   *store.DB
	keys vault.Keyring
}

var taken = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	shopID    = "00000000000000000000000000000001"
	paymentID = "00000000000000000000000000000002"
)

func onBoth(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		keys, err := vault.NewKeyring(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		h := &house{t: t, d: d, db: d.Open(), keys: keys}
		p, err := payment.New(payment.Payment{
			ID: paymentID, Shop: shopID, Type: payment.Deposit, Method: payment.BasicCard, Asked: money.Sum{Amount: money.MustParse("11.00"),
				Currency: "EUR"}, Created: taken, CheckoutUntil: taken.Add(time.Hour),
		}, nil, taken)
		if err != nil {
			t.Fatal(err)
		}
		err = h.db.Update(t.Context(), func(tx *store.Tx) error {
			tx.Shops().Insert(&shop.Shop{ID: shopID, Merchant: "M", Name: "S", Active: true, SigningKey: "k", Created: taken, Version: 1})
			tx.Payments().Insert(&p.Payment)
			_, err := tx.Installation().Proof(keys.Proof())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		fn(t, h)
	})
}

func (h *house) source() backup.Source {
	s := backup.Source{DB: h.db, Keys: h.keys, Version: "test", Now: func() time.Time { return taken }}
	if h.d.Kind == store.Postgres {
		s.URL = h.d.Options().URL
	}
	return s
}

// take makes a backup, or leaves the test out where PostgreSQL's programs are missing.
func (h *house) take() (string, backup.Manifest) {
	h.t.Helper()
	dir := filepath.Join(h.t.TempDir(), "backup")
	m, err := backup.Take(h.t.Context(), h.source(), dir)
	if errors.Is(err, backup.ErrNoTools) {
		setting.Missing(h.t, setting.Programs, err)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return dir, m
}

// target is a place to restore to.
func (h *house) target(dir string) backup.Target {
	t := backup.Target{
		Dir: dir, Data: filepath.Join(h.t.TempDir(), "data"), Now: func() time.Time { return taken.Add(time.Hour) }, Random: rand.Reader,
		Log: slog.New(slog.DiscardHandler),
	}
	if h.d.Kind == store.Postgres {
		t.URL = storetest.New(h.t, store.Postgres).Options(func(o *store.Options) { o.Migrate = false }).URL
	}
	return t
}

// open opens what was restored.
func (h *house) open(t backup.Target) *store.DB {
	h.t.Helper()
	db, err := store.Open(h.t.Context(), store.Options{URL: t.URL, Dir: t.Data})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = db.Close() })
	return db
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestABackupIsRestoredUnderANewEpoch(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		dir, m := h.take()
		if m.Rows["payment"] != 1 || m.Rows["shop"] != 1 || m.Epoch != h.keys.Epoch || m.Schema == 0 || !m.Taken.Equal(taken) || m.Database != h.d.Kind {
			t.Errorf("manifest %+v", m)
		}
		for _, name := range names(t, dir) {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s can be read by others: %v, %v", name, info.Mode(), err)
			}
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the folder can be read by others: %v, %v", info.Mode(), err)
		}
		target := h.target(dir)
		target.Also = []string{"0badc0de"}
		done, err := backup.Restore(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := vault.ReadKeyring(target.Data)
		if err != nil {
			t.Fatal(err)
		}
		if keys.Epoch != done.Epoch || keys.Epoch == h.keys.Epoch || done.Asked != 1 {
			t.Errorf("the epoch was %s, is %s and said to be %s; %d payments are asked about", h.keys.Epoch, keys.Epoch, done.Epoch, done.Asked)
		}
		db := h.open(target)
		err = db.View(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Payments().Get(shopID, paymentID)
			if err != nil {
				return err
			}
			if want := h.keys.Epoch + ":0 0badc0de:0"; p.Lost != want || !p.Due.Equal(tx.Now()) && p.Due.After(tx.Now()) {
				t.Errorf("the payment has %q to search for, due %s; want %q", p.Lost, p.Due, want)
			}
			proof, err := tx.Installation().Proof(keys.Proof())
			if err != nil || proof != keys.Proof() {
				t.Errorf("the database belongs to other keys: %v", err)
			}
			r, err := tx.Installation().LastRestored()
			if err != nil || r.Epoch != keys.Epoch || !r.Taken.Equal(taken) || !r.Restored.Equal(taken.Add(time.Hour)) {
				t.Errorf("restored as %+v, %v", r, err)
			}
			alarms, _, err := tx.Alarms().List(store.AlarmFilter{Limit: 10})
			told := "the installation was restored from a backup: what happened between the backup and now is known to others only"
			if err != nil || len(alarms) != 1 || alarms[0].Why != told || alarms[0].Subject != keys.Epoch {
				t.Errorf("alarms %+v, %v", alarms, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if left := names(t, target.Data); !slices.Contains(left, vault.KeyringFile) || slices.ContainsFunc(left, func(n string) bool { return strings.HasPrefix(n, ".") }) {
			t.Errorf("the data folder has %v", left)
		}
	})
}

// TestABackupOfWhatWasRestored keeps what is still to be searched for, and adds its own time.
func TestABackupOfWhatWasRestored(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		dir, _ := h.take()
		first := h.target(dir)
		done, err := backup.Restore(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		second := &house{t: t, d: h.d, db: h.open(first)}
		if second.keys, err = vault.ReadKeyring(first.Data); err != nil {
			t.Fatal(err)
		}
		again := filepath.Join(t.TempDir(), "again")
		source := second.source()
		source.URL = first.URL
		if _, err := backup.Take(t.Context(), source, again); err != nil {
			t.Fatal(err)
		}
		target := h.target(again)
		if _, err := backup.Restore(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		err = h.open(target).View(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Payments().Get(shopID, paymentID)
			if want := h.keys.Epoch + ":0 " + done.Epoch + ":0"; err == nil && p.Lost != want {
				t.Errorf("to search for: %q, want %q", p.Lost, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhereABackupMayNotGo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		full := t.TempDir()
		if err := os.WriteFile(filepath.Join(full, "letter"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for name, at := range map[string]struct {
			ctx  context.Context
			dir  string
			want error
		}{
			"a folder that has something in it":   {t.Context(), full, backup.ErrTaken},
			"a folder in one that does not exist": {t.Context(), filepath.Join(full, "no", "such"), fs.ErrNotExist},
			"a path that is not absolute":         {t.Context(), "backup", nil},
			"interrupted":                         {gone, filepath.Join(full, "new"), context.Canceled},
		} {
			_, err := backup.Take(at.ctx, h.source(), at.dir)
			if err == nil || at.want != nil && !errors.Is(err, at.want) {
				t.Errorf("%s: %v, want %v", name, err, at.want)
			}
		}
		if left := names(t, full); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
		empty := t.TempDir()
		if _, err := backup.Take(t.Context(), h.source(), empty); err != nil && !errors.Is(err, backup.ErrNoTools) {
			t.Errorf("an empty folder: %v", err)
		}
	})
}

func TestWhatIsNotRestored(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		dir, m := h.take()
		file := store.SQLiteFile
		if h.d.Kind == store.Postgres {
			file = "database.dump"
		}
		change := func(name string, edit func([]byte) []byte) string {
			t.Helper()
			copied := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(copied, name)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if raw = edit(raw); raw == nil {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			return copied
		}
		flip := func(raw []byte) []byte { raw[len(raw)/2] ^= 1; return raw }
		newer := func([]byte) []byte { n := m; n.Format = 2; raw, _ := json.Marshal(n); return raw }
		for name, from := range map[string]string{
			"a changed database": change(file, flip), "a cut database": change(file, func(raw []byte) []byte { return raw[:len(raw)-1] }),
			"changed keys": change(vault.KeyringFile, flip), "no keys": change(vault.KeyringFile, func([]byte) []byte { return nil }),
			"no manifest":    change(backup.ManifestFile, func([]byte) []byte { return nil }),
			"a later format": change(backup.ManifestFile, newer), "no folder": filepath.Join(dir, "none"),
		} {
			target := h.target(from)
			if _, err := backup.Restore(t.Context(), target); !errors.Is(err, backup.ErrNoBackup) {
				t.Errorf("%s: %v, want ErrNoBackup", name, err)
			}
			if left := names(t, target.Data); len(left) > 0 {
				t.Errorf("%s: left behind %v", name, left)
			}
		}
		target := h.target(dir)
		target.Also = []string{"XYZ"}
		if _, err := backup.Restore(t.Context(), target); err == nil {
			t.Error("an epoch that is none was taken")
		}
		other := h.target(dir)
		if other.URL = "postgres://nobody@127.0.0.1:1/x?sslmode=disable"; h.d.Kind == store.Postgres {
			other.URL = ""
		}
		if _, err := backup.Restore(t.Context(), other); err == nil {
			t.Error("restored into the other kind of database")
		}
	})
}

// TestAnInstallationIsNotOverwritten: neither its folder nor its database.
func TestAnInstallationIsNotOverwritten(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		dir, _ := h.take()
		target := h.target(dir)
		if _, err := backup.Restore(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Restore(t.Context(), target); !errors.Is(err, backup.ErrTaken) {
			t.Errorf("into a data folder: %v, want ErrTaken", err)
		}
		if h.d.Kind != store.Postgres {
			return
		}
		target.Data = filepath.Join(t.TempDir(), "elsewhere")
		if _, err := backup.Restore(t.Context(), target); !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("into a database: %v, want ErrNotEmpty", err)
		}
		if left := names(t, target.Data); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// TestAnInterruptedRestoreCannotBeOpened: the database is there, and what a restore has to write into it is not.
func TestAnInterruptedRestoreCannotBeOpened(t *testing.T) {
	t.Parallel()
	url := storetest.New(t, store.Postgres).Options(func(o *store.Options) { o.Migrate = false }).URL
	if _, err := store.BeginRestore(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Options{URL: url, Migrate: true}); !errors.Is(err, store.ErrRestoring) {
		t.Errorf("opened in the middle of a restore: %v", err)
	}
	if _, err := store.BeginRestore(t.Context(), url); !errors.Is(err, store.ErrRestoring) {
		t.Errorf("a second restore into it: %v", err)
	}
	if err := store.EndRestore(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{URL: url, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
