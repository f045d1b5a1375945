package tx_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// TestPlaceOf: one database has one place however its URL is written, without the password; others have others.
func TestPlaceOf(t *testing.T) {
	t.Parallel()
	place := func(url string) tx.Place {
		t.Helper()
		p, err := tx.PlaceOf(tx.Options{URL: url, Dir: "data"})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	one := place("postgres://ann:hunter2@db.example:5432/pay?sslmode=disable")
	for _, url := range []string{
		"postgresql://ann:other@DB.example/pay?sslmode=disable", "postgres://ann@db.example/pay?sslmode=prefer&application_name=x",
		"postgres://db.example/pay?user=ann&password=hunter2&sslmode=disable",
	} {
		if place(url) != one {
			t.Errorf("%s is %+v, not %+v", url, place(url), one)
		}
	}
	for _, url := range []string{
		"", "postgres://ann@db.example/other", "postgres://bob@db.example/pay", "postgres://ann@db.example:5433/pay",
		"postgres://ann@other.example/pay", "postgres://ann@db.example/pay?search_path=x", "postgres://ann@db.example/pay?options=-csearch_path%3Dx",
		"postgres://ann@db.example,two.example/pay",
	} {
		if place(url) == one {
			t.Errorf("%s is taken for the same database", url)
		}
	}
	if text := one.String(); text != "PostgreSQL db.example/pay" || strings.Contains(text, "hunter2") {
		t.Error(text)
	}
	if file := place("").File; !filepath.IsAbs(file) || place("").String() != "SQLite "+file {
		t.Errorf("%q", place(""))
	}
	if _, err := tx.PlaceOf(tx.Options{URL: "mysql://x"}); err == nil {
		t.Error("a place of another kind")
	}
}
