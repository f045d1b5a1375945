package pix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// What keeps a payer from paying.
var (
	ErrNoCharge   = errors.New("no such charge")
	ErrNotPayable = errors.New("the charge is not payable")
)

// Pay has a payer pay the charge that a code leads to, as a bank's app does, and returns the end-to-end id.
func (d *Double) Pay(code string) (string, error) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for token, is := range d.places {
		if strings.Contains(code, d.c.Location+token) {
			return d.pay(is)
		}
	}
	return "", ErrNoCharge
}

// PayCharge has a payer pay the charge of that txid.
func (d *Double) PayCharge(txid string) (string, error) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if is := d.charges[txid]; is != nil {
		return d.pay(is)
	}
	return "", ErrNoCharge
}

func (d *Double) pay(is *charge) (string, error) {
	if is.status != active || d.c.Now().Sub(is.created).Seconds() > float64(is.asked.Calendar.Expires) {
		return "", ErrNotPayable
	}
	is.status = paid
	return d.receive(is, is.asked.Value.Original), nil
}

// Land has money arrive for a charge whatever its state: the payer's app had read it before.
func (d *Double) Land(txid, value string) (string, error) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	is := d.charges[txid]
	if is == nil {
		return "", ErrNoCharge
	}
	return d.receive(is, value), nil
}

func (d *Double) receive(is *charge, value string) string {
	now := d.c.Now()
	p := &received{e2e: d.name("E", now), txid: is.txid, key: is.asked.Key, value: value, at: now}
	is.pix = append(is.pix, p)
	d.pix[p.e2e] = p
	d.Book(is.txid, frame.Taken, value, "BRL")
	d.tell(p)
	return p.e2e
}

// Drop has the bank remove a charge.
func (d *Double) Drop(txid string) error {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	is := d.charges[txid]
	if is == nil || is.status != active {
		return ErrNotPayable
	}
	is.status = removedByBank
	is.revision++
	return nil
}

// Settle ends a return that is on its way. It reports false where there is none.
func (d *Double) Settle(id string, done bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, p := range d.pix {
		if r := p.find(id); r != nil && r.status == underWay {
			d.settle(p, r, done)
			return true
		}
	}
	return false
}

// Fraud has the scheme take money back that was reported as obtained by fraud.
func (d *Double) Fraud(e2e, value string) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if p := d.pix[e2e]; p != nil {
		now := d.c.Now()
		r := &devolution{id: fmt.Sprintf("med%d", len(p.returns)), rtr: d.name("D", now), value: value, status: returned, nature: "MED_FRAUDE", asked: now, settled: now}
		p.returns = append(p.returns, r)
		d.Book(r.id, frame.Returned, value, "BRL")
		d.tell(p)
	}
}

// Status is the state of a charge; empty for none.
func (d *Double) Status(txid string) string {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if is := d.charges[txid]; is != nil {
		return is.status
	}
	return ""
}

// tell puts a Pix among those that a notice is due about.
func (d *Double) tell(p *received) {
	if !slices.Contains(d.told, p) {
		d.told = append(d.told, p)
	}
}

// Notice is the body of the next notice: all Pix of which something is to be told, as they are now. It is nil where there is nothing.
func (d *Double) Notice() []byte {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if len(d.told) == 0 {
		return nil
	}
	list := make([]object, len(d.told))
	for i, p := range d.told {
		list[i] = p.view()
	}
	d.told = nil
	body, err := json.Marshal(object{"pix": list})
	if err != nil {
		panic(err)
	}
	return body
}

// Deliver posts the next notice, if there is one, with that header, and returns the status of the answer.
func (d *Double) Deliver(ctx context.Context, client *http.Client, url string, header http.Header) (int, error) {
	body := d.Notice()
	if body == nil {
		return 0, nil
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("notice: %w", err)
	}
	q.Header = header.Clone()
	q.Header.Set("Content-Type", "application/json")
	res, err := client.Do(q)
	if err != nil {
		return 0, fmt.Errorf("notice: %w", err)
	}
	return res.StatusCode, res.Body.Close()
}
