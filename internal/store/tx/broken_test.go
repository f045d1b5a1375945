package tx_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

func TestWhatBreaksTheStorage(t *testing.T) {
	t.Parallel()
	for code, breaks := range map[int]bool{
		sqlite3.SQLITE_IOERR: true, sqlite3.SQLITE_IOERR_FSYNC: true, sqlite3.SQLITE_IOERR_DIR_FSYNC: true,
		sqlite3.SQLITE_IOERR_WRITE: true, sqlite3.SQLITE_IOERR_TRUNCATE: true, sqlite3.SQLITE_IOERR_READ: true,
		sqlite3.SQLITE_IOERR_SHORT_READ: true, sqlite3.SQLITE_IOERR_FSTAT: true, sqlite3.SQLITE_IOERR_DELETE: true,
		sqlite3.SQLITE_IOERR_CORRUPTFS: true, sqlite3.SQLITE_CORRUPT: true, sqlite3.SQLITE_CORRUPT_INDEX: true,
		sqlite3.SQLITE_NOTADB: true, sqlite3.SQLITE_READONLY_DBMOVED: true,

		sqlite3.SQLITE_FULL: false, sqlite3.SQLITE_BUSY: false, sqlite3.SQLITE_NOMEM: false, sqlite3.SQLITE_CANTOPEN: false,
		sqlite3.SQLITE_READONLY: false, sqlite3.SQLITE_IOERR_SHMSIZE: false, sqlite3.SQLITE_IOERR_LOCK: false,
		sqlite3.SQLITE_IOERR_NOMEM: false, sqlite3.SQLITE_CONSTRAINT_UNIQUE: false,
	} {
		if kind := tx.SQLiteKind(code); errors.Is(kind, tx.ErrBroken) != breaks {
			t.Errorf("code %d: %v", code, kind)
		}
	}
	// The index of the write-ahead log that cannot grow says that the disk is full, and no more.
	for _, code := range []int{sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE} {
		if kind := tx.SQLiteKind(code); !errors.Is(kind, tx.ErrFull) {
			t.Errorf("code %d: %v, want ErrFull", code, kind)
		}
	}
	for _, code := range []int{sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CANTOPEN} {
		if kind := tx.SQLiteKind(code); !errors.Is(kind, tx.ErrUnavailable) || errors.Is(kind, tx.ErrFull) {
			t.Errorf("code %d: %v, want ErrUnavailable alone", code, kind)
		}
	}
}

