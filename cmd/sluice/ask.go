package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
)

// operator is what every command has that administers an installation.
type operator struct {
	config.Common
	JSON  bool `name:"json" help:"Print the answer as JSON: an object, or of a list one object a line."`
	Quiet bool `name:"quiet" short:"q" help:"Do not say on standard error which server or database answered."`
}

// perform has an operation carried out, in the serving process or here, and prints its result: as JSON where that was
// asked for, otherwise by show.
func perform[A, R any](s *surroundings, o *operator, op admin.Operation[A, R], arguments A, show func(io.Writer, R) error) error {
	result, err := ask(s, o, op, arguments)
	if err != nil {
		return err
	}
	if o.JSON {
		show = jsonResult[R]
	}
	if err := show(s.out, result); err != nil {
		return err
	}
	if err := saysMore(s.err, result); err != nil {
		return err
	}
	return awaitEffect(s.ctx, result)
}

// awaitEffect waits until a change is in force at every node, so that what a command says has happened has happened when it
// ends. Whoever stops it meanwhile does not undo the change.
func awaitEffect(ctx context.Context, result any) error {
	change, ok := result.(interface{ From() time.Time })
	if !ok {
		return nil
	}
	select {
	case <-time.After(time.Until(change.From())):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("it is done, and in force everywhere from %s on", change.From().Format(time.DateTime))
	}
}

// ask has an operation carried out by the process that serves the data folder, or here when none does. A database that
// the command names is the one that is worked on: where the server has another, it is left alone.
func ask[A, R any](s *surroundings, o *operator, op admin.Operation[A, R], arguments A) (R, error) {
	var result R
	flags := config.Flags{Common: o.Common}
	c, err := config.Load(flags, s.env)
	if err != nil {
		return result, err
	}
	place, err := app.PlaceOf(&c)
	if err != nil {
		return result, err
	}
	server, err := reach(s.ctx, c.Data)
	if err != nil {
		return result, err
	}
	if server != nil && (c.Database == "" || server.Database == place) {
		o.answeredf(s, "answered by the server of %s (pid %d), %s", app.FolderOf(&c), server.PID, server.Database)
		raw, err := server.forward(s, op.Name(), arguments)
		if err == nil {
			err = json.Unmarshal(raw, &result)
		}
		return result, err
	}
	b, err := open(s, c, app.Open)
	if err != nil {
		return result, err
	}
	defer b.Close()
	a, err := newNode(b, b.config.PublicURL)
	if err != nil {
		return result, err
	}
	if server != nil {
		o.answeredf(s, "answered from %s, as --database says; the server of %s (pid %d) has %s", place, app.FolderOf(&c), server.PID, server.Database)
	} else {
		o.answeredf(s, "answered from %s; no server runs on %s", place, app.FolderOf(&c))
	}
	return op.Do(admin.As(s.ctx, admin.Person{Account: account(), Claims: claimed(s.env)}), a.Desk, arguments)
}

// answeredf tells people which installation they are working on; standard output has the answer alone.
func (o *operator) answeredf(s *surroundings, format string, facts ...any) {
	if !o.Quiet {
		fmt.Fprintf(s.err, "sluice: "+format+"\n", facts...)
	}
}

// serving is what a server says of itself to other processes of this machine.
type serving struct {
	PID      int               `json:"pid"`
	Version  string            `json:"version"`
	Database app.DatabasePlace `json:"database"`

	client *http.Client
}

// reach finds the server of a data folder; without an error there may be none.
func reach(ctx context.Context, folder string) (*serving, error) {
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(folder, adminSocket))
	}
	first, err := dial(ctx)
	if err != nil {
		return nil, nil //nolint:nilerr // no server on this folder, or one that is gone
	}
	_ = first.Close() // it was to see whether somebody listens
	server := &serving{client: &http.Client{Timeout: taskTimeout, Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}}
	raw, err := server.call(ctx, http.MethodGet, "/server", nil)
	if err == nil {
		err = json.Unmarshal(raw, server)
	}
	if err != nil {
		return nil, fmt.Errorf("the server that runs on %s does not say what it is; if it is of another version, use its own program: %w", folder, err)
	}
	return server, nil
}

// request is an operation on its way to the serving process.
type request struct {
	Operation string          `json:"operation"`
	Arguments json.RawMessage `json:"arguments"`
	Claims    string          `json:"claims,omitempty"` // who asks, as they say
}

// forward hands the operation to the server and returns its result.
func (v *serving) forward(s *surroundings, operation string, arguments any) (json.RawMessage, error) {
	if operation == admin.OpTakeBackup.Name() {
		v.client.Timeout = 0 // it takes as long as the database is large, and ends when this process does
	}
	raw, err := json.Marshal(arguments)
	if err != nil {
		return nil, fmt.Errorf("render arguments: %w", err)
	}
	body, err := json.Marshal(request{operation, raw, claimed(s.env)})
	if err != nil {
		return nil, fmt.Errorf("render request: %w", err)
	}
	return v.call(s.ctx, http.MethodPost, "/operation", body)
}

func (v *serving) call(ctx context.Context, method, path string, body []byte) (json.RawMessage, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("administrative request: %w", err)
	}
	res, err := v.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("running server: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("answer of the running server: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.New(string(bytes.TrimSpace(text)))
	}
	return text, nil
}
