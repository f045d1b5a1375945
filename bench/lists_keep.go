package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

// onlyFills reports that lists are to be filled and nothing of them is to be measured.
func (l *lab) onlyFills() bool {
	return !slices.ContainsFunc(listParts, func(part string) bool { return part != "fill" && l.opts.wants(part) })
}

// filled is a database with the payments of the lists: a new one, or one that an earlier run has kept.
func (l *lab) filled(ctx context.Context, kind store.Kind) (home, merchant, error) {
	if l.opts.keep == "" {
		h, err := l.newHome(ctx, kind)
		if err != nil {
			return h, merchant{}, err
		}
		k, err := l.seed(ctx, h)
		return h, k, err
	}
	dir, err := filepath.Abs(l.opts.keep)
	if err != nil {
		return home{}, merchant{}, err
	}
	name := string(kind) + "-" + strconv.Itoa(l.opts.payments)
	h := home{kind: kind, data: filepath.Join(dir, name)}
	about := h.data + ".json"
	database := "sluice_bench_kept_" + strconv.Itoa(l.opts.payments)
	if kind == store.Postgres {
		if h.database, err = l.databaseURL(database); err != nil {
			return h, merchant{}, err
		}
	}
	var before kept
	if err := readJSON(about, &before); !errors.Is(err, fs.ErrNotExist) {
		return h, before.merchant(), err
	}
	if err := l.empty(ctx, h, database); err != nil {
		return h, merchant{}, err
	}
	k, err := l.seed(ctx, h)
	if err != nil {
		return h, k, err
	}
	raw, err := json.Marshal(kept{k.shop, k.key, k.oldest.UnixMicro(), k.step})
	if err != nil {
		return h, k, err
	}
	return h, k, os.WriteFile(about, raw, 0o600)
}

// empty makes the place of a database that is kept, and throws away what a run has left there that did not come to its end.
func (l *lab) empty(ctx context.Context, h home, database string) error {
	if err := errors.Join(os.RemoveAll(h.data), os.MkdirAll(h.data, 0o700)); err != nil || h.kind == store.SQLite {
		return err
	}
	if err := l.onPostgres(ctx, "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)"); err != nil {
		return err
	}
	return l.onPostgres(ctx, "CREATE DATABASE "+database)
}

// kept is what a later run has to know of a merchant whose payments are kept.
type kept struct {
	Shop   string        `json:"shop"`
	Key    string        `json:"key"`
	Oldest int64         `json:"oldest"` // microseconds
	Step   time.Duration `json:"step"`
}

func (k kept) merchant() merchant {
	return merchant{shop: k.Shop, key: k.Key, oldest: time.UnixMicro(k.Oldest), step: k.Step}
}

// reportMarks shows how much room the counts take, with all of their indexes.
func (l *lab) reportMarks(ctx context.Context, h home) error {
	db, err := h.open()
	if err != nil {
		return err
	}
	defer db.Close()
	query := "SELECT SUM(d.pgsize) FROM sqlite_schema s CROSS JOIN dbstat d ON d.name = s.name WHERE s.tbl_name IN ('payment_mark', 'payment_histogram')"
	if h.kind == store.Postgres {
		query = "SELECT pg_total_relation_size('payment_mark') + pg_total_relation_size('payment_histogram')"
	}
	var bytes int64
	if err := db.QueryRowContext(ctx, query).Scan(&bytes); err != nil {
		return fmt.Errorf("room of the marks: %w", err)
	}
	room := marksRoom * float64(l.opts.payments) / 10_000_000
	line := line{Section: lists, Name: fmt.Sprintf("marks and histograms of %d payments, %s", l.opts.payments, title(h.kind)), Value: megabytes(bytes),
		Against: fmt.Sprintf("%.1f MB", room/1e6), Ratio: float64(bytes) / room}
	l.report.add(line.atMost(1))
	return nil
}
