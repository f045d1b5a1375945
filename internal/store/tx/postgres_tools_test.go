package tx_test

import (
	"encoding/pem"
	"errors"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// TestToolsProtectTheConnectionLikeWeDo: PostgreSQL's programs, left to themselves, go over to clear text.
func TestToolsProtectTheConnectionLikeWeDo(t *testing.T) {
	for _, name := range []string{"PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGREQUIREAUTH", "PGSERVICE"} {
		t.Setenv(name, "")
	}
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	authority := filepath.Join(t.TempDir(), "authority.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, block, 0o600); err != nil {
		t.Fatal(err)
	}
	const away = "postgres://u:p@db.example/sluice"
	for _, c := range []struct {
		url     string
		checked bool
		major   int
		want    map[string]string
	}{
		{"postgres://u:p@127.0.0.1/sluice", false, 17, map[string]string{}},
		{"postgres://u:p@/sluice?host=/run/postgresql", false, 17, map[string]string{}},
		{away, true, 15, map[string]string{"sslmode": "verify-full", "sslrootcert": "*"}},
		{away + "?sslrootcert=" + authority, true, 17, map[string]string{"sslmode": "verify-full"}},
		{away, false, 17, map[string]string{"require_auth": "!password"}},
		{"postgres://u@db.example/sluice", false, 15, map[string]string{}}, // it has nothing to tell
		{away + "?sslmode=disable&require_auth=password", false, 15, map[string]string{}},
		{away + "?sslmode=require", false, 15, map[string]string{}},
		{away + "?sslmode=disable", false, 17, map[string]string{"require_auth": "!password,!md5"}},
		{away + "?sslmode=disable", true, 17, map[string]string{"require_auth": "!password,!md5"}},
		{away + "?sslmode=verify-full", false, 17, map[string]string{}},
	} {
		got, err := tx.ToolSettings(c.url, c.checked, c.major)
		if err != nil {
			t.Fatal(err)
		}
		if c.want["sslrootcert"] == "*" && got["sslrootcert"] != "" {
			got["sslrootcert"] = "*"
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%s, checked %t, version %d: %v, want %v", c.url, c.checked, c.major, got, c.want)
		}
	}
	for _, url := range []string{away, away + "?sslmode=disable", away + "?sslmode=prefer"} {
		if got, err := tx.ToolSettings(url, false, 15); !errors.Is(err, tx.ErrToolsTellAll) {
			t.Errorf("%s by programs that tell the password to everybody: %v, %v", url, got, err)
		}
	}
	t.Setenv("PGSSLMODE", "require")
	if got, err := tx.ToolSettings(away, false, 17); err != nil || got["sslmode"] != "require" || got["require_auth"] != "" {
		t.Errorf("by the environment: %v, %v", got, err)
	}
}
