package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// defaultHostile is how many hostile requests each database gets. SLUICE_TEST_HOSTILE says another number, and
// SLUICE_TEST_HOSTILE_SEED which ones they are.
const defaultHostile = 1500

// TestHostileRequests sends mutations of valid requests to every route that strangers reach. Whatever they hold, the
// answer comes, is no fault of ours, has the shape of its API and tells nothing of our insides; and a request that was
// refused has written nothing.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	count, seed := setting.Number(t, "SLUICE_TEST_HOSTILE", defaultHostile), uint64(setting.Number(t, "SLUICE_TEST_HOSTILE_SEED", 1))
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		writes := &counter{}
		log := &quietLog{}
		s := newScene(t, d, log, func(o *store.Options) { o.Fault = writes.note })
		seeds := seedsOfScene()
		met := map[string]int{}
		for i := range count {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			one := seeds[i%len(seeds)]
			q := one.make(s)
			if i >= len(seeds) { // first all of them as they are
				mutate(r, &q)
			}
			before := writes.since(0)
			got, err := s.send(&q)
			if err != nil {
				t.Fatalf("request %d of seed %d, %s: %v\n%.2000q", i, seed, one.route, err, q.wire())
			}
			faults := judge(&q, got)
			if more := writes.since(len(before)); got.status >= 400 && len(more) > 0 && !(got.status == 503 && q.broken) {
				faults = append(faults, fmt.Sprintf("refused, and yet it wrote %v", more))
			}
			if i < len(seeds) && got.status >= 400 && !strings.HasSuffix(one.route, "/submit") { // which is always refused
				faults = append(faults, "a valid request is refused")
			}
			if len(faults) > 0 {
				t.Errorf("request %d of seed %d, %s: %s\n%.1500q\n%d %.1500q", i, seed, one.route, strings.Join(faults, "; "), q.wire(), got.status, got.body)
			}
			for _, line := range log.loud() {
				t.Errorf("request %d of seed %d, %s: it was logged %s\n%.1500q", i, seed, one.route, line, q.wire())
			}
			if got.status < 400 && one.spends != "" {
				s.spend(one.spends)
			}
			met[areaOf(&q)+" "+strconv.Itoa(got.status)]++
		}
		t.Logf("%d requests: %v", count, met)
	})
}

// TestEveryRouteIsAttacked: a new route needs a valid request to be mutated.
func TestEveryRouteIsAttacked(t *testing.T) {
	t.Parallel()
	var have []string
	for _, one := range seedsOfScene() {
		have = append(have, one.route)
	}
	for _, route := range slices.Concat(gateway.Routes(), yandexpay.Routes()) {
		if !slices.Contains(have, route) {
			t.Errorf("no request for %s", route)
		}
	}
}

// counter notes what was written. An insert that met a row with its key was not.
type counter struct {
	mu    sync.Mutex
	names []string
}

func (c *counter) note(point store.FaultPoint, writes []string) error {
	if point == store.FaultAfterCommit {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.names = append(c.names, writes...)
	}
	return nil
}

func (c *counter) since(n int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.names[n:len(c.names):len(c.names)]
}

// quietLog keeps the lines of a log that should not be there.
type quietLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *quietLog) Write(p []byte) (int, error) {
	line := string(p)
	if strings.Contains(line, "level=ERROR") && !strings.Contains(line, "msg=request ") || strings.Contains(line, "panic") {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, line)
	}
	return len(p), nil
}

func (l *quietLog) loud() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}
