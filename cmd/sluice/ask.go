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

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/config"
)

// operator is what every command has that administers an installation.
type operator struct {
	config.Common
	JSON bool `name:"json" help:"Print the answer as JSON: an object, or of a list one object a line."`
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
	return saysMore(s.err, result)
}

// ask has an operation carried out by the process that serves the data folder, or here when none does.
func ask[A, R any](s *surroundings, o *operator, op admin.Operation[A, R], arguments A) (R, error) {
	var result R
	flags := config.Flags{Common: o.Common}
	c, err := config.Load(flags, s.env)
	if err != nil {
		return result, err
	}
	conn, err := new(net.Dialer).DialContext(s.ctx, "unix", filepath.Join(c.Data, adminSocket))
	if err == nil {
		raw, err := forward(s, conn, op.Name(), arguments)
		if err == nil {
			err = json.Unmarshal(raw, &result)
		}
		return result, err
	}
	b, err := openBase(s, flags) // no server on this folder, or one that is gone
	if err != nil {
		return result, err
	}
	defer b.db.Close()
	a, err := newApp(b, b.config.PublicURL)
	if err != nil {
		return result, err
	}
	return op.Do(admin.As(s.ctx, admin.Person{Account: account(), Claims: claimed(s.env)}), a.desk, arguments)
}

// request is an operation on its way to the serving process.
type request struct {
	Operation string          `json:"operation"`
	Arguments json.RawMessage `json:"arguments"`
	Claims    string          `json:"claims,omitempty"` // who asks, as they say
}

// forward hands the operation to the process at the other end and returns its result.
func forward(s *surroundings, conn net.Conn, operation string, arguments any) (json.RawMessage, error) {
	limit := taskTimeout
	if operation == admin.OpTakeBackup.Name() {
		limit = 0 // it takes as long as the database is large, and ends when this process does
	}
	client := http.Client{Timeout: limit, Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}}
	defer client.CloseIdleConnections()
	raw, err := json.Marshal(arguments)
	if err != nil {
		return nil, fmt.Errorf("render arguments: %w", err)
	}
	body, err := json.Marshal(request{operation, raw, claimed(s.env)})
	if err != nil {
		return nil, fmt.Errorf("render request: %w", err)
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, "http://admin/operation", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("administrative request: %w", err)
	}
	res, err := client.Do(req)
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
