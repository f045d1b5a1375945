package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// sample is a payment with most of what a payment has.
func sample(pid payment.ID) payment.Payment {
	at := time.Date(2026, 7, 30, 9, 0, 0, 0, time.UTC)
	return payment.Restore(payment.Payment{
		Shop: "shop", ID: pid, Type: payment.Deposit, Method: payment.BasicCard, Reference: "order-1", Description: "two tickets",
		Asked: money.Sum{Amount: money.MustParse("12.30"), Currency: "EUR"}, ReturnURL: "https://shop.example/back", WebhookURL: "https://shop.example/hook",
		Customer: `{"email":"ann@example.com"}`, Billing: `{"city":"Riga"}`, Instrument: instrument.Masked{CustomerAccountNumber: "411111******1111"},
		Terminal: "main", Created: at, Updated: at, Changed: at, CheckoutUntil: at.Add(time.Hour), Due: at.Add(time.Minute),
		Live: 1, Tries: 1, Ops: 2, Told: 1, Tokens: "abc",
	}, payment.Pending)
}

func sampleAttempt() payment.Attempt {
	at := time.Date(2026, 7, 30, 9, 0, 0, 0, time.UTC)
	return payment.Attempt{
		Seq: 1, Kind: payment.AttemptDeposit, TerminalID: "t1", Terminal: "main", Key: "key-1", Class: payment.ClassPrepared,
		Sent: money.Sum{Amount: money.MustParse("12.30"), Currency: "EUR"}, Op: 2, LeaseOwner: "node/1", LeaseUntil: at, Started: at,
	}
}

// BenchmarkPayment reads, inserts and updates a payment with one attempt on SQLite.
func BenchmarkPayment(b *testing.B) {
	db := storetest.New(b, store.SQLite).Open()
	write := func(b *testing.B, body func(*store.Tx) error) {
		if err := db.Update(b.Context(), body); err != nil {
			b.Fatal(err)
		}
	}
	insert := func(b *testing.B, pid payment.ID) {
		p, a := sample(pid), sampleAttempt()
		a.Key = string(pid)
		write(b, func(tx *store.Tx) error {
			tx.Payments().Insert(&p)
			tx.Attempts().Insert(&p, &a)
			return nil
		})
	}
	insert(b, "read")
	read := func(b *testing.B) (p payment.Payment) {
		err := db.View(b.Context(), func(tx *store.Tx) (err error) {
			p, err = tx.Payments().Get("shop", "read")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			read(b)
		}
	})
	n := 0
	b.Run("insert", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n++
			insert(b, payment.ID(fmt.Sprint("p", n)))
		}
	})
	b.Run("update", func(b *testing.B) {
		b.ReportAllocs()
		p := read(b)
		for b.Loop() {
			write(b, func(tx *store.Tx) error {
				tx.Payments().Update(&p)
				tx.Attempts().Update(&p, &p.Attempts[0])
				return nil
			})
			p.Version++
		}
	})
}
