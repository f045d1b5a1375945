package tx_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

const secretWord = "hunter2-in-clear"

// impostor speaks the first messages of PostgreSQL's protocol, asks for a password and keeps all that it is sent, as it
// reads it.
type impostor struct {
	tls    *tls.Config // nil: it speaks none
	ask    pgproto3.BackendMessage
	hangUp bool // at once, as one does that is being started

	mu      sync.Mutex
	got     []string // passwords and digests
	started int      // connections that came as far as their first message
	calls   int      // that it hung up on
}

// start returns the port.
func (i *impostor) start(t *testing.T) string {
	t.Helper()
	return listen(t, i.serve)
}

// listen serves each connection to a port of this machine, which it returns. The test ends when the last has been served.
func listen(t *testing.T, serve func(net.Conn)) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

func (i *impostor) serve(conn net.Conn) {
	if i.hangUp {
		i.mu.Lock()
		i.calls++
		i.mu.Unlock()
		return
	}
	const wantsTLS = 80877103
	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return
	}
	if head[0] != 0 { // TLS at once, and no length
		return
	}
	if binary.BigEndian.Uint32(head[4:]) == wantsTLS {
		if i.tls == nil {
			_, _ = conn.Write([]byte("N"))
		} else {
			_, _ = conn.Write([]byte("S"))
			conn = tls.Server(conn, i.tls)
		}
	} else {
		conn = &replayed{conn, bytes.NewReader(head[:])}
	}
	backend := pgproto3.NewBackend(conn, conn)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	i.mu.Lock()
	i.started++
	i.mu.Unlock()
	backend.Send(i.ask)
	if _, refused := i.ask.(*pgproto3.ErrorResponse); refused {
		_ = backend.Flush() // the client may be gone
		return
	}
	if backend.Flush() != nil || backend.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
		return
	}
	message, err := backend.Receive()
	if err != nil {
		return
	}
	if p, ok := message.(*pgproto3.PasswordMessage); ok {
		i.mu.Lock()
		i.got = append(i.got, p.Password)
		i.mu.Unlock()
	}
	backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "28P01", Message: "seen"})
	_ = backend.Flush() // the client may be gone
}

// replayed gives back what was read already.
type replayed struct {
	net.Conn

	first *bytes.Reader
}

func (r *replayed) Read(p []byte) (int, error) {
	if r.first.Len() > 0 {
		return r.first.Read(p)
	}
	return r.Conn.Read(p)
}

// authority makes a certificate for db.example, and the file with the authority that signed it.
func authority(t *testing.T) (served *tls.Config, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"db.example"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}, file
}

// here has every name at this machine, so that its servers are somebody else's to the store.
func here(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }

