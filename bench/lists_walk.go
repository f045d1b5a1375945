package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

const (
	walkMark = 3 // times one scan
	walkPage = 1000
)

// walked is how long it took to page through all payments.
type walked struct {
	payments int
	offset   time.Duration // by offsets
	after    time.Duration // by the cursor
}

// walk pages through the newest payments, as far as offsets go, by the largest pages.
func (p *pager) walk(ctx context.Context) (w walked, err error) {
	w.payments = min(p.payments, payment.MaxOffset+walkPage)
	began := time.Now()
	seen := 0
	for n := 0; seen < w.payments; n++ {
		found, _, err := p.stride(ctx, p.server.listRequest(walkPage, n*walkPage, ""))
		if err != nil {
			return w, err
		}
		seen += found
	}
	w.offset = time.Since(began)
	began = time.Now()
	last := ""
	for seen = 0; seen < w.payments; {
		filter := ""
		if last != "" {
			filter = "&after=" + last
		}
		var found int
		if found, last, err = p.stride(ctx, p.server.listRequest(walkPage, 0, filter)); err != nil {
			return w, err
		}
		seen += found
	}
	w.after = time.Since(began)
	return w, nil
}

// stride reads one page, and returns how many payments it has and the id of the last.
func (p *pager) stride(ctx context.Context, r *request) (n int, last string, err error) {
	status, body, err := p.client.do(r.raw)
	if err != nil {
		return 0, "", err
	}
	mark := []byte(`{"id":"`)
	n = bytes.Count(body, []byte(`"paymentType"`))
	at := bytes.LastIndex(body, mark)
	if status != 200 || n == 0 || at < 0 {
		return 0, "", fmt.Errorf("a page answered %d with %d payments: %.200s", status, n, body)
	}
	return n, string(body[at+len(mark):][:len(zeroes)]), ctx.Err()
}

// reportWalk compares it with one scan of the driver that writes the same rows.
func (l *lab) reportWalk(ctx context.Context, in *inside, w walked) error {
	scan := time.Duration(math.MaxInt64)
	for range 2 { // the first may find the disk's cache cold
		var out counter
		began := time.Now()
		n, err := in.pages.query(ctx, fmt.Sprintf(pageFormat, in.pages.columns(), w.payments), encode(&out, store.ListedColumns()))
		if err != nil || n != w.payments {
			return fmt.Errorf("the scan found %d payments: %w", n, err)
		}
		scan = min(scan, time.Since(began))
	}
	for _, by := range []struct {
		name string
		took time.Duration
	}{{"offset", w.offset}, {"cursor", w.after}} {
		line := line{Section: lists, Name: fmt.Sprintf("all of %d payments by %d, by %s, over HTTP, %s", w.payments, walkPage, by.name, title(in.home.kind)),
			Value: seconds(by.took), Against: "one scan of the driver, written, " + seconds(scan), Ratio: float64(by.took) / float64(scan)}
		l.report.add(line.atMost(walkMark))
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// counter counts what is written.
type counter struct{ n int64 }

// Write implements [io.Writer].
func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

var _ io.Writer = (*counter)(nil)
