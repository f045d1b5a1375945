package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// facts say what was measured on what, without naming the machine.
type facts struct {
	Day        string `json:"day"`
	Commit     string `json:"commit"`
	Quick      bool   `json:"quick,omitempty"`
	Only       string `json:"only,omitempty"`
	Cores      int    `json:"cores"`
	Processor  string `json:"processor,omitempty"`
	Go         string `json:"go"`
	Kernel     string `json:"kernel"`
	PostgreSQL string `json:"postgresql,omitempty"`
	Flush      string `json:"flush"`
	Rounds     int    `json:"rounds"`
	Seconds    string `json:"secondsEach"`
	Lasted     string `json:"lasted"`
}

func (l *lab) facts(ctx context.Context) facts {
	f := facts{
		Day: time.Now().UTC().Format(time.DateOnly), Commit: l.commit(ctx), Quick: l.opts.quick, Only: l.opts.only,
		Cores: runtime.NumCPU(), Processor: processor(), Go: runtime.Version(), Kernel: kernel(), Rounds: l.opts.rounds,
		Seconds: fmt.Sprintf("%.2g", l.opts.seconds), PostgreSQL: l.postgresVersion(ctx),
	}
	flush, err := flushTime(l.dir)
	if f.Flush = millis(flush); err != nil {
		f.Flush = "not known"
	}
	return f
}

func (f facts) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "# Bench of %s, commit %s\n\n", f.Day, f.Commit)
	if f.Quick {
		b.WriteString("**A quick run: it shows that the bench works. The figures mean nothing.**\n\n")
	}
	postgres := f.PostgreSQL
	if postgres == "" {
		postgres = "not measured"
	}
	fmt.Fprintf(b, "%d cores (%s), which servers, databases and load share; %s; %s; PostgreSQL %s. ", f.Cores, f.Processor, f.Kernel, f.Go, postgres)
	fmt.Fprintf(b, "Appending 4 KiB and flushing it takes %s here (median): on a slower disk ratios to one commit each are higher. ", f.Flush)
	fmt.Fprintf(b, "%d rounds of %s s for each cell, all cells in turns; a ratio is the median of the rounds' ratios. %s in all.\n\n", f.Rounds, f.Seconds, f.Lasted)
}

// commit names what was measured.
func (l *lab) commit(ctx context.Context) string {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // fixed arguments
		cmd.Dir = l.root
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	name, err := git("rev-parse", "--short", "HEAD")
	if err != nil {
		return "unknown"
	}
	if changes, err := git("status", "--porcelain", "--", ".", ":!bench/results"); err != nil || changes != "" {
		name += "-dirty"
	}
	return name
}

func (l *lab) postgresVersion(ctx context.Context) string {
	if l.opts.postgres == "" {
		return ""
	}
	db, err := sql.Open("pgx", l.opts.postgres)
	if err != nil {
		return ""
	}
	defer db.Close()
	var version string
	if err := db.QueryRowContext(ctx, "SHOW server_version").Scan(&version); err != nil {
		return ""
	}
	return version
}

// flushTime is the median time of appending a page to a file and bringing it to the disk.
func flushTime(dir string) (median time.Duration, err error) {
	f, err := os.CreateTemp(dir, "flush")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 4096)
	var took []time.Duration
	for range 200 {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return percentile(took, 50), nil
}
