package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/config"
)

// TestDatabaseURL: what PostgreSQL would read otherwise than it was meant is refused with the way to write it, and nothing
// of it is repeated.
func TestDatabaseURL(t *testing.T) {
	t.Parallel()
	const special = "write @ as %40"
	for text, want := range map[string]string{
		"postgres://u:p@h/d": "", "postgresql://h/d": "", "postgres://u@h:5432/d?sslmode=disable": "", "postgres://u:p@h1:5432,h2:5433/d": "",
		"postgres://u:p@h1,h2/d?target_session_attrs=read-write": "", "postgres://[2001:db8::1]:5432/d": "", "postgres://u:p:q@h/d": "",
		"postgres://u:hunter2%40%2F%3F%23%25@h/d": "", "postgres:///d?host=/var/run/postgresql": "", "postgres://%2Fvar%2Frun%2Fpostgresql/d": "",
		"postgres://h/?dbname=d": "", "postgres://h/d?user=me@tenant&password=x": "", "postgres://u:p$!*(),;=~&'@h/d": "",

		"postgres://u:hunter2@x@h/d": special, "postgres://u:hunter2/x@h/d": special, "postgres://u:hunter2?x@h/d": special,
		"postgres://u:hunter2#x@h/d": special, "postgres://u:hunter2%x@h/d": special, "postgres://u:hunter2%zz@h/d": special,
		"postgres://u:hunter2 x@h/d": special, "postgres://u:hunter2[x@h/d": special, "postgres://u:hunter2/9999@h/d": special,
		"postgres://u:4321/hunter2@h/d": special, "postgres://u:4321?hunter2@h/d": special, "postgres://u:hunter2/@h/d": special, "postgres://u:hunter2%": special,

		"postgres://h:0/d": "a port from 1", "postgres://h:hunter2/d": "a port from 1", "postgres://h:70000/d": "a port from 1", "postgres://2001:db8::1/d": "hosts such as",
		"postgres://u:p@/d": "name a host", "postgres://h/d?sslmode": "name=value", "postgres://[::1/d": "hosts such as", "postgres://h,/d": "hosts such as",
		"mysql://u:hunter2@h/d": "begins with postgres://", "u:hunter2@h/d": "begins with postgres://", "host=h password=hunter2": "begins with postgres://",
	} {
		got, err := config.Load(config.Flags{}, []string{"SLUICE_DATABASE=" + text})
		var faults config.Faults
		switch {
		case want == "" && (err != nil || got.Database.Reveal() != text):
			t.Errorf("%s: %v", text, err)
		case want != "" && (!errors.As(err, &faults) || len(faults) != 1 || faults[0].Setting != "database" || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: no %q in %v", text, want, err)
		case want != "" && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "4321")):
			t.Errorf("%s: the password is shown: %v", text, err)
		}
	}
}
