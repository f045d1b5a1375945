package telemetry_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/telemetry"
)

func TestPaceLeavesOutAndCounts(t *testing.T) {
	t.Parallel()
	var p telemetry.Pace
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	check := func(about string, more int, due bool) {
		t.Helper()
		if m, d := p.Due(about, now); m != more || d != due {
			t.Errorf("%s: %d %t, want %d %t", about, m, d, more, due)
		}
	}
	check("a", 0, true)
	check("a", 0, false)
	check("a", 0, false)
	check("b", 0, true)
	now = now.Add(time.Minute)
	check("a", 2, true)
	check("a", 0, false)
	now = now.Add(time.Minute)
	check("a", 1, true)
	for i := range 10_000 { // names are not kept without end
		check(strconv.Itoa(i), 0, true)
	}
}
