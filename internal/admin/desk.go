package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/audit"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/records"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/vault"
	"github.com/sluicepay/sluice/internal/webhook"
)

// Config is what a Desk works with. All of it is required but what says otherwise.
type Config struct {
	DB         *store.DB
	Engine     *engine.Engine // which need not serve
	Records    *records.Records
	Keys       vault.Keyring
	TokenKeys  *webhook.KeyRing
	IDs        *id.Source
	Connectors []connector.Type
	Client     *outbound.Client // of providers
	Now        func() time.Time
	Random     io.Reader
	Log        *slog.Logger

	PublicURL      string // of the server; empty where none serves
	InsecureHTTP   bool   // live shops may have http addresses that are not of this machine
	NeverKeepCards bool   // no number of a card is kept, however short
	MasterFolder   string // data folder whose file is the master key; empty where that stands elsewhere
	Database       string // URL of PostgreSQL, for its own programs; empty for SQLite
	Version        string // of this program
	Process        string // this process, as the record of acts names it
	Heads          string // file that the heads of the record of acts are written to; empty for none
}

// Desk is where operators work on one installation. It is safe for concurrent use.
type Desk struct {
	c      Config
	record *audit.Record
}

// New returns a desk.
func New(c Config) *Desk {
	return &Desk{c, audit.New(audit.Config{DB: c.DB, MAC: c.Keys.AuditMAC, IDs: c.IDs, Log: c.Log, Process: c.Process, Heads: c.Heads})}
}

// mostListed bounds lists that have no limit of their own.
const mostListed = 1000

// List is a result of many things, in order.
type List[T any] struct {
	Items []T  `json:"items"`
	More  bool `json:"more,omitempty"` // there are others, which the limit has left out
}

// Lines returns the things one by one, as they are printed a line each.
func (l List[T]) Lines() []any {
	lines := make([]any, len(l.Items))
	for i := range l.Items {
		lines[i] = l.Items[i]
	}
	return lines
}

// Cut returns how many things are listed where there are more, otherwise 0.
func (l List[T]) Cut() int {
	if !l.More {
		return 0
	}
	return len(l.Items)
}

// listOf shows each thing of the store as the result has it.
func listOf[S, T any](found []S, show func(*S) T) List[T] {
	l := List[T]{Items: make([]T, len(found))}
	for i := range found {
		l.Items[i] = show(&found[i])
	}
	return l
}

// bounded is listOf for at most limit things, of which one more was looked for.
func bounded[S, T any](found []S, limit int, show func(*S) T) List[T] {
	l := listOf(found[:min(len(found), limit)], show)
	l.More = len(found) > limit
	return l
}

// Effect says from when on a change is in force everywhere: at once where one process has the database to itself,
// otherwise when no other can still be going by what it has read before.
type Effect struct {
	InForce time.Time `json:"inForceFrom,omitzero"`
}

// From is the instant.
func (e Effect) From() time.Time { return e.InForce }

// effect is that of a change that is committed now.
func (d *Desk) effect() Effect { return Effect{d.c.Engine.InForce().UTC()} }

// Nothing is the argument of acts that take none.
type Nothing struct{}

// OfShop is the argument of acts that are about a whole shop.
type OfShop struct {
	Shop string `name:"shop" required:"" placeholder:"ID" help:"Id of the shop, as \"sluice shop list\" shows it." json:"shop"`
}

// shopOf returns a shop as the database has it now.
func (d *Desk) shopOf(ctx context.Context, sid string) (shop.Shop, error) {
	s, err := view(ctx, d, func(tx *store.Tx) (shop.Shop, error) { return tx.Shops().Get(shop.ID(sid)) })
	return s, shopError(err, sid)
}

// view reads one thing in a transaction.
func view[T any](ctx context.Context, d *Desk, read func(*store.Tx) (T, error)) (T, error) {
	var found T
	err := d.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		found, err = read(tx)
		return err
	})
	return found, err
}

// shopError words what an act on a shop failed with.
func shopError(err error, sid string) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("there is no shop %s; \"sluice shop list\" shows them", named(sid))
	case errors.Is(err, store.ErrConflict):
		return fmt.Errorf("shop %s: others changed it each time, so nothing was changed; give the command again: %w", sid, err)
	}
	return err
}

// named repeats, in quotes, what an operator gave to name something.
func named(text string) string { return strconv.Quote(cut(text)) }

// cut is what may be repeated of what was given to name something. Where a secret was pasted by mistake that is no more than
// tells which: a key of any kind is longer than this and no id.
func cut(text string) string {
	const most, shown = 20, 8
	if masked := telemetry.MaskSecrets(text); masked != text {
		return masked
	}
	_, isID := id.Read(strings.TrimPrefix(text, "evt_"))
	if utf8.RuneCountInString(text) > most && !isID && !strings.Contains(text, " ") {
		return string([]rune(text)[:shown]) + "…"
	}
	return text
}

// unmarked is a JSON text that may come from a file without the mark of its byte order.
func unmarked(text string) string { return strings.TrimPrefix(text, "\ufeff") }

// Person is who asks for an act.
type Person struct {
	Account string // at the machine, as its system vouches; empty where it cannot be known
	Claims  string // as they call themselves
}

type personKey struct{}

// As returns a context in which this person acts.
func As(ctx context.Context, p Person) context.Context {
	return context.WithValue(ctx, personKey{}, p)
}

// personOf returns who acts in a context.
func personOf(ctx context.Context) Person {
	p, _ := ctx.Value(personKey{}).(Person)
	return p
}
