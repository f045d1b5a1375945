package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// The verdicts of people, as they are given and shown.
const (
	verdictPass = "pass"
	verdictStop = "stop"
)

// ListReviews chooses payments in review.
type ListReviews struct {
	Shop  string `name:"shop" placeholder:"ID" help:"Only payments of this shop; without it those of all." json:"shop,omitempty"`
	Limit int    `name:"limit" default:"1000" help:"How many at most." json:"limit,omitempty"`
}

// Review is a payment that waits for a verdict.
type Review struct {
	Shop    payment.ShopID  `json:"shopId"`
	ID      payment.ID      `json:"paymentId"`
	Since   time.Time       `json:"since"`
	Until   time.Time       `json:"until"`     // when the clock decides
	Then    string          `json:"then"`      // what it decides: pass or stop
	Code    string          `json:"errorCode"` // of the payment if it is stopped
	Reason  string          `json:"reason,omitempty"`
	Payment json.RawMessage `json:"payment"` // as the gateway API shows it
}

// listReviews lists payments in review, those first whose time is over first. It needs the right ReadPayments.
func (d *Desk) listReviews(ctx context.Context, c ListReviews) (List[Review], error) {
	if c.Limit < 1 {
		return List[Review]{}, fmt.Errorf("--limit: %d is less than 1", c.Limit)
	}
	f := store.ReviewFilter{Limit: c.Limit + 1}
	if c.Shop != "" {
		s, err := d.shopOf(ctx, c.Shop)
		if err != nil {
			return List[Review]{}, err
		}
		f.Shop = s.ID
	}
	found, err := view(ctx, d, func(tx *store.Tx) ([]payment.Payment, error) { return tx.Payments().Reviews(f) })
	return bounded(found, c.Limit, func(p *payment.Payment) Review {
		r := &p.Screened
		return Review{p.Shop, p.ID, r.At, p.Review, thenOf(r), string(r.Code), r.Reason, d.shown(p)}
	}), err
}

func thenOf(r *payment.Screening) string {
	if r.PassAfter {
		return verdictPass
	}
	return verdictStop
}

// JudgePayment is a person's verdict on a payment in review.
type JudgePayment struct {
	OfPayment
	Verdict string `name:"verdict" required:"" enum:"pass,stop" placeholder:"pass|stop" help:"pass has it sent to a provider now, stop ends it as DECLINED." json:"verdict"`
	Code    string `name:"code" placeholder:"CODE" help:"Error code of a payment that is stopped, such as 6.00; without it that of the review." json:"code,omitempty"`
	Reason  string `name:"reason" required:"" placeholder:"TEXT" help:"Why." json:"reason"`
	By      string `name:"by" required:"" placeholder:"NAME" help:"Who has reviewed it." json:"by"`
}

// PaymentJudged is what became of a verdict.
type PaymentJudged struct {
	Update  string          `json:"updateId"` // of its record
	ID      payment.ID      `json:"paymentId"`
	Done    bool            `json:"done"`              // otherwise it waits for a second person
	Payment json.RawMessage `json:"payment,omitempty"` // as the gateway API shows it then, where it is done
}

// judgePayment ends a review. It needs the right ReviewPayments.
func (d *Desk) judgePayment(ctx context.Context, c JudgePayment) (PaymentJudged, error) {
	switch {
	case c.Verdict != verdictPass && c.Verdict != verdictStop:
		return PaymentJudged{}, fmt.Errorf("--verdict: %q is neither %s nor %s", c.Verdict, verdictPass, verdictStop)
	case c.Code != "" && c.Verdict == verdictPass:
		return PaymentJudged{}, errors.New("--code: a payment that is let pass has none")
	case c.Code != "" && !payment.ErrorCode(c.Code).Valid():
		return PaymentJudged{}, fmt.Errorf("there is no error code %q", c.Code)
	case strings.TrimSpace(c.Reason) == "" || strings.TrimSpace(c.By) == "":
		return PaymentJudged{}, errors.New("a verdict needs a reason and a name")
	case !isText(c.Reason, longestReason) || !isText(c.By, longestReason):
		return PaymentJudged{}, fmt.Errorf("the reason and the name must be text of at most %d characters", longestReason)
	}
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return PaymentJudged{}, err
	}
	u := store.ManualUpdate{Shop: s.ID, Payment: c.id(), To: store.StopByHand, Code: payment.ErrorCode(c.Code), Reason: c.Reason, AskedBy: c.By}
	if c.Verdict == verdictPass {
		u.To = store.PassByHand
	}
	r := PaymentJudged{ID: c.id()}
	if r.Update, r.Done, err = d.c.Engine.ManualUpdate(ctx, u); err != nil {
		return PaymentJudged{}, paymentError(err, &c.OfPayment)
	}
	if !r.Done {
		return r, nil
	}
	p, err := d.c.Engine.Look(ctx, s.ID, c.id())
	if err == nil {
		r.Payment = d.shown(&p)
	}
	return r, err
}

// Screening is what the screening of a payment has said, where that was not to let it pass at once.
type Screening struct {
	Verdict string    `json:"verdict"` // STOP or REVIEW
	Code    string    `json:"errorCode,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
	Until   time.Time `json:"until,omitzero"` // of a review: when the clock decides
	Then    string    `json:"then,omitempty"` // and what
	Open    bool      `json:"open,omitempty"` // it is in review now
	Ended   time.Time `json:"ended,omitzero"` // when a verdict has ended the review
	Passed  bool      `json:"passed,omitempty"`
	ByClock bool      `json:"byClock,omitempty"`
}

// screeningShown is nil for a payment that has always passed.
func screeningShown(p *payment.Payment) *Screening {
	r := &p.Screened
	if r.Verdict == payment.VerdictPass {
		return nil
	}
	shown := &Screening{
		Verdict: string(r.Verdict), Code: string(r.Code), Reason: r.Reason, At: r.At, Until: r.Until, Open: p.InReview(),
		Ended: r.Ended, Passed: r.Passed, ByClock: r.ByClock,
	}
	if r.Verdict == payment.VerdictReview {
		shown.Then = thenOf(r)
	}
	return shown
}
