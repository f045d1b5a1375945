// Package resend says whether the call of an attempt may be made once more, where a provider publishes that as the way to learn its
// outcome (connector.Resend), and keeps what it takes to make the very same one.
//
// What a call has sent is kept as a keyed hash, and only once its outcome is unknown; connectors and means without the trait cost nothing.
// What is sent again has to be the same bytes, which package outbound holds it to, under the settings that the terminal had,
// within the time that the provider remembers the key, and a few times at most. It makes no call itself; what an answer means is
// the engine's.
package resend

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/terminals"
	"github.com/sluicepay/sluice/internal/vault"
)

// most is how often one attempt is sent again. A provider that has nothing better to say by then will not: it is asked about as others
// are, and while nothing is sent any more an answer "not found" proves something again.
const most = 4

// Keeper keeps what was sent and says what may be sent again. Safe for concurrent use.
type Keeper struct {
	DB   *store.DB
	Keys vault.Keyring
	Now  func() time.Time
	Log  *slog.Logger
	// Restored is when the installation was last restored from a backup; zero for never. What was begun before may have been
	// settled and followed by others since, of which nothing is known.
	Restored time.Time
}

// Sent is what one call sends.
type Sent struct {
	k    Keeper
	to   *terminals.Opened
	a    *payment.Attempt
	sums *outbound.Sums
}

// Watch has what the attempt's own call sends noted, if it may have to be made again: with nothing of the customer's but a credential that
// is kept. It is nil, and the context as it was, of any other.
func (k Keeper) Watch(ctx context.Context, to *terminals.Opened, a *payment.Attempt, means instrument.Means) (context.Context, *Sent) {
	if to == nil || a.Kind == payment.AttemptWithdrawal || !again(means) || to.Traits().Resend.Within <= 0 {
		return ctx, nil
	}
	ctx, sums := outbound.WithSums(ctx, k.keyed(to))
	return ctx, &Sent{k, to, a, sums}
}

// again reports that the same means are at hand at any time.
func again(means instrument.Means) bool {
	_, credential := means.(*instrument.Credential)
	return means == nil || credential
}

// Keep keeps it where the outcome is unknown, of nil nothing. If that fails it is not sent again.
func (s *Sent) Keep(ctx context.Context, p *payment.Payment, f *payment.Fact) {
	if s == nil || f.Class != payment.ClassUnknown || s.sums.String() == "" {
		return
	}
	err := s.k.DB.Update(ctx, func(tx *store.Tx) error {
		tx.SentRequests().Keep(store.SentRequest{
			Shop: p.Shop, Payment: p.ID, Seq: s.a.Seq, Sums: s.sums.String(), Due: s.a.Started.Add(s.to.Traits().Resend.Within),
		})
		return nil
	})
	if err != nil {
		s.k.Log.WarnContext(ctx, "what was sent is not kept, and cannot be sent again", "payment_id", p.ID, "attempt", s.a.Seq, "error", err)
	}
}

// May returns a context in which the attempt's call may be made again now, and only as it was; ok is false where it may not. lasts is how
// long the call may take. That it is made has been counted then.
//
// An attempt of which the provider has said once that it does not know it, with nothing sent again before, is left alone: a
// second such answer is a proof, as long as nothing is under way.
func (k Keeper) May(ctx context.Context, p *payment.Payment, to *terminals.Opened, call *payment.Call, lasts time.Duration) (_ context.Context, ok bool) {
	a := &call.Attempt
	if to == nil || to.Traits().Resend.Within <= 0 || !k.open(p, call) {
		return ctx, false
	}
	within := func(r store.SentRequest) bool {
		end := k.Now().Add(lasts)
		return r.Tries < most && end.Before(r.Due) && end.Before(a.Started.Add(to.Traits().Resend.Within))
	}
	var sent store.SentRequest
	err := k.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if sent, err = tx.SentRequests().By(p, a.Seq); err == nil && within(sent) {
			tx.SentRequests().Again(sent)
		}
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		k.Log.WarnContext(ctx, "a call is not made again", "payment_id", p.ID, "attempt", a.Seq, "error", err)
	}
	if err != nil || !within(sent) {
		return ctx, false
	}
	return outbound.OnlyAgain(ctx, k.keyed(to), sent.Sums), true
}

// open reports that somebody still wants the outcome of an attempt that may be sent again, and that nothing is proved of it yet.
func (k Keeper) open(p *payment.Payment, call *payment.Call) bool {
	a := &call.Attempt
	switch {
	case !call.Ask, call.Fence, !a.Live(), a.Class == payment.ClassUnsent, a.Kind == payment.AttemptWithdrawal, a.Started.IsZero(), !a.NotFoundAt.IsZero():
		return false
	case a.Kind == payment.AttemptDeposit && (!p.Abandoned.IsZero() || !p.CheckoutUntil.IsZero() && !k.Now().Before(p.CheckoutUntil)):
		return false
	}
	return k.Restored.IsZero() || a.Started.After(k.Restored)
}

// keyed is the hash of what is sent by the terminal's settings as they are: by others it would be another account's.
func (k Keeper) keyed(to *terminals.Opened) func([]byte) []byte {
	settings := to.Fingerprint()
	return func(sum []byte) []byte {
		return k.Keys.Fingerprint(slices.Concat([]byte("sent request"), settings[:], sum))
	}
}
