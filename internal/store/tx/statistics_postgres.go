package tx

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sluicepay/sluice/internal/rescue"
)

// The first look at the tables' statistics comes after this process has written so many sets, each further one after that
// many times more, until the server's own housekeeping is quick enough.
const (
	firstAnalyze  = 128
	analyzeFactor = 4
	lastAnalyze   = 1 << 17
	analyzeLimit  = time.Minute
)

// statistics has a young database look at its tables. Before it ever did, PostgreSQL
// plans for empty tables, where any index seems as good as the primary key, and keeps
// those plans for its prepared statements: a fresh installation would read thousands of
// entries for each payment until the server's own housekeeping comes round. What the server
// knows of a table says whether that is needed: nothing is done again because this process,
// or another node, has just begun.
type statistics struct {
	pool *pgxpool.Pool
	log  *slog.Logger

	mu      sync.Mutex // guards what follows
	sets    int
	next    int
	running sync.WaitGroup
	closed  bool
}

// count takes note of committed sets and starts a look when it is time.
func (s *statistics) count(sets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == 0 {
		s.next = firstAnalyze
	}
	s.sets += sets
	if s.closed || s.sets < s.next || s.next > lastAnalyze {
		return
	}
	s.next *= analyzeFactor
	s.running.Go(s.analyze)
}

// Tables that were never looked at, or have grown so many times over since. Both sizes are in pages; the second is as of now.
const staleTables = `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = current_schema() AND c.relkind = 'r' AND (c.reltuples < 0
		OR pg_relation_size(c.oid) > 0 AND pg_relation_size(c.oid) / current_setting('block_size')::bigint >= $1::bigint * c.relpages)
	ORDER BY c.relname`

func (s *statistics) analyze() {
	ctx, cancel := context.WithTimeout(context.Background(), analyzeLimit)
	defer cancel()
	err := rescue.Call(func() error { return s.renew(ctx) })
	if err == nil {
		return
	}
	s.log.WarnContext(ctx, "statistics of the tables not renewed: queries may be slow until the server does", "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = min(s.next, s.sets+firstAnalyze) // tried again soon: what a server refuses in a crowd it does a moment later
}

// renew has the server look at the tables that it knows too little of.
func (s *statistics) renew(ctx context.Context) error {
	rows, err := s.pool.Query(ctx, staleTables, int64(analyzeFactor))
	if err != nil {
		return err
	}
	stale, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(stale) == 0 {
		return err
	}
	for i, name := range stale {
		stale[i] = pgx.Identifier{name}.Sanitize()
	}
	_, err = s.pool.Exec(ctx, "ANALYZE "+strings.Join(stale, ", "))
	return err
}

// close waits for a look that is under way.
func (s *statistics) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
}
