package webhook_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/webhook"
)

// FuzzRetryAfter: whatever a receiver asks for, the wait is between nothing and the bound.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "120", "-1", "+5", "1e3", "18446744073709551616", "Wed, 25 Dec 2030 10:07:00 GMT", "\x00", " 7\t"} {
		f.Add(seed)
	}
	now := time.Date(2030, 12, 25, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if wait := webhook.RetryAfter(text, now); wait < 0 || wait > webhook.MaxRetryAfter {
			t.Errorf("%q asks for %s", text, wait)
		}
	})
}

// FuzzPrintable: whatever a receiver answers, what is kept is short, valid text without control characters.
func FuzzPrintable(f *testing.F) {
	for _, seed := range []string{"", "ok", "\x00\x1b[2J", "\xff\xfe", strings.Repeat("é", 600), "4111 1111 1111 1111", "\u202e\u200b\ufeff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := webhook.Printable(body)
		if len(got) > webhook.MaxKept || !utf8.ValidString(got) {
			t.Errorf("%d bytes kept, valid %t", len(got), utf8.ValidString(got))
		}
		for _, c := range got {
			if unicode.IsControl(c) {
				t.Errorf("%q is kept", c)
			}
		}
	})
}
