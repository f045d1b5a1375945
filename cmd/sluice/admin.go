package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicepay/sluice/internal/config"
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

// task is one administrative command with its arguments; exactly one field is set.
type task struct {
	CreateShop     *createShop     `json:"createShop,omitempty"`
	ListShops      *listShops      `json:"listShops,omitempty"`
	UpdateShop     *updateShop     `json:"updateShop,omitempty"`
	CreateKey      *createKey      `json:"createKey,omitempty"`
	ListKeys       *listKeys       `json:"listKeys,omitempty"`
	RevokeKey      *revokeKey      `json:"revokeKey,omitempty"`
	CreateTerminal *createTerminal `json:"createTerminal,omitempty"`
	ListTerminals  *listTerminals  `json:"listTerminals,omitempty"`
	CheckPayment   *checkPayment   `json:"checkPayment,omitempty"`
	UpdatePayment  *updatePayment  `json:"updatePayment,omitempty"`
	ApproveUpdate  *approveUpdate  `json:"approveUpdate,omitempty"`
	ListUpdates    *listUpdates    `json:"listUpdates,omitempty"`
	ParkedPayments *parkedPayments `json:"parkedPayments,omitempty"`
	StopRecurring  *stopRecurring  `json:"stopRecurring,omitempty"`
	ParkedNotices  *parkedNotices  `json:"parkedNotices,omitempty"`
	ShowNotice     *showNotice     `json:"showNotice,omitempty"`
	RetryNotice    *retryNotice    `json:"retryNotice,omitempty"`

	ListAlarms *listAlarms `json:"listAlarms,omitempty"`
	AckAlarm   *ackAlarm   `json:"ackAlarm,omitempty"`
	ListUntold *listUntold `json:"listUntold,omitempty"`

	ListDeliveries   *listDeliveries   `json:"listDeliveries,omitempty"`
	ResendDeliveries *resendDeliveries `json:"resendDeliveries,omitempty"`
	ListEndpoints    *listEndpoints    `json:"listEndpoints,omitempty"`
	SwitchEndpoint   *switchEndpoint   `json:"switchEndpoint,omitempty"`
	RotateKey        *rotateKey        `json:"rotateKey,omitempty"`
	ListTokenKeys    *listTokenKeys    `json:"listTokenKeys,omitempty"`
	RotateTokenKey   *rotateTokenKey   `json:"rotateTokenKey,omitempty"`
}

type taskRunner interface {
	run(ctx context.Context, b *base, out io.Writer) error
}

func (t task) runner() (taskRunner, error) {
	for _, r := range []struct {
		set bool
		r   taskRunner
	}{
		{t.CreateShop != nil, t.CreateShop}, {t.ListShops != nil, t.ListShops}, {t.UpdateShop != nil, t.UpdateShop}, {t.CreateKey != nil, t.CreateKey},
		{t.ListKeys != nil, t.ListKeys}, {t.RevokeKey != nil, t.RevokeKey},
		{t.CreateTerminal != nil, t.CreateTerminal}, {t.ListTerminals != nil, t.ListTerminals},
		{t.CheckPayment != nil, t.CheckPayment}, {t.UpdatePayment != nil, t.UpdatePayment},
		{t.ApproveUpdate != nil, t.ApproveUpdate}, {t.ParkedPayments != nil, t.ParkedPayments},
		{t.StopRecurring != nil, t.StopRecurring},
		{t.ParkedNotices != nil, t.ParkedNotices}, {t.RetryNotice != nil, t.RetryNotice},
		{t.ShowNotice != nil, t.ShowNotice}, {t.ListUpdates != nil, t.ListUpdates},
		{t.ListAlarms != nil, t.ListAlarms}, {t.AckAlarm != nil, t.AckAlarm}, {t.ListUntold != nil, t.ListUntold},
		{t.ListDeliveries != nil, t.ListDeliveries}, {t.ResendDeliveries != nil, t.ResendDeliveries},
		{t.ListEndpoints != nil, t.ListEndpoints}, {t.SwitchEndpoint != nil, t.SwitchEndpoint},
		{t.RotateKey != nil, t.RotateKey},
		{t.ListTokenKeys != nil, t.ListTokenKeys}, {t.RotateTokenKey != nil, t.RotateTokenKey},
	} {
		if r.set {
			return r.r, nil
		}
	}
	return nil, errors.New("unknown administrative command")
}

// perform runs a task in the serving process, or here when none serves this folder.
func perform(s *surroundings, common config.Common, t task) error {
	flags := config.Flags{Common: common}
	c, err := config.Load(flags, s.env)
	if err != nil {
		return err
	}
	answered, err := forward(s, filepath.Join(c.Data, adminSocket), t)
	if answered || err != nil {
		return err
	}
	b, err := openBase(s, flags)
	if err != nil {
		return err
	}
	defer b.db.Close()
	r, err := t.runner()
	if err != nil {
		return err
	}
	return r.run(s.ctx, b, s.out)
}

// taskTimeout bounds a task, for both sides alike. Only the operator can connect, and where the machine stands still for some
// seconds no command is to fail.
const taskTimeout = time.Minute

// forward hands the task to the process behind the socket; answered is false when
// nobody listens there.
func forward(s *surroundings, path string, t task) (answered bool, err error) {
	conn, err := new(net.Dialer).DialContext(s.ctx, "unix", path)
	if err != nil {
		return false, nil // no server on this folder, or one that is gone
	}
	client := http.Client{Timeout: taskTimeout, Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}}
	defer client.CloseIdleConnections()
	body, err := json.Marshal(t)
	if err != nil {
		return true, fmt.Errorf("render task: %w", err)
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, "http://admin/task", bytes.NewReader(body))
	if err != nil {
		return true, fmt.Errorf("administrative request: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return true, fmt.Errorf("running server: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return true, fmt.Errorf("answer of the running server: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return true, errors.New(string(bytes.TrimSpace(text)))
	}
	_, err = s.out.Write(text)
	return true, err
}

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
func serveAdmin(ctx context.Context, b *base) (stop func()) {
	l, release, err := listenAdmin(ctx, b.config.Data)
	if errors.Is(err, errHeld) {
		b.log.WarnContext(ctx, "no admin socket: another server of this data folder answers administrative commands for all of them")
		return func() {}
	}
	if err != nil {
		b.log.WarnContext(ctx, "no admin socket: administer this server by its database only", "error", err)
		return func() {}
	}
	server := &http.Server{
		ReadHeaderTimeout: taskTimeout, ReadTimeout: taskTimeout,
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.admin(w, r) }),
		ErrorLog: slog.NewLogLogger(b.log.Handler(), slog.LevelWarn),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			b.log.ErrorContext(ctx, "admin socket", "error", err)
		}
	}()
	return func() {
		_ = server.Close() // tasks are single transactions
		<-done
		release()
	}
}

func (b *base) admin(w http.ResponseWriter, r *http.Request) {
	var t task
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	runner, err := t.runner()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var out bytes.Buffer
	ctx := r.Context()
	err = rescue.Call(func() error { return runner.run(ctx, b, &out) })
	if p := rescue.From(err); p != nil {
		b.log.ErrorContext(ctx, "administrative command panicked", "error", err, "stack", p.Stack())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	_, _ = w.Write(out.Bytes()) // the command on the other side reports a cut answer
}
