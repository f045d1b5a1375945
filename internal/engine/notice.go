package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

// ErrForged is returned for a notice whose signature does not hold. Nothing of it is kept.
var ErrForged = errors.New("the notice is not the provider's")

// ErrUnreadable is returned for a post whose signature holds and that the connector does not understand. It is kept for
// a human, once, and nothing else changes.
var ErrUnreadable = errors.New("the notice is the provider's and cannot be read")

// rematch is how long a notice about something unknown is tried again.
const rematch = 24 * time.Hour

// Post is what a provider posted to a terminal's notice address.
type Post struct {
	Terminal string   // id of the terminal
	URL      *url.URL // as it was called, for the record; may be nil
	Header   http.Header
	Body     []byte
	At       time.Time

	// Read, if set, gives Body. It is asked only where the terminal takes notices, so that a stranger, who knows no terminal's
	// id, cannot use up what there is for reading them. Its error is that of Notice.
	Read    func() ([]byte, error)
	Receipt *string // if set, it is given what the provider wants to read when the notice was taken, if it wants anything
}

// Notice takes a provider's post: verified over its raw bytes, kept, and booked in the
// same transaction. One that came before changes nothing. Errors: payment.ErrNotFound
// for an unknown terminal or one whose provider sends no notices, ErrForged, ErrUnreadable, ErrUnavailable.
func (e *Engine) Notice(ctx context.Context, post Post) error {
	if !id.Valid(post.Terminal) {
		return payment.ErrNotFound
	}
	var owner payment.ShopID
	err := e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		owner, err = tx.Terminals().Shop(post.Terminal)
		return err
	})
	if err != nil {
		return storeError(err)
	}
	at, err := e.reach(ctx, owner, post.Terminal)
	if err != nil {
		return err
	}
	if at.to == nil {
		return at.fault
	}
	if _, ok := connector.As[connector.Notifier](at.to.Connector); !ok {
		return payment.ErrNotFound
	}
	if wants, ok := connector.As[connector.Acknowledger](at.to.Connector); ok && post.Receipt != nil {
		*post.Receipt = wants.Acknowledgement()
	}
	if post.Read != nil {
		if post.Body, err = post.Read(); err != nil {
			return err
		}
	}
	notices, err := e.parse(ctx, owner, at, &post)
	if rescue.From(err) != nil { // perhaps before the signature was verified, so that nothing of it is kept
		if _, due := e.pace.Due("panic/"+post.Terminal, e.Now()); due {
			e.bell.Raise(ctx, alarm.Alarm{Shop: owner, About: alarm.Terminal, Subject: post.Terminal, Why: whyConnector}.Of(err))
		}
		return err
	}
	if errors.Is(err, connector.ErrUnreadable) {
		return e.keepUnread(settled(ctx), owner, post, err)
	}
	if err != nil {
		if more, due := e.pace.Due("forged/"+post.Terminal, e.Now()); due {
			e.c.Log.WarnContext(ctx, "notice refused", "terminal_id", post.Terminal, "error", err, "left_out", more)
		}
		return ErrForged
	}
	for i := range notices {
		err := rescue.Call(func() error {
			if notices[i].Subject != connector.OfAttempt {
				return e.setAside(settled(ctx), owner, post, &notices[i])
			}
			return e.receive(settled(ctx), owner, at, post, &notices[i])
		})
		if err != nil && !passing(err) { // what it says cannot be stored; as it came, it can
			return e.keepUnread(settled(ctx), owner, post, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// receive keeps one notice and books it.
func (e *Engine) receive(ctx context.Context, owner payment.ShopID, at *reached, post Post, n *connector.Notice) error {
	row, err := post.row(owner, n.EventKey)
	if err != nil {
		return err
	}
	row.AttemptKey = n.Key
	said := report{fact: n.Fact, hint: n.Hint, messages: recordIncoming(ctx, at.to, post), at: at}
	err = e.settleNotice(ctx, said, func(tx *store.Tx, said report, d *payment.Decision) error {
		kept := row
		applied, err := e.book(ctx, tx, &kept, said, d)
		if err != nil {
			return err
		}
		kept.State = store.NoticeApplied
		if !applied {
			kept.State, kept.Due = store.NoticeWaiting, tx.Now().Add(job.NoticeWait(0, e.c.Random))
		}
		tx.Notices().Insert(&kept)
		return nil
	})
	if clashed(err, store.WriteNotice) {
		return nil
	}
	return err
}

// report is what a notice says, and how the log shows it.
type report struct {
	about    connector.Subject // of others than attempts nothing is booked
	fact     payment.Fact
	hint     bool // see connector.Notice; of a settled attempt the provider is asked in any case
	messages payment.Messages
	means    string   // what has to be kept to make the call again, sealed
	odd      string   // something about it that a human is told
	at       *reached // the terminal that it came to

	reversed bool // see payment.Answer
}

// settleNotice runs the transaction and finishes what it set off. A notice that names our
// own attempt is about it even if an answer once gave the provider's id to another.
func (e *Engine) settleNotice(ctx context.Context, n report, body func(*store.Tx, report, *payment.Decision) error) error {
	var d payment.Decision
	var x callInput
	var u unconfirmed
	run := func(tx *store.Tx) error {
		if mine, err := u.resolved(tx, &d, &x); mine || err != nil {
			return err
		}
		d = payment.Decision{}
		return body(tx, n, &d)
	}
	err := e.c.DB.Update(ctx, run)
	u.ended(err, &d, &x)
	if clashed(err, store.WriteAttempt) {
		n.fact.ProviderRef, n.odd = "", whyForeignTold
		err = e.c.DB.Update(ctx, run)
	}
	if err != nil {
		return storeError(err)
	}
	e.booked(ctx, &d, n.at)
	return nil
}

// book decides what the notice means for its payment. It reports false when the
// notice is about nothing that is known.
func (e *Engine) book(ctx context.Context, tx *store.Tx, row *store.Notice, n report, d *payment.Decision) (bool, error) {
	pid, seq, err := tx.Attempts().Owner(row.Shop, row.Terminal, row.AttemptKey)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	p, err := tx.Payments().Get(row.Shop, pid)
	if err != nil {
		return false, err
	}
	row.Payment = pid
	if connector.UnfitToShow(&p, &n.fact) != nil || n.hint && p.Attempts[seq-1].Live() { // the status query will tell
		n.fact = payment.Fact{Class: payment.ClassUnknown}
	}
	n.fact.Credential = tx.Seal(store.CredentialPlace(row.Shop, string(pid)), n.fact.Credential)
	*d, err = payment.Decide(p, payment.Notice{
		Attempt: seq, Fact: n.fact, Messages: n.messages, Token: e.c.IDs.Letters(32), Late: e.latePolicy(n.at),
		HoldCheck: tx.Now().Add(job.HoldWait), Onward: e.onward(n.at.shop, &p, &p.Attempts[seq-1], n.at, e.means.Has(&p)),
		NextCheck: tx.Now().Add(job.CheckWait(!n.fact.Next.IsZero(), p.Attempts[seq-1].Checks, e.c.Random)),
	}, tx.Now())
	if err != nil {
		return false, fmt.Errorf("notice %s for payment %s: %w", row.Key, pid, err)
	}
	if n.odd != "" {
		d.Also = append(d.Also, aboutPayment(&d.Payment, n.odd))
	}
	return true, e.commit(ctx, tx, &changes{d: d})
}

// booked finishes what a committed notice set off.
func (e *Engine) booked(ctx context.Context, d *payment.Decision, at *reached) {
	if d.Payment.ID == "" {
		return
	}
	e.announced(ctx, d)
	if d.Call != nil {
		means := e.means.Screened(ctx, &d.Payment)
		defer instrument.Wipe(means)
		e.carry(ctx, d, e.inputOf(d, at, at.shop, means))
	}
	if d.Call == nil && d.Payment.State().Final() {
		e.means.Drop(d.Payment.ID)
	}
}
