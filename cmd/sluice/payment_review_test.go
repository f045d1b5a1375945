package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
)

// TestReviewsByHand: nothing is in review where nobody screens, and what is not in review takes no verdict.
func TestReviewsByHand(t *testing.T) {
	t.Parallel()
	d := newTill(t)
	sold := d.deposit("9000.00", "")
	if list := d.done("payment", "reviews", "--shop", d.shop); strings.Contains(list, sold) {
		t.Errorf("listed:\n%s", list)
	}
	if list := d.done("payment", "reviews", "--json"); list != "" {
		t.Errorf("listed: %q", list)
	}
	d.says(1, "not in review", d.by("review", sold, "--verdict", "pass")...)
	d.says(1, "not in review", d.by("review", sold, "--verdict", "stop", "--code", "6.00")...)
	d.says(1, "has none", d.by("review", sold, "--verdict", "pass", "--code", "6.00")...)
	d.says(1, "no error code", d.by("review", sold, "--verdict", "stop", "--code", "6.99")...)
	d.says(exitUsage, "verdict", d.by("review", sold, "--verdict", "perhaps")...)
	d.says(exitUsage, "verdict", d.by("review", sold)...)
	d.says(1, "no shop", "payment", "reviews", "--shop", "0123456789abcdef0123456789abcdef")
	d.says(1, "no state", "payment", "update", "--shop", d.shop, sold, "--state", "PASS", "--by", "ann", "--reason", "x")
	if page := d.done("payment", "show", "--shop", d.shop, sold); strings.Contains(page, "screening") {
		t.Errorf("shown:\n%s", page)
	}
}

// TestHowAScreeningIsShown: what was said of a payment, and what became of it, in two lines.
func TestHowAScreeningIsShown(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 12, 25, 10, 0, 0, 0, time.UTC)
	review := admin.Screening{Verdict: "REVIEW", At: at, Until: at.Add(72 * time.Hour), Then: "stop", Reason: "a large\namount"}
	open, passed, stopped, left := review, review, review, review
	open.Open = true
	passed.Ended, passed.Passed = at.Add(time.Hour), true
	stopped.Ended, stopped.ByClock = at.Add(72*time.Hour), true
	for want, r := range map[string]*admin.Screening{
		"screening    stop, 2030-12-25 10:00:00\n": {Verdict: "STOP", At: at},
		"screening    review, 2030-12-25 10:00:00, until 2030-12-28 10:00:00, then stop\nbecause      \"a large\\namount\"\n":     &open,
		"screening    review, 2030-12-25 10:00:00, let pass 2030-12-25 11:00:00 by a person\nbecause      \"a large\\namount\"\n": &passed,
		"screening    review, 2030-12-25 10:00:00, stopped 2030-12-28 10:00:00 by the clock\nbecause      \"a large\\namount\"\n": &stopped,
		"screening    review, 2030-12-25 10:00:00\nbecause      \"a large\\namount\"\n":                                           &left,
		"": nil,
	} {
		var b bytes.Buffer
		showScreening(&b, r)
		if got := b.String(); !strings.HasPrefix(got, want) || strings.Count(got, "\n") > 2 {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
