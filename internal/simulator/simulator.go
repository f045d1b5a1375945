package simulator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/id"
)

// Config is what a Simulator is built from. The zero value is a sandbox in
// memory with a random key, the machine's clock and no log.
type Config struct {
	// Now is the clock of everything that is booked. Default: time.Now.
	Now func() time.Time
	// Random feeds ids, tokens and generated secrets. Default: crypto/rand.
	Random io.Reader
	// Logger gets one line an event, never card data. Default: nothing is logged.
	Logger *slog.Logger
	// PublicURL tells the address that customers reach, without a final slash.
	// Default: http and the Host header of the request.
	PublicURL func() string
	// APIKey is the merchant key. Empty: one is made up; see Simulator.APIKey.
	APIKey string
	// NoticeSecret signs notices. Empty: one is made up; see Simulator.NoticeSecret.
	NoticeSecret string
	// NoticeClient posts the notices. Default: http.DefaultTransport.
	NoticeClient http.RoundTripper
	// NoticeBackoff is how long to wait before each further try of a notice.
	// Default: 1, 5 and 30 seconds.
	NoticeBackoff []time.Duration
	// ActionLife is how long a customer's page stays open. Default: 15 minutes.
	ActionLife time.Duration
	// HoldLife is how long an authorization holds. Default: 7 days.
	HoldLife time.Duration
	// MaxHang bounds a hanging answer. Default: 10 minutes.
	MaxHang time.Duration
	// Wait sleeps for real delays of answers. Default: a timer. It returns early
	// with the context's error when the context ends.
	Wait func(ctx context.Context, d time.Duration) error
	// SweepEvery is how often due work is looked for. Default: 20 ms; negative
	// starts no sweeper, and the caller calls Sweep.
	SweepEvery time.Duration
	// LedgerPath names an append-only file from which the books are read at the
	// start and to which each booking is written. Empty: in memory only. It
	// needs APIKey, because repeats are recognised by hashes keyed with it.
	LedgerPath string
	// NoFsync answers before the ledger file has reached the disk.
	NoFsync bool
}

// Simulator is one sandbox provider. It is safe for concurrent use.
type Simulator struct {
	cfg       Config
	log       *slog.Logger
	ids       *id.Source
	mux       *http.ServeMux
	fpKey     []byte
	makers    func() (walletMakers, error) // of tokens; made when they are first needed
	notices   chan *notice
	notifier  *http.Client
	stop      context.CancelFunc
	stopped   context.Context //nolint:containedctx // ends with Close
	running   sync.WaitGroup
	closeOnce sync.Once
	pushed    chan struct{} // there is new work for later

	mu          sync.Mutex // guards everything below
	byID        map[string]*tx
	byReference map[string]*tx
	byToken     map[string]*tx
	byPixCode   map[string]*tx
	byAlias     map[string][]*tx // payments by a code with which an alias came
	prompts     []*tx            // what waits in customers' apps, or did
	credentials map[string]*tx   // the payment that stored the card
	struck      map[string]bool
	ledger      []Entry
	breaches    []string
	due         dueHeap
	dueOrder    uint64
	scenarios   []*scenario
	outage      string
	lost        int64 // notices given up or dropped
	journal     *journal
}

// New builds a simulator, reads its ledger file if there is one, and starts its
// goroutines; Close ends them. It returns an error when the ledger file cannot
// be opened or was changed by somebody else, or when LedgerPath is without APIKey.
func New(cfg Config) (*Simulator, error) {
	if cfg.LedgerPath != "" && cfg.APIKey == "" {
		return nil, errors.New("simulator: a ledger file needs a fixed API key")
	}
	cfg = withDefaults(cfg)
	ids := id.NewSource(cfg.Now, cfg.Random)
	if cfg.APIKey == "" {
		cfg.APIKey = "sandbox_" + ids.Letters(32)
	}
	if cfg.NoticeSecret == "" {
		cfg.NoticeSecret = "notice_" + ids.Letters(32)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Simulator{
		cfg: cfg, log: cfg.Logger, ids: ids, stop: stop, stopped: ctx,
		fpKey:   signature(cfg.APIKey, "fingerprint"),
		notices: make(chan *notice, noticeQueue), pushed: make(chan struct{}, 1),
		byID: map[string]*tx{}, byReference: map[string]*tx{}, byToken: map[string]*tx{}, byPixCode: map[string]*tx{}, byAlias: map[string][]*tx{},
		credentials: map[string]*tx{}, struck: map[string]bool{},
	}
	s.notifier = newNotifier(cfg.NoticeClient)
	s.makers = sync.OnceValues(func() (walletMakers, error) { return newMakers(cfg.APIKey, cfg.Now()) })
	s.mux = s.routes()
	if err := s.openJournal(); err != nil {
		stop()
		return nil, fmt.Errorf("simulator ledger %s: %w", cfg.LedgerPath, err)
	}
	s.start()
	return s, nil
}

func withDefaults(cfg Config) Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.NoticeClient == nil {
		cfg.NoticeClient = http.DefaultTransport
	}
	if cfg.NoticeBackoff == nil {
		cfg.NoticeBackoff = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}
	}
	cfg.ActionLife = orDefault(cfg.ActionLife, 15*time.Minute)
	cfg.HoldLife = orDefault(cfg.HoldLife, 7*24*time.Hour)
	cfg.MaxHang = orDefault(cfg.MaxHang, 10*time.Minute)
	cfg.SweepEvery = orDefault(cfg.SweepEvery, 20*time.Millisecond)
	if cfg.Wait == nil {
		cfg.Wait = wait
	}
	return cfg
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Simulator) start() {
	for range noticeWorkers {
		s.running.Go(s.postNotices)
	}
	if s.cfg.SweepEvery > 0 {
		s.running.Go(s.sweepForever)
	}
}

// Close ends hanging answers and the goroutines, and closes the ledger file.
// Bookings after Close are a fault of the caller; with a ledger file they are
// refused. It returns the error of the ledger file, if there was one.
func (s *Simulator) Close() error {
	var err error
	s.closeOnce.Do(func() {
		s.stop()
		s.running.Wait()
		if s.journal != nil {
			err = s.journal.close()
		}
	})
	return err
}

// Handler serves the API, the customer's pages, the ledger and the controls.
func (s *Simulator) Handler() http.Handler { return s.mux }

// APIKey is the merchant key that requests carry.
func (s *Simulator) APIKey() string { return s.cfg.APIKey }

// NoticeSecret is the key of the notices' signatures.
func (s *Simulator) NoticeSecret() string { return s.cfg.NoticeSecret }

func (s *Simulator) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }
