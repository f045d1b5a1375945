package audit_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/audit"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// ledger is a record on a database of its own.
type ledger struct {
	*audit.Record
	t     *testing.T
	d     *storetest.Database
	db    *store.DB
	keys  vault.Keyring
	heads string
}

func open(t *testing.T, d *storetest.Database) *ledger {
	t.Helper()
	keys, err := vault.NewKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{t: t, d: d, db: d.Open(), keys: keys, heads: filepath.Join(t.TempDir(), audit.HeadsFile)}
	l.Record = l.by(keys, l.heads)
	return l
}

// by is a record of the same database by other keys or with another file.
func (l *ledger) by(keys vault.Keyring, heads string) *audit.Record {
	return audit.New(audit.Config{
		DB: l.db, MAC: keys.AuditMAC, IDs: id.NewSource(time.Now, rand.Reader), Log: slog.New(slog.DiscardHandler), Process: "test", Heads: heads,
	})
}

// act does something with that outcome.
func (l *ledger) act(name string, o audit.Outcome) {
	l.t.Helper()
	b, err := l.Begin(l.t.Context(), audit.Act{Name: name, Who: "root(0)", Claims: "ann", Shop: "s1", Arguments: map[string]string{"amount": "10"}})
	if err != nil {
		l.t.Fatal(err)
	}
	l.End(l.t.Context(), b, o)
}

// written are the heads that were written elsewhere.
func (l *ledger) written() []audit.Head {
	l.t.Helper()
	raw, err := os.ReadFile(l.heads)
	if err != nil {
		l.t.Fatal(err)
	}
	heads, err := audit.ReadHeads(bytes.NewReader(raw))
	if err != nil {
		l.t.Fatal(err)
	}
	return heads
}

func (l *ledger) verify(heads []audit.Head) audit.Report {
	l.t.Helper()
	r, err := l.Verify(l.t.Context(), heads)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

func TestActsAreOnRecordBeforeAndAfter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := open(t, d)
		if r := l.verify(nil); r.Entries != 0 || len(r.Findings) != 0 {
			t.Errorf("an empty record: %+v", r)
		}
		l.act("shop.create", audit.Outcome{Made: "s1"})
		l.act("payment.refund", audit.Outcome{Err: errors.New("declined, card 4111111111111111")})
		if _, err := l.Begin(t.Context(), audit.Act{Name: "vault.scrub", Who: "a\x00b\xff"}); err != nil { // a process that dies then
			t.Fatal(err)
		}
		heads := l.written()
		r := l.verify(heads)
		if r.Entries != 5 || r.Head != 5 || len(r.Findings) != 0 || len(heads) != 5 || fmt.Sprint(r.Cut) != "[5]" || heads[4].Hash != r.Hash {
			t.Errorf("%+v, heads %v", r, heads)
		}
		var all []audit.Entry
		if err := l.db.View(t.Context(), func(tx *store.Tx) (err error) {
			all, err = tx.Installation().Acts().Latest(audit.Filter{Shop: "s1", Below: 5, Limit: 10})
			return err
		}); err != nil || len(all) != 4 {
			t.Fatalf("%v, %v", all, err)
		}
		if c := all[0].Content; !strings.Contains(c, `"refused"`) || !strings.Contains(c, `"of":3`) || strings.Contains(c, "411111111111") {
			t.Errorf("%s", c)
		}
		if c := all[3].Content; !strings.Contains(c, `"begun"`) || !strings.Contains(c, `"claims":"ann"`) || !strings.Contains(c, `"amount":"10"`) {
			t.Errorf("%s", c)
		}
	})
}

// TestAlterationsAreFound by somebody who has the database and not the keys, each in a record of its own; and with the entry at which it was done.
func TestAlterationsAreFound(t *testing.T) {
	const last = `(SELECT max(seq) FROM audit_entry)`
	type alteration struct {
		name string
		at   int64
		do   []string
	}
	alterations := []alteration{
		{"what was done", 3, []string{`UPDATE audit_entry SET content = '{"phase":"begun"}' WHERE seq = 3`}},
		{"an amount in it", 3, []string{`UPDATE audit_entry SET content = replace(content, '"10"', '"11"') WHERE seq = 3`}},
		{"who did it", 5, []string{`UPDATE audit_entry SET who = 'bob(1)' WHERE seq = 5`}},
		{"when", 5, []string{`UPDATE audit_entry SET at = at - 1 WHERE seq = 5`}},
		{"the name of the act", 7, []string{`UPDATE audit_entry SET act = 'shop.list' WHERE seq = 7`}},
		{"whose shop it was", 7, []string{`UPDATE audit_entry SET shop = NULL WHERE seq = 7`}},
		{"a hash", 9, []string{`UPDATE audit_entry SET hash = 'aa' WHERE seq = 9`}},
		{"an entry is gone", 4, []string{`DELETE FROM audit_entry WHERE seq = 4`}},
		{"an entry is gone and the others move up", 4, []string{
			`DELETE FROM audit_entry WHERE seq = 4`, `UPDATE audit_entry SET seq = -seq WHERE seq > 4`, `UPDATE audit_entry SET seq = -seq - 1 WHERE seq < 0`,
			`UPDATE audit_head SET seq = 9`,
		}},
		{"two change places", 5, []string{
			`UPDATE audit_entry SET seq = -1 WHERE seq = 5`, `UPDATE audit_entry SET seq = 5 WHERE seq = 6`, `UPDATE audit_entry SET seq = 6 WHERE seq = -1`,
		}},
		{"one is put before all", 0, []string{`INSERT INTO audit_entry SELECT 0, id, at, act, who, shop, content, hash FROM audit_entry WHERE seq = 1`}},
		{"one is put behind all", 11, []string{
			`INSERT INTO audit_entry SELECT 11, id, at, act, who, shop, content, hash FROM audit_entry WHERE seq = 1`, `UPDATE audit_head SET seq = 11`,
		}},
		{"the first ones are gone", 1, []string{`DELETE FROM audit_entry WHERE seq < 4`}},
		{"the last ones are gone", 9, []string{`DELETE FROM audit_entry WHERE seq > 8`}},
		{"the last ones are gone, and the head names the one before", 9, []string{
			`DELETE FROM audit_entry WHERE seq > 8`, `UPDATE audit_head SET seq = 8, hash = (SELECT hash FROM audit_entry WHERE seq = 8)`,
		}},
		{"all is gone", 1, []string{`DELETE FROM audit_entry`, `DELETE FROM audit_head`}},
		{"the head is gone", 1, []string{`DELETE FROM audit_head`}},
		{"the head is another", 10, []string{`UPDATE audit_head SET hash = 'aa' WHERE seq = ` + last}},
	}
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		for _, a := range alterations {
			t.Run(a.name, func(t *testing.T) {
				l := open(t, storetest.New(t, d.Kind))
				for i := range 5 {
					l.act(fmt.Sprintf("shop.update-%d", i), audit.Outcome{})
				}
				heads := l.written()
				if r := l.verify(heads); len(r.Findings) != 0 {
					t.Fatalf("before: %+v", r)
				}
				for _, statement := range a.do {
					l.d.ExecAll(statement)
				}
				r := l.verify(heads)
				if len(r.Findings) == 0 || r.Findings[0].Seq != a.at {
					t.Errorf("%+v; want a finding at %d first", r, a.at)
				}
			})
		}
	})
}