// TestNoPasswordForWhoeverAnswers: a server that takes the place of the database gets no password that it could read, and
// is told apart from the database where nobody has said that it need not be.
func TestNoPasswordForWhoeverAnswers(t *testing.T) {
	t.Parallel()
	served, file := authority(t)
	old := served.Clone()
	old.MaxVersion = tls.VersionTLS11
	noEntry := &pgproto3.ErrorResponse{Severity: "FATAL", Code: "28000", Message: "no pg_hba.conf entry for host, SSL encryption"}
	noDatabase := &pgproto3.ErrorResponse{Severity: "FATAL", Code: "3D000", Message: "the database does not exist"}
	clearText, md5 := &pgproto3.AuthenticationCleartextPassword{}, &pgproto3.AuthenticationMD5Password{Salt: [4]byte{1, 2, 3, 4}}
	for _, c := range []struct {
		name        string
		host, query string
		tls         *tls.Config
		ask         pgproto3.BackendMessage
		established bool
		gets        string // the password, its digest, or nothing
		started     bool   // it hears so much as the name of the database
		hint        string
		warns       bool
	}{
		{name: "speaks no TLS", ask: clearText, hint: "sslmode=disable"},
		{name: "a certificate of its own", tls: served, ask: clearText, hint: "sslrootcert=FILE"},
		{name: "a name of its own", host: "other.example", query: "sslrootcert=" + file, tls: served, ask: clearText, hint: "sslrootcert=FILE"},
		{name: "the right certificate", query: "sslrootcert=" + file, tls: served, ask: clearText, started: true, gets: secretWord, hint: "%40 for @"},
		{name: "in clear by the operator's word", query: "sslmode=disable", ask: clearText, started: true, hint: "require_auth"},
		{name: "MD5 in clear by the operator's word", query: "sslmode=disable", ask: md5, started: true, hint: "require_auth"},
		{name: "what can be had", query: "sslmode=prefer", ask: clearText, started: true, hint: "require_auth"},
		{name: "what can be had, with TLS", query: "sslmode=prefer", tls: served, ask: clearText, started: true, hint: "require_auth"},
		{name: "clear first", query: "sslmode=allow", ask: clearText, started: true, hint: "require_auth"},
		{name: "all of it by the operator's word", query: "sslmode=disable&require_auth=password", ask: clearText, started: true, gets: secretWord},
		{name: "TLS that believes everybody", query: "sslmode=require", tls: served, ask: clearText, started: true, gets: secretWord},
		{name: "TLS that believes everybody, without", query: "sslmode=require", ask: clearText, hint: "sslmode=disable"},
		{name: "direct TLS", query: "sslnegotiation=direct", ask: clearText},
		{name: "several hosts", host: "127.0.0.1:1,db.example", ask: clearText, hint: "sslmode=disable"},
		{name: "this machine", host: "127.0.0.1", ask: clearText, started: true, gets: secretWord},
		{name: "this machine by name", host: "localhost", ask: md5, started: true, gets: "md5"},

		{name: "established, no TLS", established: true, ask: clearText, started: true, hint: "require_auth", warns: true},
		{name: "established, a certificate of its own", established: true, tls: served, ask: clearText, started: true, hint: "require_auth", warns: true},
		{name: "established, MD5", established: true, ask: md5, started: true, gets: "md5", warns: true},
		{name: "established, MD5 by the operator's word", query: "sslmode=disable", established: true, ask: md5, started: true, gets: "md5"},
		{name: "established, the right certificate", query: "sslrootcert=" + file, established: true, tls: served, ask: clearText, started: true, gets: secretWord, hint: "%40 for @"},
		{name: "established, the right certificate of another name", host: "other.example", query: "sslrootcert=" + file, established: true, tls: served, ask: clearText, started: true, hint: "require_auth", warns: true},
		{name: "established, TLS that is too old", established: true, tls: old, ask: clearText, started: true, hint: "require_auth", warns: true},
		{name: "established, no TLS for us by pg_hba.conf", query: "sslrootcert=" + file, established: true, tls: served, ask: noEntry, started: true, warns: true},
		{name: "established, no such database", query: "sslrootcert=" + file, established: true, tls: served, ask: noDatabase, started: true, hint: "does not exist"},
		{name: "established, clear by the operator's word", query: "sslmode=disable", established: true, ask: clearText, started: true, hint: "require_auth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			i := &impostor{tls: c.tls, ask: c.ask}
			host := c.host
			if host == "" {
				host = "db.example"
			}
			var log bytes.Buffer
			target := "postgres://sluice:" + secretWord + "@" + host + ":" + i.start(t) + "/sluice"
			if c.query != "" {
				target += "?" + c.query
			}
			_, err := tx.Open(t.Context(), tx.Options{
				URL: target, Lookup: here, Established: c.established, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			}, tables())
			i.mu.Lock()
			defer i.mu.Unlock()
			if !errors.Is(err, tx.ErrUnavailable) || !strings.Contains(err.Error(), c.hint) || strings.Contains(err.Error()+log.String(), secretWord) {
				t.Errorf("no %q in %v", c.hint, err)
			}
			if got := strings.Join(i.got, " "); !strings.HasPrefix(got, c.gets) || (got == "") != (c.gets == "") {
				t.Errorf("it got %q", got)
			}
			if (i.started > 0) != c.started {
				t.Errorf("%d connections were taken for one to the database", i.started)
			}
			if warned := strings.Contains(log.String(), "sslmode=verify-full"); warned != c.warns {
				t.Errorf("warned is %t: %s", warned, log.String())
			}
		})
	}
}

