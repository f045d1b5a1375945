package checkout_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/risk"
)

// TestABlikCodeIsNowhere: of those that were right, wrong, refused, no code at all, or held for review, nothing is in the database, the
// log or a kept message afterwards.
func TestABlikCodeIsNowhere(t *testing.T) {
	t.Parallel()
	p := newProvider(t, attempts(3))
	codes := []string{"918273", "500500", "827364", "777364", "736455"}
	for i, code := range codes {
		if i == 4 {
			p.screen = func(*risk.Facts) (payment.Verdict, error) {
				return payment.Verdict{Kind: payment.VerdictReview, Until: p.clock.Now().Add(time.Hour)}, nil
			}
		}
		id, page := p.pay(payment.Blik, "PLN")
		p.do("POST", page, p.fill(page, "blik", code+"9"))
		if a := p.do("POST", page, p.fill(page, "blik", code)); a.status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", code, a.status, a.body)
		}
		switch i {
		case 0:
			p.inApp("approve")
		case 2:
			p.inApp("cancel")
		}
		p.later(page)
		log, err := p.engine.Operations(t.Context(), p.shop.ID, id)
		if err != nil || len(log) == 0 {
			t.Fatalf("%v %v", log, err)
		}
		for _, o := range log {
			if anyOf([]byte(o.Messages.Outgoing+o.Messages.Incoming), codes) {
				t.Errorf("%s is in a message of %s", code, o.Kind)
			}
		}
	}
	found := 0
	err := filepath.WalkDir(p.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(raw, []byte("BLIK")) { // what is kept can be found
			found++
		}
		if anyOf(raw, codes) {
			t.Errorf("a code is in %s", filepath.Base(path))
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d files with payments: %v", found, err)
	}
	if anyOf([]byte(p.log.String()), codes) {
		t.Error("a code is in the log")
	}
}

// anyOf finds a code that stands by itself: six digits may be part of an id.
func anyOf(text []byte, codes []string) bool {
	return regexp.MustCompile("(^|[^0-9a-f])(" + strings.Join(codes, "|") + ")([^0-9a-f]|$)").Match(text)
}
