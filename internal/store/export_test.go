package store

import (
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/marks"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// The tests live outside the package, because storetest imports it; this file lends them what tables are made of.

// Scanner is that of the kernel.
type Scanner = tx.Scanner

// Write is that of the kernel.
func (t *Tx) Write(name, sql string, args ...any) { t.kernel().Write(name, sql, args...) }

// Guard is that of the kernel.
func (t *Tx) Guard(name, sql string, args ...any) { t.kernel().Guard(name, sql, args...) }

// One is that of the kernel.
func One[T any](t *Tx, scan func(Scanner) (T, error), sql string, args ...any) (T, error) {
	return tx.One(t.kernel(), scan, sql, args...)
}

// List is that of the kernel.
func List[T any](t *Tx, scan func(Scanner) (T, error), sql string, args ...any) ([]T, error) {
	return tx.List(t.kernel(), scan, sql, args...)
}

// ScanInt64 is that of the kernel.
func ScanInt64(s Scanner) (int64, error) { return tx.ScanInt64(s) }

// MarkEvery is how many payments lie between two marks in these tests.
const MarkEvery = 8

var _ = func() bool {
	marks.Every, marks.GroupMarks, marks.MostCells = MarkEvery, 3, 3
	return true
}()

// ListQuery is the plain query of a page, and its arguments.
func ListQuery(f payment.Filter) (string, []any) { return pages.Plain(f) }

// DeliveriesQuery is the query of a page of deliveries, and its arguments.
func DeliveriesQuery(f DeliveryFilter) (string, []any) { return deliveriesQuery(f) }

// The queries of other lists that page.
const (
	FeedQueryText       = sqlFeedEvents
	OperationsQueryText = sqlOperationsPage
)

// Restamp queues what the writer does with a payment whose commit was late.
func (t *Tx) Restamp(shop payment.ShopID, pid payment.ID) {
	t.kernel().Restamp(tx.Row{Shop: string(shop), ID: string(pid)})
}

// Far reports that marks find the page sooner.
func Far(f payment.Filter) bool { return marks.Far(f) }

// Pages are the queries of pages that are found by marks.
var Pages = pages

// OnlyIDs has a query of a page read no more than the ids.
func OnlyIDs(text string) string { return strings.Replace(text, listedColumns, "p.id", 1) }

// ListBy is List by a query of its own.
func (t Payments) ListBy(f payment.Filter, text string, args []any) ([]payment.Payment, error) {
	page, err := tx.List(t.tx, listedPayments.scan, text, args...)
	return page[:min(len(page), f.Limit)], err
}

// Guarded is that of the kernel.
func Guarded(sql string) string { return tx.Guarded(sql) }

// Made are the statements that are made of columns when the program starts, by the names of their variables.
var Made = map[string]string{
	"sqlPayment": sqlPayment, "sqlReviews": sqlReviews, "sqlListedSmall": sqlListedSmall, "sqlListedLarge": sqlListedLarge, "sqlChildren": sqlChildren, "sqlRefundsSince": sqlRefundsSince,
	"insertPayment": insertPayment.sql, "updatePayment": updatePayment.sql,
	"sqlAttempts": sqlAttempts, "sqlLatestAttempts": sqlLatestAttempts,
	"insertAttempt": insertAttempt.sql, "updateAttempt": updateAttempt.sql,
	"a whole list": listOf(payment.Filter{}),
	"a list with every condition": listOf(payment.Filter{
		CreatedFrom: time.UnixMicro(1), CreatedBefore: time.UnixMicro(2), UpdatedFrom: time.UnixMicro(1), UpdatedBefore: time.UnixMicro(2),
		Reference: strings.Repeat("r", 256),
	}),
	"many deliveries are finished": finishes[0].text,
}

func listOf(f payment.Filter) string {
	text, _ := pages.Plain(f)
	return text
}

// Parted is that of the kernel.
const Parted = tx.Parted

// OnNodes is that of the kernel.
func OnNodes(sql string) string { return tx.OnNodes(sql) }

// ListDeep is the page as one far into a window is found, wherever it is, and whether its payments were looked up one by one.
func (t Payments) ListDeep(f payment.Filter) (page []payment.Payment, thin bool, err error) {
	err = t.tx.Snapshot(func() error {
		text, args, err := pages.Deep(t.tx, f)
		if thin = text == pages.All()["known"]; err == nil {
			page, err = t.ListBy(f, text, args)
		}
		return err
	})
	return page, thin, err
}

// DeepQueries are the statements by which a page far into a window is searched for.
func DeepQueries(f payment.Filter) map[string]marks.Step { return pages.Steps(f) }

// NewestStampsQuery is the statement by which what the process before committed last is found.
const NewestStampsQuery = sqlNewestStamps
