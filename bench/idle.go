package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

const (
	idleMark    = 0.005 // of one core
	idleQueries = 1     // a second
	idleTimes   = 4     // so many times as long as another cell, because so little happens
	startedUp   = 2 * time.Second
	// countedLate is how long PostgreSQL may take to count what an idle connection did, such as at the server's start.
	countedLate = 11 * time.Second
)

// idler is a server that is left alone.
type idler struct {
	srv     *server
	name    string // of the database on PostgreSQL
	cpu     time.Duration
	queries int64
}

// measureIdle starts a server on each database, lets them do nothing, all at the same time, and looks what that took.
// They are demo servers: the simulator in the same process counts too.
func (l *lab) measureIdle(ctx context.Context) error {
	var idlers []*idler
	for _, kind := range l.kinds() {
		h, err := l.newHome(ctx, kind)
		if err != nil {
			return err
		}
		i := &idler{}
		if i.srv, err = l.serve(ctx, h); err != nil {
			return err
		}
		defer i.srv.stop()
		if u, err := url.Parse(h.database); err == nil {
			i.name = strings.TrimPrefix(u.Path, "/")
		}
		idlers = append(idlers, i)
	}
	count := idleTimes * l.opts.timing().count
	rest := startedUp
	if len(idlers) > 1 {
		rest = countedLate
	}
	pause(ctx, min(rest, 2*count))
	var began time.Time
	for _, lasting := range []time.Duration{count, 0} {
		for _, i := range idlers {
			if err := l.look(ctx, i); err != nil {
				return err
			}
		}
		if lasting > 0 {
			began = time.Now()
			pause(ctx, lasting)
		}
	}
	lasted := time.Since(began)
	for _, i := range idlers {
		l.reportIdle(i, lasted)
	}
	return ctx.Err()
}

// look turns the figures of an idler into what they have grown by.
func (l *lab) look(ctx context.Context, i *idler) error {
	i.cpu = cpuExactly(i.srv.pid()) - i.cpu
	if i.srv.kind != store.Postgres {
		return nil
	}
	queries, err := l.transactions(ctx, i.name)
	i.queries = queries - i.queries
	return err
}

// transactions is how many the PostgreSQL server counts for a database. Each query of an idle server is one, and each
// test of a connection before its use.
func (l *lab) transactions(ctx context.Context, name string) (n int64, err error) {
	db, err := sql.Open("pgx", l.opts.postgres) // another database, so that looking does not count
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1", name).Scan(&n)
	return n, err
}

func (l *lab) reportIdle(i *idler, lasted time.Duration) {
	if i.cpu == 0 {
		l.report.note("Idle cost was NOT measured: this system does not tell processor time.")
		return
	}
	share := float64(i.cpu) / float64(lasted)
	over := fmt.Sprintf(", over %.1f s", lasted.Seconds())
	l.report.add(line{Section: "Idle", Name: "processor time of an idle server with its simulator, " + title(i.srv.kind) + over,
		Value: fmt.Sprintf("%.3f %% of a core", 100*share), Against: fmt.Sprintf("the mark, %.1f %% of a core", 100*idleMark),
		Ratio: share / idleMark}.atMost(1))
	if i.srv.kind != store.Postgres {
		return // SQLite keeps no count that can be seen from outside
	}
	rate := float64(i.queries) / lasted.Seconds()
	l.report.add(line{Section: "Idle", Name: "queries of an idle server, tests of its connections included, " + title(i.srv.kind) + over,
		Value: fmt.Sprintf("%.2f/s", rate), Against: fmt.Sprintf("the mark, %d/s", idleQueries), Ratio: rate / idleQueries}.atMost(1))
}
