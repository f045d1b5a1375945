package store

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// The first look at a young database's tables comes after so many sets of writes, each
// further one after that many times more, until the server's own housekeeping is quick
// enough.
const (
	firstAnalyze  = 128
	analyzeFactor = 4
	lastAnalyze   = 1 << 17
	analyzeLimit  = time.Minute
)

// statistics has a young database look at its tables. Before it ever did, PostgreSQL
// plans for empty tables, where any index seems as good as the primary key, and keeps
// those plans for its prepared statements: a fresh installation would read thousands of
// entries for each payment until the server's own housekeeping comes round.
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

func (s *statistics) analyze() {
	ctx, cancel := context.WithTimeout(context.Background(), analyzeLimit)
	defer cancel()
	if _, err := s.pool.Exec(ctx, "ANALYZE"); err != nil {
		s.log.WarnContext(ctx, "statistics of the tables not renewed: queries may be slow until the server does", "error", err)
	}
}

// close waits for a look that is under way.
func (s *statistics) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
}
