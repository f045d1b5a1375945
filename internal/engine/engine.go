package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/banks"
	"github.com/sluicepay/sluice/internal/cache"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/flight"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/issuers"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/kept"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/outbox"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/resend"
	"github.com/sluicepay/sluice/internal/risk"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/terminals"
	"github.com/sluicepay/sluice/internal/vault"
	"github.com/sluicepay/sluice/internal/velocity"
	"github.com/sluicepay/sluice/internal/wallet/accounts"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
)

// Config is what an Engine works with. Every field is required but Timeout and those that say "when given".
type Config struct {
	DB         *store.DB
	Connectors []connector.Type
	Client     *outbound.Client
	Vault      *vault.Holder
	Keys       vault.Keyring
	IDs        *id.Source
	Now        func() time.Time
	Random     io.Reader
	Log        *slog.Logger
	Metrics    *telemetry.Metrics
	PublicURL  string // base of the addresses that customers and providers are given
	Owner      string // name of this process, unique among all on the database
	Exclusive  bool   // no other process can work on the database
	// Restored is when the installation was last restored from a backup; zero for never.
	Restored time.Time
	// Render words events, one entry a dialect.
	Render []outbox.Renderer
	// Rules, when given, are how payments are routed. Without them each goes to the first terminal that can take it.
	Rules route.Rules
	// Wake, when given, is told which endpoint has a new delivery.
	Wake func(store.EndpointKey)
	// Screen, when given, judges payments that are about to be sent. Without it all pass.
	Screen risk.Screener
	// Pause, when given, is called instead of waiting until the database may be back.
	Pause func(context.Context, time.Duration)
	// GoogleRoots, when given, are the keys by which Google signs tokens, as they are published now.
	GoogleRoots func() googlepay.Roots
	// NeverKeep is the mode in which no number of a card is kept in the database, however short.
	NeverKeep bool
	// Timeout replaces every connector's own limit of a provider call, and that of status queries. Zero keeps them.
	Timeout time.Duration
}

// Engine runs commands on payments. It is safe for concurrent use.
type Engine struct {
	c          Config
	bell       *alarm.Notifier
	outbox     *outbox.Outbox
	shops      *cache.Shops
	connectors *terminals.Pool
	means      flight.Keeper
	cards      kept.Cards
	resend     resend.Keeper
	tokens     accounts.Opener
	carried    sync.WaitGroup // calls that nobody waits for any more
	turns      job.Turns      // of due work at terminals
	guard      *velocity.Guard
	recent     cache.Payments
	banks      *banks.Lists
	ranges     *cache.Ranges
	pace       telemetry.Pace // of log lines that strangers can cause
}

// opened is where the engine's connectors are kept open.
func opened(c Config) *terminals.Pool {
	return terminals.NewPool(c.Connectors, connector.Deps{Client: c.Client, Now: c.Now, Random: c.Random, Log: c.Log})
}

// New returns an engine on an open, migrated database.
func New(c Config) *Engine {
	e := &Engine{
		c: c, shops: &cache.Shops{Read: readShop(c.DB), Now: c.Now}, connectors: opened(c), guard: velocity.New(), ranges: issuers.Of(c.DB, c.Now, c.Log),
		means: flight.Keeper{DB: c.DB, Held: c.Vault, Now: c.Now, Log: c.Log, Never: c.NeverKeep}, cards: keptCards(c),
		resend: resend.Keeper{DB: c.DB, Keys: c.Keys, Now: c.Now, Log: c.Log, Restored: c.Restored},
		tokens: accounts.Opener{Now: c.Now, Google: c.GoogleRoots}, banks: &banks.Lists{Now: c.Now, Log: c.Log},
		bell: &alarm.Notifier{DB: c.DB, IDs: c.IDs, Now: c.Now, Log: c.Log, Metrics: c.Metrics},
	}
	e.outbox = &outbox.Outbox{DB: c.DB, Shops: e.shops, Render: c.Render, IDs: c.IDs, Random: c.Random, Bell: e.bell, Wake: c.Wake}
	return e
}

// Now is the time by which the engine goes.
func (e *Engine) Now() time.Time { return e.c.Now() }

// NewID makes an id for what a caller keeps under the names of this installation.
func (e *Engine) NewID() string {
	made, _ := e.c.IDs.New()
	return made
}

// Bell is how the engine, and whoever delivers its events, tells humans.
func (e *Engine) Bell() *alarm.Notifier { return e.bell }

// Errors that a command can return beside *payment.Refusal, *payment.Missing and
// payment.ErrNotFound.
var (
	// ErrMismatch: the idempotency key was used with another request.
	ErrMismatch = errors.New("idempotency key was used with another request")
	// ErrForbidden: the shop is inactive or not allowed to do this.
	ErrForbidden = errors.New("not allowed for this shop")
	// ErrNoCards: cards to be charged come by the hosted page alone. It is an ErrForbidden.
	ErrNoCards = fmt.Errorf("%w: card data by API", ErrForbidden)
	// ErrUnavailable: nothing was sent to a provider. Nothing was stored either, unless the error is also
	// store.ErrCommitUnknown; trying again under the same idempotency key is safe.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrChanged: the deposit is not any more what the refund was asked for on.
	ErrChanged = errors.New("the deposit has changed")
)

// DuplicateReference is returned when the shop allows a reference once only.
type DuplicateReference struct{ Of payment.ID }

// Error implements error.
func (d *DuplicateReference) Error() string {
	return "the reference is already used by payment " + string(d.Of)
}

// Outcome is the answer to a command.
type Outcome struct {
	Payment     payment.Payment
	Replayed    bool       // the command had been carried out before under the same key
	DuplicateOf payment.ID // an earlier payment with the same reference, or the twin of a refund; empty for none
}

// limits of provider calls.
const (
	defaultCallTimeout = 30 * time.Second
	askTimeout         = 5 * time.Second // of a status query that a reader waits for
	leaseMargin        = 5 * time.Second // how much longer than its call a lease lasts
)

func (e *Engine) run(timeout time.Duration) payment.Run {
	return payment.Run{
		Owner: e.c.Owner, Call: e.c.IDs.Letters(12), Epoch: e.c.Keys.Epoch, Lease: timeout + leaseMargin,
	}
}

// callTimeout is the limit of one call through the connector.
func (e *Engine) callTimeout(c connector.Connector) time.Duration {
	if e.c.Timeout > 0 {
		return e.c.Timeout
	}
	if t := c.Traits().Timeout; t > 0 {
		return t
	}
	return defaultCallTimeout
}

// askLimit bounds a status query, however long the connector gives its calls.
func (e *Engine) askLimit() time.Duration {
	if e.c.Timeout > 0 {
		return e.c.Timeout
	}
	return askTimeout
}

// settled detaches ctx from the caller's patience: once an intent is stored, the
// call and its answer have to be carried through even if nobody waits any more.
func settled(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
