package tx_test

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// pooler hands the transactions of its clients to connections of its own, as PgBouncer does: with shared, all of them to the
// same one by turns, otherwise those of a client to one that no other gets. It knows no TLS and no passwords.
type pooler struct {
	server string // host and port
	shared bool

	mu      sync.Mutex // held by the client whose transaction runs on the shared connection
	backend *pgproto3.Frontend
	status  []*pgproto3.ParameterStatus
	clients uint32
}

// start returns where it listens.
func (p *pooler) start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	var conns sync.Map
	t.Cleanup(func() {
		_ = l.Close()
		conns.Range(func(c, _ any) bool { return c.(net.Conn).Close() == nil || true })
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Store(conn, true)
			serving.Go(func() {
				defer conn.Close()
				if err := p.serve(conn, &conns); err != nil && !errors.Is(err, net.ErrClosed) {
					t.Logf("pooler: %v", err) // the client has gone
				}
			})
		}
	})
	return l.Addr().String()
}

func (p *pooler) serve(conn net.Conn, conns *sync.Map) error {
	client := pgproto3.NewBackend(conn, conn)
	first, err := client.ReceiveStartupMessage()
	if err != nil {
		return err
	}
	startup, ok := first.(*pgproto3.StartupMessage)
	if !ok {
		return errors.New("it asks for TLS, or for an end")
	}
	p.mu.Lock()
	p.clients++
	own := pgproto3.BackendKeyData{ProcessID: 1<<30 + p.clients, SecretKey: []byte{1, 2, 3, 4}}
	backend := p.backend
	if backend == nil || !p.shared {
		backend, err = p.connect(startup, conns)
		p.backend = backend
	}
	status := p.status
	p.mu.Unlock()
	if err != nil {
		return err
	}
	client.Send(&pgproto3.AuthenticationOk{})
	for _, s := range status {
		client.Send(s)
	}
	client.Send(&own)
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if err := client.Flush(); err != nil {
		return err
	}
	for {
		if err := p.transaction(client, backend); err != nil {
			return err
		}
	}
}

// connect opens a connection to the server, which trusts everybody.
func (p *pooler) connect(startup *pgproto3.StartupMessage, conns *sync.Map) (*pgproto3.Frontend, error) {
	conn, err := net.Dial("tcp", p.server)
	if err != nil {
		return nil, err
	}
	conns.Store(conn, true)
	backend := pgproto3.NewFrontend(conn, conn)
	backend.Send(startup)
	if err := backend.Flush(); err != nil {
		return nil, err
	}
	p.status = nil
	for {
		message, err := backend.Receive()
		if err != nil {
			return nil, err
		}
		switch m := message.(type) {
		case *pgproto3.ParameterStatus:
			p.status = append(p.status, &pgproto3.ParameterStatus{Name: m.Name, Value: m.Value})
		case *pgproto3.ErrorResponse:
			return nil, errors.New(m.Message)
		case *pgproto3.ReadyForQuery:
			return backend, nil
		}
	}
}

// transaction passes on what a client sends until the server is between two transactions.
func (p *pooler) transaction(client *pgproto3.Backend, backend *pgproto3.Frontend) error {
	held := false
	defer func() {
		if held {
			p.mu.Unlock()
		}
	}()
	for {
		message, err := client.Receive()
		if err != nil {
			return err
		}
		if _, over := message.(*pgproto3.Terminate); over {
			return net.ErrClosed
		}
		if !held && p.shared {
			p.mu.Lock()
			held = true
		}
		backend.Send(message)
		if err := backend.Flush(); err != nil {
			return err
		}
		switch message.(type) {
		case *pgproto3.Sync, *pgproto3.Query:
		default:
			continue
		}
		for ready := false; !ready; {
			answer, err := backend.Receive()
			if err != nil {
				return err
			}
			client.Send(answer)
			r, ends := answer.(*pgproto3.ReadyForQuery)
			if ready = ends; ready && r.TxStatus == 'I' {
				return client.Flush()
			}
		}
		if err := client.Flush(); err != nil {
			return err
		}
	}
}

// TestPoolers: one that loses prepared statements is recognised, with the settings that help, and with the one in the URL
// all works; one that keeps a connection for each client needs nothing.
func TestPoolers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		if d.Kind != tx.Postgres {
			t.Skip("nothing is between us and a file")
		}
		u, err := url.Parse(d.Options(testSchema).URL)
		if err != nil || u.Query().Get("sslmode") != "disable" || u.User.String() != "postgres" {
			t.Skip("the server is not one of scripts/postgres.sh")
		}
		server := u.Host
		for _, c := range []struct {
			name, mode string
			shared     bool
			refused    bool
		}{
			{"transactions", "", true, true},
			{"transactions, with the setting", "exec", true, false},
			{"transactions, with another that does", "cache_describe", true, false},
			{"sessions", "", false, false},
		} {
			query := u.Query()
			if c.mode != "" {
				query.Set("default_query_exec_mode", c.mode)
			}
			u.Host, u.RawQuery = (&pooler{server: server, shared: c.shared}).start(t), query.Encode()
			db, err := tx.Open(t.Context(), tx.Options{URL: u.String(), Migrate: true}, tables())
			if errors.Is(err, tx.ErrPooler) != c.refused || err != nil && !c.refused {
				t.Errorf("%s: %v", c.name, err)
			}
			if err != nil {
				continue
			}
			var working sync.WaitGroup
			for i := range 8 {
				working.Go(func() {
					name := c.name + strconv.Itoa(i)
					err := db.Update(t.Context(), func(x *tx.Tx) error {
						addAccount(x, name, 1)
						return nil
					})
					if err == nil {
						err = db.View(t.Context(), func(x *tx.Tx) error { _, err := load(x, name); return err })
					}
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			working.Wait()
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
