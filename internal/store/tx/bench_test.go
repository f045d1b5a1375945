package tx_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// BenchmarkGroupCommit writes sets of four rows from 64 goroutines, in turns on two open databases of
// the same kind: one that gives each set a commit of its own and one that groups. It reports both rates
// and their ratio. Ungrouped PostgreSQL gets as many writing connections as help it.
func BenchmarkGroupCommit(b *testing.B) {
	for _, kind := range []tx.Kind{tx.SQLite, tx.Postgres} {
		b.Run(string(kind), func(b *testing.B) {
			single := open(b, storetest.New(b, kind), testSchema, func(o *tx.Options) { o.GroupSize, o.Writers = 1, 16 })
			grouped := open(b, storetest.New(b, kind), testSchema)
			var next atomic.Int64
			spent := map[*tx.DB]time.Duration{}
			sets := 0
			for b.Loop() {
				for _, db := range []*tx.DB{single, grouped} {
					start := time.Now()
					round(b, db, &next)
					spent[db] += time.Since(start)
				}
				sets += clients * setsEach
			}
			rate := func(db *tx.DB) float64 { return float64(sets) / spent[db].Seconds() }
			b.ReportMetric(rate(single), "single/s")
			b.ReportMetric(rate(grouped), "grouped/s")
			b.ReportMetric(rate(grouped)/rate(single), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

const clients, setsEach = 64, 20

// round has every client write its sets one after the other.
func round(b *testing.B, db *tx.DB, next *atomic.Int64) {
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range setsEach {
				id := fmt.Sprintf("%032x", next.Add(1))
				err := db.Update(b.Context(), func(x *tx.Tx) error {
					addAccount(x, id, 1)
					for seq := range 3 {
						x.Write("entry.create", insertEntry, "shop", id, seq, "about as long as a short message")
					}
					return nil
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
