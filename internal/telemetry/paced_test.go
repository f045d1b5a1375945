package telemetry_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/telemetry"
)

func TestPacedLoggerLeavesOutAndCounts(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	l := telemetry.Paced(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), func() time.Time { return now })
	lines := func(what string) int { return strings.Count(log.String(), what) }
	flood := func() {
		for n := range 1000 {
			l.Error("request", "route", "/payment/{token}", "status", 503, "request_id", n)
		}
	}
	flood()
	if n := lines("msg=request"); n != 20 {
		t.Errorf("%d lines of one kind", n)
	}
	l.Error("request", "route", "/payment/{token}", "status", 500)
	l.With("route", "/api/v1/payments").Error("request", "status", 503)
	l.Warn("request", "route", "/payment/{token}", "status", 503)
	if n := lines("msg=request"); n != 23 {
		t.Errorf("%d lines; others are left out beside the flood", n)
	}
	now = now.Add(time.Minute)
	flood()
	if lines("left_out=980") != 1 || lines("left_out") != 1 {
		t.Errorf("%d lines say how many were left out", lines("left_out"))
	}
	for range 100 {
		l.Debug("asked for")
	}
	if n := lines("asked for"); n != 100 {
		t.Errorf("%d of 100 lines that were asked for", n)
	}
}
