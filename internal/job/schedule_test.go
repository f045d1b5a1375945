package job_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/job"
)

func TestCheckWait(t *testing.T) {
	none := strings.NewReader("")
	for _, c := range []struct {
		name     string
		customer bool
		checks   int
		want     time.Duration
	}{
		{"first", false, 0, 2 * time.Second},
		{"third", false, 2, 10 * time.Second},
		{"last rung repeats", false, 500, 24 * time.Hour},
		{"a customer is given longer", true, 0, 40 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := job.CheckWait(c.customer, c.checks, none); got != c.want {
				t.Errorf("waits %s, want %s", got, c.want)
			}
		})
	}
	if got := job.CheckWait(false, 0, bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff})); got < 1600*time.Millisecond || got >= 2*time.Second {
		t.Errorf("at most a fifth is taken off: %s", got)
	}
}

func TestFailWait(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails int
		want  time.Duration
		ok    bool
	}{
		{"first", 1, time.Second, true},
		{"fifth", 5, 10 * time.Minute, true},
		{"last", 10, 24 * time.Hour, true},
		{"parked", 11, 0, false},
		{"a count that was never written", 0, time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := job.FailWait(c.fails, strings.NewReader("")); got != c.want || ok != c.ok {
				t.Errorf("waits %s %t, want %s %t", got, ok, c.want, c.ok)
			}
		})
	}
}

// TestSendWait: the waits double up to ten minutes, and a human is told when they have become long.
func TestSendWait(t *testing.T) {
	none := strings.NewReader("")
	waited, told := time.Duration(0), 0
	var waits []time.Duration
	for range 12 {
		wait, long := job.SendWait(waited, none)
		if long {
			told++
		}
		waits, waited = append(waits, wait), wait
	}
	if waits[0] != 2*time.Second || waits[1] != 4*time.Second || waits[8] != 512*time.Second || waits[11] != 10*time.Minute || told != 1 {
		t.Errorf("%v, told %d times", waits, told)
	}
	if got, _ := job.SendWait(0, bytes.NewReader([]byte{0xff, 0xff})); got < 1600*time.Millisecond || got >= 2*time.Second {
		t.Errorf("at most a fifth is taken off: %s", got)
	}
}
