package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/rescue"
)

// An embedded database belongs to the process that serves it. Administration of a
// running server therefore goes through a socket in its data folder, which only the
// folder's owner can reach; without a running server the database is opened directly.

const (
	adminSocket = "admin.sock"
	adminLock   = "admin.lock" // held by the server whose socket it is
)

// errHeld says that another process holds the file.
var errHeld = errors.New("held by another process")

// taskTimeout bounds a task, for both sides alike. Only the operator can connect, and where the machine stands still for some
// seconds no command is to fail.
const taskTimeout = time.Minute

// listenAdmin makes the socket of the data folder. Several servers on one PostgreSQL may share a folder: the first answers
// for all, and the socket of one that lives is never touched. errHeld says that there is one.
func listenAdmin(ctx context.Context, folder string) (l net.Listener, release func(), err error) {
	path := filepath.Join(folder, adminSocket)
	held, err := holdFile(filepath.Join(folder, adminLock))
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			held()
		}
	}()
	if conn, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil { // of a program that holds no file
		_ = conn.Close()
		return nil, nil, errHeld
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("old admin socket: %w", err)
	}
	if l, err = new(net.ListenConfig).Listen(ctx, "unix", path); err != nil {
		return nil, nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close() // the first error says more
		return nil, nil, fmt.Errorf("admin socket: %w", err)
	}
	return l, held, nil
}

// serveAdmin answers tasks on the socket until ctx ends, unless another server does for this folder.
func serveAdmin(ctx context.Context, a *node) (stop func()) {
	l, release, err := listenAdmin(ctx, a.config.Data)
	if errors.Is(err, errHeld) {
		a.log.WarnContext(ctx, "no admin socket: another server of this data folder answers administrative commands for all of them")
		return func() {}
	}
	if err != nil {
		a.log.WarnContext(ctx, "no admin socket: administer this server by its database only", "error", err)
		return func() {}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /server", a.identify)
	mux.HandleFunc("POST /operation", a.admin)
	server := &http.Server{
		ReadHeaderTimeout: taskTimeout, ReadTimeout: taskTimeout,
		Handler:  mux,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peer(c))
		},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.ErrorContext(ctx, "admin socket", "error", err)
		}
	}()
	return func() {
		_ = server.Close() // tasks are single transactions
		<-done
		release()
	}
}

// identify says which server this is.
func (a *node) identify(w http.ResponseWriter, _ *http.Request) {
	place, err := app.PlaceOf(&a.config)
	var raw []byte
	if err == nil {
		raw, err = json.Marshal(serving{PID: os.Getpid(), Version: version, Database: place})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(raw) // the caller is gone if this fails
}

// peerKey is where a request's context has the account at the other end of the socket.
type peerKey struct{}

// admin answers a command that another process was given.
func (a *node) admin(w http.ResponseWriter, r *http.Request) {
	var q request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, admin.MaxRequest)).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	op := admin.Find(q.Operation)
	if op == nil {
		http.Error(w, fmt.Sprintf("the running server, version %s, does not know the operation %q", version, q.Operation), http.StatusBadRequest)
		return
	}
	account, _ := r.Context().Value(peerKey{}).(string)
	ctx := admin.As(r.Context(), admin.Person{Account: account, Claims: q.Claims})
	var result json.RawMessage
	err := rescue.Call(func() (err error) {
		result, err = op.Answer(ctx, a.Desk, q.Arguments)
		return err
	})
	if p := rescue.From(err); p != nil {
		a.log.ErrorContext(ctx, "administrative command panicked", "error", err, "stack", p.Stack())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(result) // the command on the other side reports a cut answer
}
