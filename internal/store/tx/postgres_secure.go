package tx

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sluicepay/sluice/internal/address"
)

// What a database may ask for over a connection of which nobody knows who is at its other end. A password in clear is given
// to none of them, unless the URL says so by require_auth.
const (
	authUnprotected = "!password,!md5"
	authEstablished = "!password" // of an installation that there was before
)

const warnUnprotected = "the connection to the database is not protected: who is on the way can read and change all that is stored, " +
	"and be taken for the database; give --database sslmode=verify-full, and sslrootcert=FILE where the system does not know its authority, " +
	"or sslmode=disable where nobody is on the way"

// secure decides how the connection is protected. A server that is not on this machine is spoken to by TLS and has to have
// the certificate of its name, unless the URL, the environment or a service file says otherwise. An installation that there
// was before goes on as it is, with a warning, where its database lacks that; a database that just does not answer is no
// reason to.
func (db *DB) secure(ctx context.Context, plain *pgx.ConnConfig, opts Options) error {
	if !remote(&plain.Config) {
		return nil
	}
	if saysMode(plain, opts.URL) {
		if exposed(&plain.Config) && plain.RequireAuth == "" {
			plain.RequireAuth = authUnprotected
			if opts.Established {
				plain.RequireAuth = authEstablished
			}
		}
		return nil
	}
	strict, err := parsePostgres(withMode(opts.URL, "verify-full"))
	if err != nil {
		return err
	}
	was := plain.Copy()
	replaceRemote(&plain.Config, &strict.ConnConfig.Config)
	db.checked = true
	if !opts.Established {
		return nil
	}
	conn, err := pgx.ConnectConfig(ctx, plain.Copy())
	if err == nil {
		return conn.Close(ctx)
	}
	if !unproved(err) {
		return connectError(err)
	}
	db.checked = false
	plain.Host, plain.Port, plain.TLSConfig, plain.Fallbacks = was.Host, was.Port, was.TLSConfig, was.Fallbacks
	if plain.RequireAuth == "" {
		plain.RequireAuth = authEstablished
	}
	db.log.WarnContext(ctx, warnUnprotected, "setting", "sslmode", "error", err.Error())
	return nil
}

// unproved reports that the server was reached and could not show what it had to: it has no TLS, or no right certificate, or
// its pg_hba.conf has no entry for who comes by TLS.
func unproved(err error) bool {
	if refusesTLS(err) || badCertificate(err) {
		return true
	}
	if pg, answered := errors.AsType[*pgconn.PgError](err); answered {
		return pg.Code == "28000"
	}
	return strings.Contains(err.Error(), "tls: ") // no version or cipher in common, an alert, a record that is none
}

// refusesTLS: the driver has no error of its own for that.
func refusesTLS(err error) bool {
	return strings.Contains(err.Error(), "server refused TLS connection")
}

// badCertificate reports a certificate of somebody else, of an unknown authority or of another time.
func badCertificate(err error) bool {
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, other := errors.AsType[x509.CertificateInvalidError](err)
	return authority || name || other
}

// Checked reports a database on another machine whose certificate is checked without the URL saying so: from then on
// nothing less is to do.
func (db *DB) Checked() bool { return db.checked }

// servers lists every way in which the configuration would connect, in order.
func servers(c *pgconn.Config) []*pgconn.FallbackConfig {
	return append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
}

// away reports a server that is reached over a network.
func away(s *pgconn.FallbackConfig) bool {
	network, _ := pgconn.NetworkAddress(s.Host, s.Port)
	return network != "unix" && !address.Local(s.Host)
}

func remote(c *pgconn.Config) bool { return slices.ContainsFunc(servers(c), away) }

// exposed reports that a server that is away may be spoken to in clear.
func exposed(c *pgconn.Config) bool {
	return slices.ContainsFunc(servers(c), func(s *pgconn.FallbackConfig) bool { return away(s) && s.TLSConfig == nil })
}

// replaceRemote puts the ways of strict in the place of those to servers that are away.
func replaceRemote(c, strict *pgconn.Config) {
	type server struct {
		host string
		port uint16
	}
	var all []*pgconn.FallbackConfig
	done := map[server]bool{}
	for _, s := range servers(c) {
		at := server{s.Host, s.Port}
		switch {
		case !away(s):
			all = append(all, s)
		case !done[at]:
			done[at] = true
			for _, better := range servers(strict) {
				if at == (server{better.Host, better.Port}) {
					all = append(all, better)
					break
				}
			}
		}
	}
	c.Host, c.Port, c.TLSConfig, c.Fallbacks = all[0].Host, all[0].Port, all[0].TLSConfig, all[1:]
}

// saysMode reports that somebody has said how the connection is protected. What no text says is "prefer", by which a server
// is first tried with TLS of any certificate and then without: any other way comes from a service file.
func saysMode(c *pgx.ConnConfig, url string) bool {
	_, query, _ := strings.Cut(url, "?")
	for setting := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(setting, "=")
		if name == "sslmode" || name == "ssl" || name == "sslrootcert" && value == "system" {
			return true
		}
	}
	if os.Getenv("PGSSLMODE") != "" || os.Getenv("PGSSLROOTCERT") == "system" {
		return true
	}
	for _, s := range servers(&c.Config) {
		if away(s) && s.TLSConfig == nil {
			return modes(&c.Config, s) != "tls,clear"
		}
	}
	return c.SSLNegotiation != "direct" // where nothing is said, it means TLS of any certificate
}

// modes tells in which ways a server is tried.
func modes(c *pgconn.Config, at *pgconn.FallbackConfig) string {
	var ways []string
	for _, s := range servers(c) {
		switch {
		case s.Host != at.Host || s.Port != at.Port:
		case s.TLSConfig == nil:
			ways = append(ways, "clear")
		default:
			ways = append(ways, "tls")
		}
	}
	return strings.Join(ways, ",")
}

// withMode adds an sslmode to a URL that has none.
func withMode(url, mode string) string {
	join := "?"
	if strings.Contains(url, "?") {
		join = "&"
	}
	return url + join + "sslmode=" + mode
}

// connectError says what to do where that is known. Errors of the driver name user, database and address and no password.
func connectError(err error) error {
	hint := ""
	var pg *pgconn.PgError
	text := err.Error()
	answered := errors.As(err, &pg) // by a database, perhaps on a second try in clear: then it is not TLS that it lacks
	switch {
	case badCertificate(err):
		hint = "the certificate of a database on another machine is checked: give the URL sslrootcert=FILE with its authority, and the host " +
			"that stands in the certificate; or sslmode=require, which believes everybody, or sslmode=disable, where nobody is on the way"
	case !answered && refusesTLS(err):
		hint = "a database on another machine is spoken to by TLS: turn ssl on there, or give the URL sslmode=disable where nobody is on the way"
	case strings.Contains(text, "authentication method requirement"):
		hint = "it asks for the password over a connection that is not protected, where everybody on the way can read it: give the URL " +
			"sslmode=verify-full, let the database use scram-sha-256, or name what it may ask for by require_auth=password or require_auth=md5"
	case answered && pg.Code == "28P01":
		hint = "in the URL special characters of a password are written as %40 for @, %25 for % and so on"
	}
	if hint == "" {
		return fmt.Errorf("%w: %s", ErrUnavailable, text)
	}
	return fmt.Errorf("%w: %s (%s)", ErrUnavailable, text, hint)
}
