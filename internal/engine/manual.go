package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// ManualCheck asks the provider about an open outcome, whether a hold still stands, or whether what is settled is still
// so, or makes a call that never left, at an operator's wish.
func (e *Engine) ManualCheck(ctx context.Context, shop payment.ShopID, id payment.ID) (payment.Payment, error) {
	p, err := e.load(ctx, shop, id)
	if err != nil {
		return payment.Payment{}, err
	}
	if p.Unsent() != nil { // there is nothing to ask about
		if err := e.retry(ctx, &p); err != nil {
			return payment.Payment{}, err
		}
		return e.load(ctx, shop, id)
	}
	if len(p.LostKinds()) > 0 {
		return e.search(ctx, p)
	}
	if (p.BetweenTries() || p.InReview()) && p.Doubted() == nil { // nothing of it has left
		return p, nil
	}
	return e.checkNow(ctx, p, payment.OpManualCheckState, 0)
}

// ErrSecondPerson is returned when somebody approves what they asked for themselves.
var ErrSecondPerson = errors.New("a second person has to approve")

// ErrUpdateOutdated is returned for an update of a payment that has changed since it was asked for: what was known then
// may be wrong now, so it has to be asked for again.
var ErrUpdateOutdated = errors.New("the payment has changed since the update was asked for; look at it and ask again")

// longestReason bounds what is kept of why, in bytes.
const longestReason = 4 << 10

// ManualUpdate puts a payment into a state by hand, or gives a verdict on one in review. reason and who are kept. Where the
// shop demands a second person, nothing changes until ApproveManualUpdate; done tells. A stop needs none, since it sends nothing;
// a pass is ErrForbidden while the shop is inactive.
// Whether it does is read in the transaction: what a process remembers of the shop may be older than the demand.
func (e *Engine) ManualUpdate(ctx context.Context, u store.ManualUpdate) (id string, done bool, err error) {
	switch {
	case strings.TrimSpace(u.Reason) == "" || visible(u.AskedBy) == "":
		return "", false, errors.New("a manual update needs a reason and a name")
	case !keepable(u.Reason) || !keepable(u.AskedBy):
		return "", false, fmt.Errorf("the reason and the name must be text of at most %d bytes", longestReason)
	}
	u.ID, _ = e.c.IDs.New()
	waits := false
	wish := func(tx *store.Tx) (bool, error) {
		if tx.MaybeCommitted() { // a wish has an id of its own
			if kept, err := tx.ManualUpdates().Get(u.Shop, u.ID); !errors.Is(err, store.ErrNotFound) {
				waits = kept.DoneAt.IsZero()
				return true, err
			}
		}
		s, err := tx.Shops().Get(u.Shop)
		if err != nil {
			return false, err
		}
		tx.Shops().Stays(&s)
		if waits = s.Settings.FourEyes && u.To != store.StopByHand; !waits {
			return false, nil
		}
		if err := e.rehearse(tx, &u); err != nil {
			return true, err
		}
		u.AskedAt = tx.Now()
		tx.ManualUpdates().Insert(&u)
		return true, nil
	}
	err = e.carryOut(ctx, &u, wish, func(tx *store.Tx, u *store.ManualUpdate) {
		u.AskedAt, u.DoneAt = tx.Now(), tx.Now()
		tx.ManualUpdates().Insert(u)
	})
	return u.ID, err == nil && !waits, err
}

// keepable reports whether every database takes the text.
func keepable(text string) bool {
	return len(text) <= longestReason && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// secondPerson reports whether somebody else approves: another spelling of the same name
// is not somebody else.
func secondPerson(by, asked string) bool {
	by = visible(by)
	return by != "" && !strings.EqualFold(by, visible(asked))
}

// visible is what a reader sees of a name: without characters that show nothing, single spaces between the words.
func visible(name string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(name, ""))), " ")
}

// ApproveManualUpdate carries out what somebody else asked for. Errors: ErrSecondPerson, ErrUpdateOutdated, those of
// ManualUpdate; payment.ErrNotFound for an unknown one.
func (e *Engine) ApproveManualUpdate(ctx context.Context, shop payment.ShopID, id, by string) error {
	var u store.ManualUpdate
	err := e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.ManualUpdates().Get(shop, id)
		return err
	})
	switch {
	case err != nil:
		return storeError(err)
	case !secondPerson(by, u.AskedBy):
		return ErrSecondPerson
	case !u.DoneAt.IsZero():
		return fmt.Errorf("update %s was carried out on %s", id, u.DoneAt.Format("2006-01-02 15:04:05"))
	}
	if !keepable(by) {
		return fmt.Errorf("the name must be text of at most %d bytes", longestReason)
	}
	u.ApprovedBy = by
	return e.carryOut(ctx, &u, nil, func(tx *store.Tx, u *store.ManualUpdate) {
		u.DoneAt = tx.Now()
		tx.ManualUpdates().Approve(u)
	})
}

// ErrFourEyes is returned for a command by hand that moves money where the shop demands a second person for changes by hand.
var ErrFourEyes = errors.New("the shop demands a second person for changes by hand (fourEyes), and an act that moves money cannot wait for one: " +
	"the merchant can ask for it by the API")

