package tx

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// Place says where a database is, without the password that opens it. Two places that are equal are one database; two
// that differ may be one under two names.
type Place struct {
	Kind   Kind   `json:"kind"`
	File   string `json:"file,omitempty"` // of SQLite
	Host   string `json:"host,omitempty"` // of PostgreSQL, with the port; several are separated by commas
	Name   string `json:"name,omitempty"`
	User   string `json:"user,omitempty"`
	Schema string `json:"schema,omitempty"` // search path where one is set
}

// String is the place for people.
func (p Place) String() string {
	if p.Kind == SQLite {
		return "SQLite " + p.File
	}
	return "PostgreSQL " + p.Host + "/" + p.Name
}

// PlaceOf tells where the database is that the options name. It connects to nothing.
func PlaceOf(opts Options) (Place, error) {
	kind, err := opts.kind()
	if err != nil {
		return Place{}, err
	}
	if kind == SQLite {
		dir, err := filepath.Abs(opts.Dir)
		if err != nil {
			return Place{}, fmt.Errorf("data folder: %w", err)
		}
		return Place{Kind: SQLite, File: filepath.Join(dir, sqliteFileName)}, nil
	}
	pool, err := parsePostgres(opts.URL)
	if err != nil {
		return Place{}, err
	}
	c := pool.ConnConfig
	hosts := []string{hostPort(c.Host, c.Port)}
	for _, other := range c.Fallbacks { // the same host once more with or without TLS, or another one
		if next := hostPort(other.Host, other.Port); next != hosts[len(hosts)-1] {
			hosts = append(hosts, next)
		}
	}
	p := Place{Kind: Postgres, Host: strings.Join(hosts, ","), Name: c.Database, User: c.User, Schema: c.RuntimeParams["search_path"]}
	if u, err := url.Parse(opts.URL); err == nil && p.Schema == "" {
		p.Schema = u.Query().Get("options") // may hold a search path
	}
	return p, nil
}

func hostPort(host string, port uint16) string {
	if port == 5432 {
		return strings.ToLower(host)
	}
	return strings.ToLower(host) + ":" + strconv.Itoa(int(port))
}
