package storetest

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sluicepay/sluice/internal/store"
)

// disks holds the Disk of each folder that has one.
var disks sync.Map

// handle is an open file of a Disk.
type handle struct {
	disk *Disk
	path string
	file *image
	real *sqlite3.Tsqlite3_io_methods // of the system's own VFS
	told int                          // of how many losses of the file
}

// shim is a copy of the system's VFS whose files go through their Disk. SQLite's registry is one for the
// process; files in folders without a Disk are not touched.
var shim struct {
	once    sync.Once
	real    *sqlite3.Tsqlite3_vfs
	open    openFunc // kept, because SQLite only has its address
	handles sync.Map // address of an open file to *handle
	methods sync.Map // address of the system's methods to ours
}

func installShim(t testing.TB) (err error) {
	shim.once.Do(func() {
		// The store chooses the locks of the process, which has to come before anything else is asked of the library.
		if err = store.Migrate(context.Background(), store.Options{Dir: t.TempDir()}); err != nil {
			return
		}
		tls := libc.NewTLS()
		defer tls.Close()
		usual := sqlite3.Xsqlite3_vfs_find(tls, 0)
		name, failed := libc.CString("failing-disk")
		made := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
		if usual == 0 || failed != nil || made == 0 {
			err = errors.New("no VFS to stand on")
			return
		}
		shim.real = at[sqlite3.Tsqlite3_vfs](usual)
		shim.open = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
			rc := callee[openFunc](shim.real.FxOpen)(tls, vfs, name, file, flags, outFlags)
			if rc == sqlite3.SQLITE_OK && name != 0 {
				opened(tls, strings.Clone(libc.GoString(name)), file)
			}
			return rc
		}
		own := at[sqlite3.Tsqlite3_vfs](made)
		*own = *shim.real
		own.FzName, own.FxOpen, own.FxDelete = name, pointer[openFunc](shim.open), pointer(shimDelete)
		if rc := sqlite3.Xsqlite3_vfs_register(tls, made, 1); rc != sqlite3.SQLITE_OK {
			err = errors.New("the VFS is not taken")
		}
	})
	return err
}

// at is the C object at an address.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// pointer is the address that translated C code calls a function by.
func pointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// callee is the function at such an address.
func callee[F any](address uintptr) F {
	p := &address
	return *(*F)(unsafe.Pointer(p))
}

type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	transferFunc = func(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	closeFunc    = func(tls *libc.TLS, file uintptr) int32
	deleteFunc   = func(tls *libc.TLS, vfs, name uintptr, syncFolder int32) int32
)

// opened puts the calls of a file that was just opened through the Disk of its folder.
func opened(tls *libc.TLS, path string, file uintptr) {
	found, ok := disks.Load(filepath.Dir(path))
	if !ok {
		return
	}
	d := found.(*Disk)
	methods := &at[sqlite3.Tsqlite3_file](file).FpMethods
	of := d.imageOf(path)
	d.mu.Lock()
	defer d.mu.Unlock()
	shim.handles.Store(file, &handle{disk: d, path: path, file: of, real: at[sqlite3.Tsqlite3_io_methods](*methods), told: of.lost})
	*methods = shimMethods(tls, *methods)
}

// shimDelete forgets a file, for good: folders are synced at once here.
func shimDelete(tls *libc.TLS, vfs, name uintptr, syncFolder int32) int32 {
	path := strings.Clone(libc.GoString(name))
	if found, ok := disks.Load(filepath.Dir(path)); ok {
		d := found.(*Disk)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.fails(tls, callDelete, path)
		delete(d.files, path)
	}
	return callee[deleteFunc](shim.real.FxDelete)(tls, vfs, name, syncFolder)
}

func shimMethods(tls *libc.TLS, usual uintptr) uintptr {
	if made, ok := shim.methods.Load(usual); ok {
		return made.(uintptr)
	}
	made := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
	own := at[sqlite3.Tsqlite3_io_methods](made)
	*own = *at[sqlite3.Tsqlite3_io_methods](usual)
	own.FxClose, own.FxRead, own.FxWrite = pointer(shimClose), pointer(shimRead), pointer(shimWrite)
	own.FxTruncate, own.FxSync = pointer(shimTruncate), pointer(shimSync)
	first, _ := shim.methods.LoadOrStore(usual, made)
	return first.(uintptr)
}

func handleOf(file uintptr) *handle {
	h, _ := shim.handles.Load(file)
	return h.(*handle)
}

func shimClose(tls *libc.TLS, file uintptr) int32 {
	h, _ := shim.handles.LoadAndDelete(file)
	return callee[closeFunc](h.(*handle).real.FxClose)(tls, file)
}

func shimRead(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	h := handleOf(file)
	h.disk.mu.Lock()
	fails := h.disk.fails(tls, CallRead, h.path)
	h.disk.mu.Unlock()
	if fails {
		return sqlite3.SQLITE_IOERR_READ
	}
	return callee[transferFunc](h.real.FxRead)(tls, file, buffer, n, offset)
}

func shimWrite(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	h := handleOf(file)
	if rc := h.write(tls, file, buffer, n, offset); rc != sqlite3.SQLITE_OK {
		return rc
	}
	if fn := h.disk.written(h.path); fn != nil {
		fn()
	}
	return sqlite3.SQLITE_OK
}

func (h *handle) write(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	fails := h.disk.fails(tls, CallWrite, h.path)
	if fails && h.disk.call == CallWrite {
		return sqlite3.SQLITE_IOERR_WRITE
	}
	if fails {
		n /= 2
	}
	rc := callee[transferFunc](h.real.FxWrite)(tls, file, buffer, n, offset)
	if rc == sqlite3.SQLITE_OK {
		h.file.write(offset, unsafe.Slice(at[byte](buffer), n))
	}
	if fails {
		return sqlite3.SQLITE_IOERR_WRITE
	}
	return rc
}

func shimTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	h := handleOf(file)
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.disk.fails(tls, CallTruncate, h.path) {
		return sqlite3.SQLITE_IOERR_TRUNCATE
	}
	rc := callee[truncateFunc](h.real.FxTruncate)(tls, file, size)
	if rc == sqlite3.SQLITE_OK {
		h.file.pending = append(h.file.pending, change{at: size})
	}
	return rc
}

// shimSync does not trouble the real disk: what is synced is what the image says.
func shimSync(tls *libc.TLS, file uintptr, _ int32) int32 {
	h := handleOf(file)
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.disk.fails(tls, CallSync, h.path) {
		h.file.pending = nil // the kernel gives up the pages whose write failed, and the next sync reports success
		h.file.lost++
		h.told = h.file.lost
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	h.file.sync()
	if h.told < h.file.lost && !h.disk.toldOnce {
		h.told = h.file.lost // but every descriptor hears once what was lost while it was open
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	return sqlite3.SQLITE_OK
}
