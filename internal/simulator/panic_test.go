package simulator

import (
	"log/slog"
	"strings"
	"testing"
)

func TestTheSimulatorSurvivesItsOwnPanics(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := &Simulator{log: slog.New(slog.NewTextHandler(&log, nil))}
	s.survive(func() { panic("content") })
	if !strings.Contains(log.String(), "the simulator panicked") || !strings.Contains(log.String(), "panic_test.go") {
		t.Errorf("log: %s", &log)
	}
}