// byHand keeps who gave a command by hand, in its transaction: it needs nobody's approval, so it is done with it. Where the
// shop demands an approval it is ErrFourEyes, at the instant of the commit: this is what others may have asked for meanwhile.
func (e *Engine) byHand(tx *store.Tx, r *store.ManualUpdate, shop payment.ShopID, id payment.ID) error {
	if r == nil {
		return nil
	}
	s, err := tx.Shops().Get(shop)
	if err != nil {
		return err
	}
	if s.Settings.FourEyes {
		return ErrFourEyes
	}
	tx.Shops().Stays(&s)
	u := *r
	u.ID, _ = e.c.IDs.New()
	u.Shop, u.Payment, u.AskedAt, u.DoneAt = shop, id, tx.Now(), tx.Now()
	tx.ManualUpdates().Insert(&u)
	return nil
}

// updateOf is the update with who and why as the payment's log shows them.
func updateOf(u *store.ManualUpdate, now time.Time) payment.ManualUpdate {
	return payment.ManualUpdate{To: u.To, Code: u.Code, HoldCheck: now.Add(job.HoldWait), Messages: recordUpdate(u, now)}
}

// shownOfUpdates are the fields of an update that its record may show.
var shownOfUpdates = outbound.Allowlist{Fields: []string{"update", "askedBy", "reason", "approvedBy"}}

// recordUpdate is an update by hand as an operation shows it: a message that came in from people, masked.
func recordUpdate(u *store.ManualUpdate, now time.Time) payment.Messages {
	body, err := json.Marshal(struct {
		Update     string `json:"update"`
		AskedBy    string `json:"askedBy"`
		Reason     string `json:"reason"`
		ApprovedBy string `json:"approvedBy,omitempty"`
	}{u.ID, u.AskedBy, u.Reason, u.ApprovedBy})
	if err != nil {
		return payment.Messages{} // strings can always be rendered
	}
	rec := new(outbound.Recorder)
	rec.RecordIncoming(outbound.Incoming{At: now, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, shownOfUpdates)
	return payment.Messages{Incoming: rec.Incoming()}
}

// rehearse refuses at once what could not be carried out.
func (e *Engine) rehearse(tx *store.Tx, u *store.ManualUpdate) error {
	p, err := tx.Payments().Get(u.Shop, u.Payment)
	if err != nil {
		return err
	}
	_, err = applied(&p, u, new(act).command(u, tx.Now()), false, tx.Now())
	return err
}

// applied decides an update by hand on the payment as it is. One that has waited for a second person is about the payment as
// it was when it was asked for: else it is ErrUpdateOutdated.
func applied(p *payment.Payment, u *store.ManualUpdate, c payment.Command, waited bool, now time.Time) (payment.Decision, error) {
	if waited && (p.Updated.After(u.AskedAt) || p.InReview() && p.Screened.At.After(u.AskedAt)) {
		return payment.Decision{}, ErrUpdateOutdated
	}
	return payment.Decide(*p, c, now)
}

// Obsolete says why nobody can approve an update any more that waits for a second person; it is empty where somebody can.
func (e *Engine) Obsolete(tx *store.Tx, u *store.ManualUpdate) (why string, err error) {
	if !u.DoneAt.IsZero() {
		return "", nil
	}
	p, err := tx.Payments().Get(u.Shop, u.Payment)
	if err != nil {
		return "", err
	}
	refusal := new(payment.Refusal)
	switch _, err := applied(&p, u, new(act).command(u, tx.Now()), true, tx.Now()); {
	case err == nil:
		return "", nil
	case errors.Is(err, ErrUpdateOutdated):
		return fmt.Sprintf("the payment has changed since, and is %s", p.State()), nil
	case errors.As(err, &refusal):
		return fmt.Sprintf("the payment is %s: %s", p.State(), refusal.Error()), nil
	default:
		return err.Error(), nil
	}
}

// carryOut makes the update. first, when given, may say that nothing more is to be done in the transaction.
func (e *Engine) carryOut(ctx context.Context, u *store.ManualUpdate, first func(*store.Tx) (bool, error),
	keep func(*store.Tx, *store.ManualUpdate),
) error {
	var d payment.Decision
	var x callInput
	var unsure unconfirmed
	by, err := e.actOf(ctx, u)
	if err != nil {
		return err
	}
	defer instrument.Wipe(by.x.means)
	err = e.c.DB.Update(ctx, func(tx *store.Tx) error {
		if mine, err := unsure.resolved(tx, &d, &x); mine || err != nil {
			return err
		}
		d, x = payment.Decision{}, by.x
		if first != nil {
			if over, err := first(tx); over || err != nil {
				return err
			}
		}
		p, err := tx.Payments().Get(u.Shop, u.Payment)
		if err != nil {
			return err
		}
		if d, err = applied(&p, u, by.command(u, tx.Now()), u.ApprovedBy != "", tx.Now()); err != nil {
			return err
		}
		keep(tx, u)
		return e.commit(ctx, tx, &changes{d: &d})
	})
	if err != nil || d.Payment.ID == "" {
		return storeError(err)
	}
	e.announced(ctx, &d)
	if by.judge != nil {
		e.afterReview(ctx, &d, x)
	}
	return nil
}
