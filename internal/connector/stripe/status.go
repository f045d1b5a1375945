package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Status asks how the attempt stands: by Stripe's own id where there is one, else a payment by a search for our key, and what refers to
// a payment through that payment.
func (s *Stripe) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	fact, err := s.status(ctx, ref)
	if errors.Is(err, errNoSuch) {
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("stripe status: %w", err)
	}
	return fact, nil
}

func (s *Stripe) status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.Key == "" {
		return payment.Fact{}, errors.New("no key")
	}
	switch ref.Kind {
	case payment.AttemptDeposit:
		if ref.Amount.IsZero() {
			return s.verified(ctx, ref)
		}
		id, err := s.found(ctx, ref.ProviderRef, ref.Key)
		if err != nil {
			return payment.Fact{}, err
		}
		in, err := s.intent(ctx, id)
		if err != nil {
			return payment.Fact{}, err
		}
		return in.fact(ref.Key)
	case payment.AttemptCapture, payment.AttemptVoid:
		id, err := s.found(ctx, cmp.Or(ref.ProviderRef, ref.Of.ProviderRef), ref.Of.Key)
		if err != nil {
			return payment.Fact{}, err
		}
		in, err := s.intent(ctx, id)
		if err != nil {
			return payment.Fact{}, err
		}
		return follower{kind: ref.Kind, key: ref.Key, of: ref.Of.Key}.fact(in)
	case payment.AttemptRefund:
		return s.refunded(ctx, ref)
	case payment.AttemptWithdrawal:
	}
	return payment.Fact{}, fmt.Errorf("%w: it has no %s", errNoSuch, ref.Kind)
}

// errNoSuch is Stripe's clear word that it does not know something, or that a list does not have it.
var errNoSuch = errors.New("stripe does not know it")

// found is the id of an intent: the one that is known, or what a search for our key finds.
func (s *Stripe) found(ctx context.Context, id, key string) (string, error) {
	if id != "" {
		if !provider.Word(id, 64) {
			return "", fmt.Errorf("%w: the id is none of Stripe's", provider.ErrAnswer)
		}
		return id, nil
	}
	if !provider.Word(key, 200) {
		return "", fmt.Errorf("%w: neither an id nor a key that can be searched for", provider.ErrAnswer)
	}
	query := url.Values{"query": {"metadata['" + metaKey + "']:'" + key + "'"}, "limit": {"10"}}
	var l list[intent]
	if err := s.get(ctx, "/v1/payment_intents/search?"+query.Encode(), &l); err != nil {
		return "", err
	}
	if err := l.whole("search_result"); err != nil {
		return "", err
	}
	id = ""
	for i := range l.Data {
		if err := l.Data[i].mine(key); err != nil {
			return "", err
		}
		if id != "" && id != l.Data[i].ID {
			return "", fmt.Errorf("%w: several payments carry the key", provider.ErrAnswer)
		}
		id = l.Data[i].ID
	}
	if id == "" {
		return "", errNoSuch
	}
	return id, nil
}

// intent reads one, as it is now: what a search shows may be older.
func (s *Stripe) intent(ctx context.Context, id string) (*intent, error) {
	in := new(intent)
	if err := s.get(ctx, "/v1/payment_intents/"+id+"?expand[]="+withFees, in); err != nil {
		return nil, err
	}
	if in.ID != id {
		return nil, errOther
	}
	return in, nil
}

// get reads an object. Stripe's word that it does not know it is errNoSuch.
func (s *Stripe) get(ctx context.Context, path string, into any) error {
	res, err := s.api.Get(ctx, path)
	if err != nil {
		return err //nolint:wrapcheck // by each caller
	}
	if res.Status == http.StatusOK {
		return provider.Read(res.Body, into) //nolint:wrapcheck // by each caller
	}
	return missing(res)
}

func missing(res *outbound.Response) error {
	e := readFailure(res.Body)
	if res.Status == http.StatusNotFound && e.Type == invalid && e.Code == "resource_missing" {
		return errNoSuch
	}
	return e.unclear(res.Status)
}

// verified asks about a verification. Without its id those are looked through that were made when it was begun: Stripe has no search for
// them, and the list shows at once what was made.
func (s *Stripe) verified(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.ProviderRef != "" {
		if !provider.Word(ref.ProviderRef, 64) {
			return payment.Fact{}, fmt.Errorf("%w: the id is none of Stripe's", provider.ErrAnswer)
		}
		var in setup
		if err := s.get(ctx, "/v1/setup_intents/"+ref.ProviderRef, &in); err != nil {
			return payment.Fact{}, err
		}
		return in.fact(ref.Key)
	}
	if ref.Started.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: when it was begun is not known", provider.ErrAnswer)
	}
	const slack = 5 * time.Minute // between their clock and ours
	window := url.Values{
		"created[gte]": {strconv.FormatInt(ref.Started.Add(-slack).Unix(), 10)},
		"created[lte]": {strconv.FormatInt(ref.Started.Add(maxInFlight+slack).Unix(), 10)},
	}
	in, err := each(ctx, s, "/v1/setup_intents", window, func(in *setup) (string, bool) { return in.ID, in.Metadata[metaKey] == ref.Key })
	if err != nil {
		return payment.Fact{}, err
	}
	return in.fact(ref.Key)
}

// refunded asks about a refund: by its id, or among those of its payment.
func (s *Stripe) refunded(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.ProviderRef != "" {
		if !provider.Word(ref.ProviderRef, 64) {
			return payment.Fact{}, fmt.Errorf("%w: the id is none of Stripe's", provider.ErrAnswer)
		}
		var r refund
		if err := s.get(ctx, "/v1/refunds/"+ref.ProviderRef, &r); err != nil {
			return payment.Fact{}, err
		}
		return r.fact(ref.Key)
	}
	id, err := s.found(ctx, ref.Of.ProviderRef, ref.Of.Key)
	if err != nil {
		return payment.Fact{}, err
	}
	of := url.Values{"payment_intent": {id}}
	r, err := each(ctx, s, "/v1/refunds", of, func(r *refund) (string, bool) { return r.ID, r.Metadata[metaKey] == ref.Key })
	if err != nil {
		return payment.Fact{}, err
	}
	return r.fact(ref.Key)
}

// list is a page of Stripe's lists and searches.
type list[T any] struct {
	Object string `json:"object"`
	More   bool   `json:"has_more"`
	Data   []T    `json:"data"`
}

// whole checks that it is one.
func (l *list[T]) whole(object string) error {
	if l.Object != object || l.Data == nil {
		return fmt.Errorf("%w: it is no %s", provider.ErrAnswer, object)
	}
	return nil
}

// mostPages bounds how far a list is followed. What lies beyond was not looked at, so nothing is known of it.
const mostPages = 20

// each looks through a list for the one that is meant. Only the end of the list proves that it is not there.
func each[T any](ctx context.Context, s *Stripe, path string, query url.Values, meant func(*T) (id string, is bool)) (*T, error) {
	query.Set("limit", "100")
	for range mostPages {
		var l list[T]
		if err := s.get(ctx, path+"?"+query.Encode(), &l); err != nil {
			return nil, err
		}
		if err := l.whole("list"); err != nil {
			return nil, err
		}
		last := ""
		for i := range l.Data {
			id, is := meant(&l.Data[i])
			if is {
				return &l.Data[i], nil
			}
			last = id
		}
		if !l.More {
			return nil, errNoSuch
		}
		if !provider.Word(last, 64) {
			break
		}
		query.Set("starting_after", last)
	}
	return nil, fmt.Errorf("%w: the list is too long", provider.ErrAnswer)
}