// TestADatabaseThatDoesNotAnswerHasToProveItself: that says nothing about its certificate, so it is no reason to do without
// one, for an installation that was there before neither.
func TestADatabaseThatDoesNotAnswerHasToProveItself(t *testing.T) {
	t.Parallel()
	starting := &impostor{hangUp: true}
	for name, port := range map[string]string{"nobody listens": "1", "it hangs up": starting.start(t)} {
		var log bytes.Buffer
		_, err := tx.Open(t.Context(), tx.Options{
			URL: "postgres://sluice:" + secretWord + "@db.example:" + port + "/sluice", Lookup: here, Established: true,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}, tables())
		if !errors.Is(err, tx.ErrUnavailable) || log.Len() > 0 {
			t.Errorf("%s: %v, and it warns: %s", name, err, log.String())
		}
	}
	starting.mu.Lock()
	defer starting.mu.Unlock()
	if starting.calls != 1 {
		t.Errorf("called %d times, want once", starting.calls)
	}
}

// terminator speaks TLS before a server that does not, and returns its port.
func terminator(t *testing.T, server string, served *tls.Config) string {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		onward, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer onward.Close()
		if _, err := io.CopyN(io.Discard, conn, 8); err != nil { // its wish for TLS
			return
		}
		_, _ = conn.Write([]byte("S"))
		secret := tls.Server(conn, served)
		var back sync.WaitGroup
		defer back.Wait()
		back.Go(func() {
			_, _ = io.Copy(secret, onward)
			_ = conn.Close()
		})
		_, _ = io.Copy(onward, secret)
		_ = onward.Close()
	})
}

// TestADatabaseElsewhere: one that is reached by the name of another machine has to have a certificate, unless the URL says
// otherwise or the installation was there before.
func TestADatabaseElsewhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		if d.Kind != tx.Postgres {
			t.Skip("a file is on this machine")
		}
		said := strings.Replace(d.Options(testSchema).URL, "@127.0.0.1:", "@db.example:", 1)
		unsaid := strings.Replace(said, "sslmode=disable", "application_name=test", 1)
		if said == d.Options(testSchema).URL || unsaid == said {
			t.Skip("the server is not one of scripts/postgres.sh")
		}
		u, err := url.Parse(d.Options(testSchema).URL)
		if err != nil {
			t.Fatal(err)
		}
		served, file := authority(t)
		query := url.Values{"sslrootcert": {file}}
		proved := *u
		proved.Host, proved.RawQuery = "db.example:"+terminator(t, u.Host, served), query.Encode()
		for _, c := range []struct {
			name, url   string
			established bool
			opens       bool
			warns       bool
			checked     bool
		}{
			{"a new installation", unsaid, false, false, false, false},
			{"one that was there", unsaid, true, true, true, false},
			{"a new one whose URL says so", said, false, true, false, false},
			{"one that was there, whose URL says so", said, true, true, false, false},
			{"a certificate", proved.String(), false, true, false, true},
			{"one that was there, a certificate", proved.String(), true, true, false, true},
		} {
			var log bytes.Buffer
			db, err := tx.Open(t.Context(), tx.Options{
				URL: c.url, Lookup: here, Established: c.established, Migrate: true, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			}, tables())
			if err != nil && (c.opens || !strings.Contains(err.Error(), "sslmode=disable")) || err == nil && !c.opens {
				t.Errorf("%s: %v", c.name, err)
			}
			if warned := strings.Contains(log.String(), "sslmode=verify-full"); warned != c.warns {
				t.Errorf("%s: warned is %t", c.name, warned)
			}
			if err != nil {
				continue
			}
			err = db.View(t.Context(), func(x *tx.Tx) error {
				_, err := tx.List(x, scanAccount, selectAccount, "shop", "a")
				return err
			})
			if err != nil || db.Checked() != c.checked {
				t.Errorf("%s: %v, checked is %t", c.name, err, db.Checked())
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestADatabaseThatAnswersIsBelieved: one on this machine is first tried with TLS and then without. What it answers then is
// what is wrong, and not that it knows no TLS.
func TestADatabaseThatAnswersIsBelieved(t *testing.T) {
	t.Parallel()
	storetest.New(t, tx.Postgres) // skips without a server
	u, err := url.Parse(os.Getenv("SLUICE_TEST_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Del("sslmode")
	u.RawQuery, u.Path = query.Encode(), "/sluice_test_is_not_there"
	db, err := tx.Open(t.Context(), tx.Options{URL: u.String()}, tables())
	if err == nil {
		_ = db.Close()
		t.Fatal("opened what is not there")
	}
	if text := err.Error(); !errors.Is(err, tx.ErrUnavailable) || !strings.Contains(text, "does not exist") || strings.Contains(text, "another machine") {
		t.Error(text)
	}
}
