package backup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/backup"
	"github.com/sluicepay/sluice/internal/store"
)

// script puts a program of that name into a new folder.
func script(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestProgramsOfPostgreSQL: one that is older than the server is refused, what one complains about is told, and nothing that
// is secret stands in its arguments or its environment.
func TestProgramsOfPostgreSQL(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		if h.d.Kind != store.Postgres {
			return
		}
		parent := t.TempDir()
		source := h.source()
		take := func() error {
			_, err := backup.Take(t.Context(), source, filepath.Join(parent, "backup"))
			if left := names(t, parent); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			return err
		}
		source.Tools = t.TempDir()
		if err := take(); !errors.Is(err, backup.ErrNoTools) {
			t.Errorf("without programs: %v", err)
		}
		source.Tools = script(t, "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.1'")
		if err := take(); !errors.Is(err, backup.ErrNoTools) || !strings.Contains(err.Error(), "9.6.1") {
			t.Errorf("an old program: %v", err)
		}
		seen := filepath.Join(t.TempDir(), "seen")
		source.URL = strings.Replace(source.URL, "postgres@", "postgres:s3cr3t@", 1) + "&default_query_exec_mode=exec"
		source.Tools = script(t, "pg_dump", `if [ "$1" = --version ]; then echo 'pg_dump (PostgreSQL) 99.1'; exit 0; fi
echo "$@" > '`+seen+`'; env >> '`+seen+`'; cp "$PGSERVICEFILE" '`+seen+`.service'; echo 'no way in with s3cr3t' >&2; exit 3`)
		err := take()
		if err == nil || !strings.Contains(err.Error(), "no way in with ***") {
			t.Errorf("a program that fails: %v", err)
		}
		if raw, err := os.ReadFile(seen); err != nil || strings.Contains(string(raw), "s3cr3t") || !strings.Contains(string(raw), "--format=custom") {
			t.Errorf("the program sees %s, %v", raw, err)
		}
		if raw, err := os.ReadFile(seen + ".service"); err != nil || !strings.Contains(string(raw), "password=s3cr3t\n") ||
			strings.Contains(string(raw), "exec_mode") {
			t.Errorf("the service file says %s, %v", raw, err)
		}
		source.URL += "&require_auth=scram-sha-256"
		for version, want := range map[string]bool{"99.1": true, "15.4": false} {
			source.Tools = script(t, "pg_dump", `if [ "$1" = --version ]; then echo 'pg_dump (PostgreSQL) `+version+`'; exit 0; fi
cp "$PGSERVICEFILE" '`+seen+`.service'; exit 3`)
			err := take()
			if errors.Is(err, backup.ErrNoTools) { // the server is newer than that
				continue
			}
			if err == nil {
				t.Error("a program that fails is no error")
			}
			if raw, err := os.ReadFile(seen + ".service"); err != nil || strings.Contains(string(raw), "require_auth") != want {
				t.Errorf("the service file for %s says %s, %v", version, raw, err)
			}
		}
		// Told to stop, it waits for no program.
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		begun := filepath.Join(t.TempDir(), "begun")
		source.Tools = script(t, "pg_dump", `if [ "$1" = --version ]; then echo 'pg_dump (PostgreSQL) 99.1'; exit 0; fi
: > '`+begun+`'; exec sleep 600`)
		taken := make(chan error, 1)
		go func() {
			_, err := backup.Take(ctx, source, filepath.Join(parent, "backup"))
			taken <- err
		}()
		for {
			if _, err := os.Stat(begun); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-taken; !errors.Is(err, context.Canceled) {
			t.Errorf("a program that hangs: %v", err)
		}
	})
}
