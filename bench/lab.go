package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"modernc.org/sqlite"

	"github.com/sluicepay/sluice/internal/store"
)

// lab is everything that the parts of one run share.
type lab struct {
	opts        options
	root        string // of the repository
	dir         string // of what is thrown away
	binary      string
	mockProgram string // "" where stripe-mock cannot be had
	nonce       string
	refs        references
	names       atomic.Int64
	cleanups    []func() error
	report      *report
}

// newLab makes the temporary folder and gets the programs.
func newLab(ctx context.Context, opts options) (*lab, error) {
	l := &lab{opts: opts, nonce: strings.ToLower(rand.Text()[:8]), report: &report{}}
	// As in the product, and before anything else locks a file: a second connection must not drop the locks of the first.
	if _, err := sqlite.OFDLocking(true); err != nil && !errors.Is(err, sqlite.ErrOFDLockingUnavailable) {
		return nil, err
	}
	var err error
	if l.root, err = moduleRoot(ctx); err != nil {
		return nil, err
	}
	if l.dir, err = os.MkdirTemp(opts.dir, "sluice-bench-"); err != nil {
		return nil, err
	}
	if inMemory(l.dir) {
		l.report.note("The data folders lie in memory, where a commit costs nothing: every ratio on SQLite is worthless. Choose a folder on a disk with -dir.")
	}
	if err := l.getPrograms(ctx); err != nil {
		return nil, errors.Join(err, l.close())
	}
	if opts.postgres == "" {
		l.report.note("PostgreSQL was NOT measured: " + postgresEnv + " is not set (scripts/postgres.sh run sets it).")
	}
	return l, nil
}

// close removes everything that the run has left.
func (l *lab) close() error {
	var errs []error
	for _, clean := range l.cleanups {
		errs = append(errs, clean())
	}
	return errors.Join(append(errs, os.RemoveAll(l.dir))...)
}

// fresh returns a name that was not used in this run.
func (l *lab) fresh() string { return strconv.FormatInt(l.names.Add(1), 10) }

// kinds are the databases that can be measured.
func (l *lab) kinds() []store.Kind {
	if l.opts.on != "" {
		return []store.Kind{store.Kind(l.opts.on)}
	}
	if l.opts.postgres == "" {
		return []store.Kind{store.SQLite}
	}
	return []store.Kind{store.SQLite, store.Postgres}
}

// getPrograms builds the product, unless a binary is given, and gets stripe-mock.
func (l *lab) getPrograms(ctx context.Context) error {
	if l.binary = l.opts.binary; l.binary == "" {
		l.binary = filepath.Join(l.dir, "sluice")
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", l.binary, "./cmd/sluice") //nolint:gosec // a fixed command
		cmd.Dir, cmd.Env = l.root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: build: %w: %s", errSetup, err, out)
		}
	}
	if l.opts.noMock {
		l.report.note("stripe-mock was NOT measured: it was left out.")
		return nil
	}
	var err error
	if l.mockProgram, err = mockBinary(ctx); err != nil {
		l.report.note("stripe-mock was NOT measured, it could not be built: " + firstLine(err.Error()))
	}
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// moduleRoot finds the repository.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("%w: go env: %w", errSetup, err)
	}
	file := strings.TrimSpace(string(out))
	if filepath.Base(file) != "go.mod" {
		return "", fmt.Errorf("%w: start it in the repository", errSetup)
	}
	return filepath.Dir(file), nil
}
