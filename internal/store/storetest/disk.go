package storetest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"modernc.org/libc"
)

// Call is a kind of call that SQLite makes of a file.
type Call string

// The calls that can be made to fail.
const (
	CallRead     Call = "read"
	CallWrite    Call = "write"
	CallTear     Call = "torn write" // a write of which only the first half is done
	CallSync     Call = "sync"
	CallTruncate Call = "truncate"

	callDelete Call = "delete" // only counted
)

// Disk is the storage below the SQLite databases of one folder. It can fail at a chosen call, and it knows
// at any time what a power cut would leave: what was synced. It takes in what goes through SQLite; the
// index of the write-ahead log, which a new process builds anew, does not.
type Disk struct {
	dir string

	mu     sync.Mutex
	only   string // name of the file; "" is any
	call   Call
	nth    int
	count  int
	struck bool
	by     *libc.TLS // the connection that it struck
	known  <-chan struct{}
	ended  map[*libc.TLS]bool // other connections that have ended a transaction since the fault is known
	later  []string           // calls after the fault that should not have been made
	files  map[string]*image

	toldOnce bool // see TellOnce
	onWrite  map[string]func()
}

// image is one file: what is on the disk for sure, and what was done since.
type image struct {
	synced  []byte
	pending []change
	lost    int // how often what was pending was dropped
}

// change is data written at an offset, or with data nil the new length of the file.
type change struct {
	at   int64
	data []byte
}

// NewDisk puts itself below the folder's databases until the test ends. It must be made before they are
// opened.
func NewDisk(t testing.TB, dir string) *Disk {
	t.Helper()
	d := &Disk{dir: dir, files: map[string]*image{}, ended: map[*libc.TLS]bool{}}
	if err := installShim(t); err != nil {
		t.Fatal(err)
	}
	disks.Store(dir, d)
	t.Cleanup(func() { disks.Delete(dir) })
	return d
}

// FailAt makes the nth call of a kind fail, counted from 1 and from now, and only that one.
func (d *Disk) FailAt(call Call, nth int) { d.FailOn("", call, nth) }

// FailOn is FailAt for the calls of one file, given by its name in the folder.
func (d *Disk) FailOn(name string, call Call, nth int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.only, d.call, d.nth, d.count = name, call, nth, 0
}

// TellOnce makes the disk report what it has dropped to one descriptor only, like systems other than Linux. Since version 4.13
// Linux tells every descriptor that was open then, at its next sync.
func (d *Disk) TellOnce() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.toldOnce = true
}

// OnWrite calls fn after the next write to a file, given by its name in the folder, while the writer waits.
func (d *Disk) OnWrite(name string, fn func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onWrite = map[string]func(){name: fn}
}

// written is what OnWrite has for a file, once.
func (d *Disk) written(path string) func() {
	d.mu.Lock()
	defer d.mu.Unlock()
	fn := d.onWrite[filepath.Base(path)]
	delete(d.onWrite, filepath.Base(path))
	return fn
}

// KnownBy tells when the process under test knows of the fault: once the channel is closed. The connection that the fault
// strikes brings its error there while others go on.
func (d *Disk) KnownBy(broken <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = broken
}

// Struck reports whether the fault has happened, and which calls came after it that must not: any that the
// connection made to change a file, and any that others made to change the write-ahead log, but for the one
// transaction that another may have under way when the fault gets known. What a checkpoint moves that another
// connection has under way is in the log for good already.
func (d *Disk) Struck() (struck bool, later []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.struck, d.later
}

// Restart copies the files as the next process would find them: after a crash with everything that was
// written, after a power cut only with what was synced.
func (d *Disk) Restart(t testing.TB, to string, powerCut bool) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, file := range d.files {
		content := file.synced
		if !powerCut {
			var err error
			if content, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// imageOf takes what is there when a file is opened first for synced.
func (d *Disk) imageOf(path string) *image {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[path] == nil {
		content, _ := os.ReadFile(path) // it was opened a moment ago
		d.files[path] = &image{synced: content}
	}
	return d.files[path]
}

// fails counts a call and reports whether it is the one to fail.
func (d *Disk) fails(tls *libc.TLS, call Call, path string) bool {
	if d.struck {
		if call != CallRead && (tls == d.by || d.begins(tls, call, path)) {
			d.later = append(d.later, string(call)+" "+filepath.Base(path))
		}
		return false
	}
	if d.only != "" && d.only != filepath.Base(path) {
		return false
	}
	if call != d.call && (call != CallWrite || d.call != CallTear) {
		return false
	}
	d.count++
	if d.struck = d.count == d.nth; d.struck {
		d.by = tls
	}
	return d.struck
}

// begins reports that a call of another connection than the struck one changes the log for a transaction that began after the
// fault was known: after one that ended, by the sync of the log, since then. Up to there it may have been under way.
func (d *Disk) begins(tls *libc.TLS, call Call, path string) bool {
	select {
	case <-d.known:
	default:
		return false
	}
	if !strings.HasSuffix(path, "-wal") {
		return false
	}
	if call == CallSync {
		d.ended[tls] = true
		return false
	}
	return d.ended[tls]
}

func (f *image) write(at int64, data []byte) {
	f.pending = append(f.pending, change{at, append([]byte{}, data...)})
}

// sync makes what was done stand.
func (f *image) sync() {
	for _, c := range f.pending {
		end := c.at + int64(len(c.data))
		if c.data == nil || end > int64(len(f.synced)) {
			grown := make([]byte, end)
			copy(grown, f.synced)
			f.synced = grown
		}
		copy(f.synced[c.at:], c.data)
	}
	f.pending = nil
}

// CheckSQLite has SQLite look for damage in the closed database of a folder.
func CheckSQLite(t testing.TB, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sluice.db")+"?_query_only=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(context.Background(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check of %s: %q, %v", dir, verdict, err)
	}
}
