package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/store"
)

// postgresBare is a migrated database of its own on the server that Sluice uses.
type postgresBare struct {
	url     string
	dir     string // for scripts
	pgbench string // the program; "" where there is none
	ids     *id.Source
	runs    atomic.Int64 // of pgbench: each has a range of ids
}

func openPostgresBare(ctx context.Context, url, dir string) (*postgresBare, error) {
	if err := store.Migrate(ctx, store.Options{URL: url}); err != nil {
		return nil, err
	}
	return &postgresBare{url: url, dir: dir, pgbench: findPgbench(), ids: id.NewSource(time.Now, rand.Reader)}, nil
}

// findPgbench returns the newest pgbench of this machine, or "".
func findPgbench() string {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err == nil && len(found) > 0 {
		slices.Sort(found)
		return found[len(found)-1]
	}
	path, err := exec.LookPath("pgbench")
	if err != nil {
		return ""
	}
	return path
}

func (b *postgresBare) means() string {
	if b.pgbench == "" {
		return "pipelined batches through pgx, pgbench not being there"
	}
	return "pgbench with pipelines"
}

// settle writes some thousand units and lets PostgreSQL look at them, as it would by itself after a minute. Until it has
// done so it goes by plans for tables as small as they were when a statement was first prepared, and finds single rows by
// reading all of them.
func (b *postgresBare) settle(ctx context.Context, j job) error {
	do, done, err := b.sending(j, groupSize)(ctx, 0, time.Time{})
	if err != nil {
		return err
	}
	defer done()
	for range 64 {
		if _, err := do(); err != nil {
			return err
		}
	}
	db, err := sql.Open("pgx", b.url)
	if err != nil {
		return err
	}
	defer db.Close()
	return execAll(ctx, db, []string{"VACUUM (ANALYZE) payment", "VACUUM (ANALYZE) attempt", "VACUUM (ANALYZE) operation"})
}

func (b *postgresBare) close() {}

func (b *postgresBare) single(ctx context.Context, j job, conns int, t timing) (sample, error) {
	if b.pgbench == "" {
		l := load{conns: conns, work: b.sending(j, 1)}
		return l.closedLoop(ctx, t)
	}
	return b.benchmark(ctx, j, conns, t)
}

func (b *postgresBare) grouped(ctx context.Context, j job, t timing) (sample, error) {
	l := load{conns: 2, work: b.sending(j, groupSize)}
	return l.closedLoop(ctx, t)
}

// sending writes the sets of so many units in one round trip and one transaction each.
func (b *postgresBare) sending(j job, group int) work {
	return func(ctx context.Context, _ int, _ time.Time) (step, func(), error) {
		conn, err := pgx.Connect(ctx, b.url)
		if err != nil {
			return nil, nil, err
		}
		units := make([]unit, group)
		return func() (int, error) {
			for i := range units {
				made, at := b.ids.New()
				units[i] = unit{made, at.UnixMicro()}
			}
			for _, s := range j {
				if err := send(ctx, conn, s, units); err != nil {
					return 0, err
				}
			}
			return group, nil
		}, func() { _ = conn.Close(context.WithoutCancel(ctx)) }, nil
	}
}

func send(ctx context.Context, conn *pgx.Conn, s set, units []unit) error {
	var batch pgx.Batch
	for _, u := range units {
		for _, st := range s {
			batch.Queue(st.numbered(), st.fill(u)...)
		}
	}
	results := conn.SendBatch(ctx, &batch)
	for range batch.Len() {
		tag, err := results.Exec()
		if err == nil && tag.RowsAffected() != 1 {
			err = fmt.Errorf("hit %d rows", tag.RowsAffected())
		}
		if err != nil {
			return errors.Join(err, results.Close())
		}
	}
	return results.Close()
}

var (
	pgbenchRate    = regexp.MustCompile(`(?m)^tps = ([0-9.]+) `)
	pgbenchLatency = regexp.MustCompile(`(?m)^latency average = ([0-9.]+) ms`)
)

// benchmark lets pgbench write units. It counts from the first connection on, so that there is no warm-up to leave out.
func (b *postgresBare) benchmark(ctx context.Context, j job, conns int, t timing) (sample, error) {
	script, variables := pgbenchScript(j)
	file := filepath.Join(b.dir, "job.pgbench")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return sample{}, err
	}
	seconds := max(1, int((t.count+time.Second/2)/time.Second))
	first := b.runs.Add(1) * 10_000_000
	args := []string{
		"-n", "-M", "prepared", "-c", strconv.Itoa(conns), "-j", strconv.Itoa(min(conns, 2)), "-T", strconv.Itoa(seconds),
		"-f", file, "-D", "n=" + strconv.FormatInt(first, 10),
	}
	ctx, cancel := context.WithTimeout(ctx, t.warm+t.count+30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.pgbench, append(append(args, variables...), b.url)...) //nolint:gosec // found above
	out, err := cmd.CombinedOutput()
	rate, latency := pgbenchRate.FindSubmatch(out), pgbenchLatency.FindSubmatch(out)
	if err != nil || rate == nil || latency == nil {
		return sample{}, fmt.Errorf("pgbench: %w: %.600s", errors.Join(err, errSetup), out)
	}
	s := sample{}
	if s.Rate, err = strconv.ParseFloat(string(rate[1]), 64); err != nil {
		return s, err
	}
	ms, err := strconv.ParseFloat(string(latency[1]), 64)
	s.P50 = time.Duration(ms * float64(time.Millisecond)) // the mean; pgbench tells no median
	return s, err
}

// pgbenchScript writes a job for pgbench: one pipeline, and so one implicit transaction, for each set. Values travel as
// parameters, like in the product; what differs from unit to unit the database computes from two numbers.
func pgbenchScript(j job) (script string, variables []string) {
	const (
		number = "((:n)::bigint * 64 + (:client_id)::bigint)"
		id     = "('0199c0de00007' || lpad(to_hex(" + number + "), 19, '0'))"
		at     = "(1760000000000000 + " + number + ")"
	)
	var b strings.Builder
	b.WriteString("\\set n :n + 1\n")
	for _, s := range j {
		b.WriteString("\\startpipeline\n")
		for _, st := range s {
			b.WriteString(st.render(func(i int) string {
				switch arg := st.args[i].(type) {
				case nil:
					return "NULL"
				case slot:
					return "('" + arg.before + "' || " + id + " || '" + arg.after + "')"
				case instant:
					return "(" + at + " + " + strconv.FormatInt(arg.plus, 10) + ")"
				default:
					name := "v" + strconv.Itoa(len(variables)/2)
					variables = append(variables, "-D", fmt.Sprintf("%s=%v", name, arg))
					return ":" + name
				}
			}))
			b.WriteString(";\n")
		}
		b.WriteString("\\endpipeline\n")
	}
	return b.String(), variables
}
