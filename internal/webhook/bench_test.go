package webhook_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/setting"
	"github.com/sluicepay/sluice/internal/webhook"
)

// quiet accepts all and remembers nothing.
func quiet() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
	}))
}

// TestThroughputNextToABareClient posts the same bodies with the same parallelism by a
// plain client and by the deliverer, in turns, and compares the rates. It asks for half of
// the bare rate where SLUICE_TEST_WEBHOOK_RATE says how many events to use; without, it is
// skipped, because it measures the machine.
func TestThroughputNextToABareClient(t *testing.T) {
	if os.Getenv("SLUICE_TEST_WEBHOOK_RATE") == "" {
		t.Skip("SLUICE_TEST_WEBHOOK_RATE is not set: nothing measured")
	}
	n := setting.Number(t, "SLUICE_TEST_WEBHOOK_RATE", 5000)
	for _, kind := range []store.Kind{store.SQLite, store.Postgres} {
		t.Run(string(kind), func(t *testing.T) {
			f := newFixture(t, storetest.New(t, kind), func(c *webhook.Config) { c.Turn = time.Hour })
			srv := quiet()
			defer srv.Close()
			var bare, ours []float64
			for round := range 3 {
				filler := strings.Repeat("x", 300)
				f.fillBodies(srv.URL, round*n, n, filler)
				bare = append(bare, rate(n, func() { postBare(srv.URL, round*n, n, filler) }))
				ours = append(ours, rate(n, func() { f.drain() }))
			}
			best := func(v []float64) float64 { return max(v[0], v[1], v[2]) }
			t.Logf("bare client %.0f/s, deliverer %.0f/s, ratio %.2f (all rounds: %.0f against %.0f)",
				best(bare), best(ours), best(ours)/best(bare), bare, ours)
			if best(ours) < best(bare)/2 {
				t.Error("less than half")
			}
			if open := f.deliveries(store.DeliveryFilter{State: store.DeliveryWaiting}); len(open) > 0 {
				t.Errorf("%d left", len(open))
			}
		})
	}
}

func rate(n int, do func()) float64 {
	started := time.Now()
	do()
	return float64(n) / time.Since(started).Seconds()
}

func bodyOf(p int, filler string) string {
	return fmt.Sprintf(`{"Payment":"%d","Seq":1,"Filler":"%s"}`, p, filler)
}

func (f *fixture) fillBodies(url string, from, n int, filler string) {
	for at := from; at < from+n; at += 500 {
		f.update(func(tx *store.Tx) {
			for p := at; p < min(at+500, from+n); p++ {
				e := store.Event{
					Shop: shopID, ID: eventID(p, 1), Dialect: "gateway", Payment: paymentID(p), Seq: 1, Type: "payment.completed",
					ContentType: "application/json", Body: bodyOf(p, filler), Created: f.clock.Now(),
				}
				tx.Events().Insert(&e)
				tx.Deliveries().Insert(&e, url)
			}
		})
	}
}

func postBare(url string, from, n int, filler string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	work := make(chan int, n)
	for p := from; p < from+n; p++ {
		work <- p
	}
	close(work)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for p := range work {
				res, err := client.Post(url, "application/json", bytes.NewReader([]byte(bodyOf(p, filler))))
				if err != nil {
					panic(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
}