// withEarly are the test migrations with one row more, the account "early". It does not come through Update,
// so after opening nothing waits for a checkpoint: the next one follows the first commit of a test.
func withEarly(t *testing.T) fs.FS {
	t.Helper()
	files := fstest.MapFS{"0003_early.sql": {Data: []byte(`INSERT INTO t_account (shop_id, id, version, balance, units, open, created_at)
		VALUES ('shop', 'early', 1, '0', 0, TRUE, 1);`)}}
	for _, name := range []string{"0001_account.sql", "0002_entry.sql"} {
		text, err := fs.ReadFile(testMigrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	return files
}

// onDisk opens a database on a disk that can fail, with its log. It holds the account "early".
func onDisk(t *testing.T) (*tx.DB, *storetest.Disk, *bytes.Buffer) {
	t.Helper()
	dir, log := t.TempDir(), &bytes.Buffer{}
	disk := storetest.NewDisk(t, dir)
	db, err := tx.Open(t.Context(), tx.Options{
		Dir: dir, Migrate: true, Migrations: withEarly(t), Logger: slog.New(slog.NewTextHandler(log, nil)),
	}, tables())
	if err != nil {
		t.Fatal(err)
	}
	disk.KnownBy(db.Broken())
	return db, disk, log
}

// restart opens what the disk kept.
func restart(t *testing.T, disk *storetest.Disk, powerCut bool) *tx.DB {
	t.Helper()
	dir := t.TempDir()
	disk.Restart(t, dir, powerCut)
	db, err := tx.Open(t.Context(), tx.Options{Dir: dir, Migrations: withEarly(t)}, tables())
	if err != nil {
		t.Fatalf("restart: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		storetest.CheckSQLite(t, dir)
	})
	return db
}

func TestFailedSyncOfACommit(t *testing.T) {
	t.Parallel()
	db, disk, log := onDisk(t)
	if db.Failure() != nil {
		t.Fatal(db.Failure())
	}
	disk.FailAt(storetest.CallSync, 1)
	insert := func(id string) error {
		return db.Update(t.Context(), func(x *tx.Tx) error { addAccount(x, id, 1); return nil })
	}
	err := insert("struck")
	if !errors.Is(err, tx.ErrBroken) || !errors.Is(err, tx.ErrUnavailable) || !errors.Is(err, tx.ErrCommitUnknown) {
		t.Errorf("the commit whose sync failed: %v", err)
	}
	select {
	case <-db.Broken():
	default:
		t.Error("the owner is not told")
	}
	if err := insert("later"); !errors.Is(err, tx.ErrBroken) || errors.Is(err, tx.ErrCommitUnknown) {
		t.Errorf("a later write: %v", err)
	}
	if !exists(t, db, "early") || exists(t, db, "struck") {
		t.Error("reads show what stood before")
	}
	if err := db.Close(); !errors.Is(err, tx.ErrBroken) {
		t.Errorf("close: %v", err)
	}
	if _, later := disk.Struck(); len(later) > 0 {
		t.Errorf("the files were changed after the fault: %v", later)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "sluice.db") {
		t.Errorf("%d errors in the log:\n%s", n, log)
	}
	for _, powerCut := range []bool{false, true} {
		again := restart(t, disk, powerCut)
		if !exists(t, again, "early") || exists(t, again, "later") {
			t.Errorf("power cut %t: early %t, later %t", powerCut, exists(t, again, "early"), exists(t, again, "later"))
		}
		if struck := exists(t, again, "struck"); struck == powerCut {
			t.Errorf("power cut %t: struck %t; its outcome was truly unknown", powerCut, struck)
		}
	}
}

// TestFailedSyncOfACheckpoint: nobody waits for a checkpoint, and still its failure ends the writing.
func TestFailedSyncOfACheckpoint(t *testing.T) {
	t.Parallel()
	db, disk, _ := onDisk(t)
	disk.FailOn("sluice.db", storetest.CallSync, 1)
	create(t, db, "late")
	select {
	case <-db.Broken():
	case <-time.After(time.Minute):
		t.Fatal("the checkpoint's failure went unseen")
	}
	if err := increment(t.Context(), db, "early"); !errors.Is(err, tx.ErrBroken) {
		t.Errorf("a later write: %v", err)
	}
	if err := db.Close(); !errors.Is(err, tx.ErrBroken) {
		t.Errorf("close: %v", err)
	}
	if _, later := disk.Struck(); len(later) > 0 {
		t.Errorf("the files were changed after the fault: %v", later)
	}
	for _, powerCut := range []bool{false, true} {
		if again := restart(t, disk, powerCut); !exists(t, again, "early") || !exists(t, again, "late") {
			t.Errorf("power cut %t: an acknowledged row is gone", powerCut)
		}
	}
}

// TestACheckpointThatFailsUnderACommit: the sync of a checkpoint fails and takes with it what a commit has just written to the
// log. The commit is not acknowledged, whoever is told of the loss.
func TestACheckpointThatFailsUnderACommit(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{false, true} {
		t.Run(fmt.Sprintf("told once %t", once), func(t *testing.T) {
			t.Parallel()
			db, disk, _ := onDisk(t)
			checkpoint, release, err := db.HoldCheckpoints(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			create(t, db, "before")
			if once {
				disk.TellOnce()
				db.ToldOnce()
			}
			disk.FailOn("sluice.db-wal", storetest.CallSync, 1)
			failed := make(chan error, 1)
			disk.OnWrite("sluice.db-wal", func() { failed <- checkpoint() })
			done := make(chan error, 1)
			go func() {
				done <- db.Update(t.Context(), func(x *tx.Tx) error { addAccount(x, "under way", 1); return nil })
			}()
			cause := <-failed
			if !errors.Is(cause, tx.ErrBroken) {
				t.Errorf("the checkpoint: %v", cause)
			}
			var outcome error
			if !once { // its own sync told the commit, before the checkpointer could
				outcome = <-done
			}
			release(cause)
			if once {
				outcome = <-done
			}
			if !errors.Is(outcome, tx.ErrCommitUnknown) || !errors.Is(outcome, tx.ErrBroken) {
				t.Errorf("the commit whose pages were lost: %v", outcome)
			}
			if err := db.Close(); !errors.Is(err, tx.ErrBroken) {
				t.Errorf("close: %v", err)
			}
			if again := restart(t, disk, true); !exists(t, again, "before") || exists(t, again, "under way") {
				t.Errorf("after a power cut: before %t, under way %t", exists(t, again, "before"), exists(t, again, "under way"))
			}
		})
	}
}

// TestStorageMayFailWhileOpening makes every call in turn fail that opening a new folder makes.
func TestStorageMayFailWhileOpening(t *testing.T) {
	t.Parallel()
	for _, call := range []storetest.Call{
		storetest.CallSync, storetest.CallTruncate, storetest.CallRead, storetest.CallWrite, storetest.CallTear,
	} {
		t.Run(string(call), func(t *testing.T) {
			t.Parallel()
			struck := true
			nth := 0
			for struck && !t.Failed() {
				nth++
				t.Run(fmt.Sprint(nth), func(t *testing.T) {
					dir := t.TempDir()
					disk := storetest.NewDisk(t, dir)
					disk.FailAt(call, nth)
					db, err := tx.Open(t.Context(), tx.Options{Dir: dir, Migrate: true, Migrations: testMigrations()}, tables())
					if err == nil {
						err = db.Close()
					}
					if struck, _ = disk.Struck(); struck != (err != nil) {
						t.Errorf("fault: %t, but the outcome is %v", struck, err)
					}
					for _, powerCut := range []bool{false, true} {
						again := t.TempDir()
						disk.Restart(t, again, powerCut)
						db, err := tx.Open(t.Context(), tx.Options{Dir: again, Migrate: true, Migrations: testMigrations()}, tables())
						if err != nil {
							t.Fatalf("restart, power cut %t: %v", powerCut, err)
						}
						create(t, db, "a")
						if err := db.Close(); err != nil {
							t.Error(err)
						}
						storetest.CheckSQLite(t, again)
					}
				})
			}
			t.Logf("opening got through at call %d", nth)
		})
	}
}