// TestTheTailIsNotReplaced: entries that are cut off and written anew by the program itself are not those of which the heads were written.
func TestTheTailIsNotReplaced(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := open(t, d)
		for range 3 {
			l.act("shop.update", audit.Outcome{})
		}
		l.d.ExecAll(`DELETE FROM audit_entry WHERE seq > 4`)
		l.d.Exec(`UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit_entry WHERE seq = 4)`)
		l.act("shop.update", audit.Outcome{})
		if r := l.verify(nil); len(r.Findings) != 0 {
			t.Errorf("nothing in the database tells: %+v", r)
		}
		if r := l.verify(l.written()); len(r.Findings) == 0 || r.Findings[0].Seq != 5 {
			t.Errorf("%+v", r)
		}
	})
}

// TestOtherKeysBindNothing: a chain that somebody makes with keys of their own is not this one, and a restored installation's is.
func TestOtherKeysBindNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := open(t, d)
		l.act("shop.create", audit.Outcome{})
		other, err := vault.NewKeyring(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := l.by(other, "").Verify(t.Context(), nil); err != nil || len(r.Findings) != 2 {
			t.Errorf("%+v, %v", r, err)
		}
		renewed, err := l.keys.Renewed(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := l.by(renewed, "").Verify(t.Context(), nil); err != nil || len(r.Findings) != 0 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// TestManyWriteAtOnce: every act is there once, in one chain, also where commits are in doubt.
func TestManyWriteAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := open(t, d)
		l.db = d.Reopen(l.db, func(o *store.Options) { o.Fault = storetest.Unreliable(5) })
		records := []*audit.Record{l.by(l.keys, ""), l.by(l.keys, "")}
		var wg sync.WaitGroup
		var mu sync.Mutex
		begun := 0
		for i := range 8 {
			wg.Go(func() {
				for range 5 {
					b, err := records[i%2].Begin(t.Context(), audit.Act{Name: "shop.update", Who: "root(0)"})
					if err != nil {
						continue // it was not done
					}
					mu.Lock()
					begun++
					mu.Unlock()
					records[i%2].End(context.WithoutCancel(t.Context()), b, audit.Outcome{})
				}
			})
		}
		wg.Wait()
		l.db = d.Reopen(l.db, func(o *store.Options) { o.Fault = nil })
		r, err := l.by(l.keys, "").Verify(t.Context(), nil)
		if err != nil || len(r.Findings) != 0 || begun == 0 || r.Entries < int64(begun) {
			t.Errorf("%d begun: %+v, %v", begun, r, err)
		}
		seen := map[string]bool{}
		if err := l.db.View(t.Context(), func(tx *store.Tx) error {
			all, err := tx.Installation().Acts().From(1, 1000)
			for _, e := range all {
				if seen[e.ID] {
					t.Errorf("entry %d is there twice", e.Seq)
				}
				seen[e.ID] = true
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestHeadsAreReadFromLogs(t *testing.T) {
	hash := strings.Repeat("0f", 32)
	in := strings.Join([]string{
		"1 " + hash, `time=2026-11-30T10:00:00Z level=INFO msg="audit head" seq=2 hash=` + hash,
		`{"time":"2026-11-30T10:00:00Z","level":"INFO","msg":"audit head","seq":3,"hash":"` + hash + `"}`,
		"", "x", "4 zz", "0 " + hash, "-1 " + hash, `{"seq":5}`, "6 " + hash[2:],
	}, "\n")
	heads, err := audit.ReadHeads(strings.NewReader(in))
	if err != nil || fmt.Sprint(heads) != fmt.Sprintf("[{1 %[1]s} {2 %[1]s} {3 %[1]s}]", hash) {
		t.Errorf("%v, %v", heads, err)
	}
}
