package przelewy24

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// mostRequest is how long the id of a refund's request may be.
const mostRequest = 45

// refundRef names a refund: by the order that it is of, through which alone it is found, and by its own id.
func refundRef(order int64, uuid string) string { return strconv.FormatInt(order, 10) + "-" + uuid }

// Refund asks for the amount to go back. That it was taken is no more than that: how it ends a query tells, or a notice.
func (p *Przelewy24) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	amount, err := units.Number(r.Amount, r.Currency)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("przelewy24 refund: %w", err)
	}
	uuid, err := provider.ShortKey(r.Key)
	if err != nil || len(r.Key) > mostRequest || amount == 0 || !provider.Word(r.Original.Key, 100) {
		return payment.Fact{}, fmt.Errorf("%w: a key, an amount and what it is of are needed", connector.ErrIncomplete)
	}
	order, err := p.orderOf(ctx, r.Original.ProviderRef, r.Original.Key)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("przelewy24 refund: %w", provider.Before(err))
	}
	item := provider.NewObject(250).Raw("orderId", whole(order)).Text("sessionId", r.Original.Key).Number("amount", amount).Text("description", uuid)
	body := provider.NewObject(600).Text("requestId", r.Key).List("refunds", item).Text("refundsUuid", uuid).Text("urlStatus", r.NoticeURL).Bytes()
	res, err := p.api.Post(ctx, "/api/v1/transaction/refund", body, nil)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("przelewy24 refund: %w", err)
	}
	asked := refundItem{Order: order, Session: r.Original.Key, Amount: int64(amount)}
	fact, err := p.judgeRefund(ctx, res, &r, asked, uuid)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("przelewy24 refund: %w", err)
	}
	return fact, nil
}

// orderOf is the number of an order: the one that is known, or what a query for its session finds.
func (p *Przelewy24) orderOf(ctx context.Context, ref, session string) (int64, error) {
	if ref == "" {
		t, err := p.find(ctx, session)
		if err != nil {
			return 0, err
		}
		return t.Order, nil
	}
	order, err := strconv.ParseInt(ref, 10, 64)
	if err != nil || order < 1 {
		return 0, fmt.Errorf("%w: the order's number is none of Przelewy24's", provider.ErrAnswer)
	}
	return order, nil
}

// refundItem is one refund in the answer to its request.
type refundItem struct {
	Order   int64  `json:"orderId"`
	Session string `json:"sessionId"`
	Amount  int64  `json:"amount"`
	Done    *bool  `json:"status"`
	Message string `json:"message"`
}

func (i *refundItem) same(as refundItem) bool {
	return i.Order == as.Order && i.Session == as.Session && i.Amount == as.Amount && i.Done != nil
}

// judgeRefund reads the answer to a refund.
func (p *Przelewy24) judgeRefund(ctx context.Context, res *outbound.Response, r *connector.Request, asked refundItem, uuid string) (payment.Fact, error) {
	var told struct {
		Data  []refundItem `json:"data"`
		Error []refundItem `json:"error"`
	}
	switch res.Status {
	case http.StatusCreated:
		if err := provider.Read(res.Body, &told); err != nil {
			return payment.Fact{}, err //nolint:wrapcheck // by the caller
		}
		if len(told.Data) != 1 || !told.Data[0].same(asked) || !*told.Data[0].Done {
			return payment.Fact{}, errOther
		}
		return payment.Fact{Class: payment.ClassWaiting, ProviderRef: refundRef(asked.Order, uuid), Echoed: money.Sum{Amount: r.Amount, Currency: r.Currency}}, nil
	case http.StatusConflict:
		if err := provider.Read(res.Body, &told); err != nil {
			return payment.Fact{}, err //nolint:wrapcheck // by the caller
		}
		if len(told.Error) != 1 || !told.Error[0].same(asked) || *told.Error[0].Done {
			return payment.Fact{}, errOther
		}
		return refusals.Fact(word(told.Error[0].Message)), nil
	}
	f := readFailure(res.Body)
	if res.Status == http.StatusBadRequest && (f.Error == "Request already exists" || f.Error == "Concurrent call") {
		return p.Status(ctx, connector.Ref{
			Kind: payment.AttemptRefund, Key: r.Key, ProviderRef: refundRef(asked.Order, uuid), Amount: r.Amount, Currency: r.Currency,
			Of: connector.Original{Key: r.Original.Key},
		})
	}
	if fact, is := f.rejected(res.Status, r.Method); is {
		return fact, nil
	}
	return payment.Fact{}, f.unclear(res.Status)
}

// word makes a message a code: its letters, and hyphens between its words.
func word(message string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(message), func(c rune) bool { return c < 'a' || c > 'z' }), "-")
}

// The published states of a refund.
const (
	refundCompleted = 1
	refundPending   = 2
	refundAwaiting  = 3 // Przelewy24's acceptance
	refundRejected  = 4
)

// refunds are those of one order.
type refunds struct {
	Order    int64  `json:"orderId"`
	Session  string `json:"sessionId"`
	Currency string `json:"currency"`
	Refunds  []struct {
		Request string `json:"requestId"`
		Status  int64  `json:"status"`
		Amount  int64  `json:"amount"`
	} `json:"refunds"`
}

func (p *Przelewy24) refundsOf(ctx context.Context, order int64) (*refunds, error) {
	res, err := p.api.Get(ctx, "/api/v1/refund/by/orderId/"+strconv.FormatInt(order, 10))
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if res.Status != http.StatusOK {
		return nil, missing(res)
	}
	var told struct {
		Data *refunds `json:"data"`
	}
	if err := provider.Read(res.Body, &told); err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if told.Data == nil || told.Data.Order != order || told.Data.Refunds == nil {
		return nil, errOther
	}
	return told.Data, nil
}

// refunded asks about a refund, among those of its order.
func (p *Przelewy24) refunded(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	uuid, err := provider.ShortKey(ref.Key)
	if err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	of, _, own := strings.Cut(ref.ProviderRef, "-")
	if !own {
		of = ref.Of.ProviderRef
	}
	order, err := p.orderOf(ctx, of, ref.Of.Key)
	if err != nil {
		return payment.Fact{}, err
	}
	list, err := p.refundsOf(ctx, order)
	if err != nil {
		return payment.Fact{}, err
	}
	if ref.Of.Key != "" && list.Session != ref.Of.Key {
		return payment.Fact{}, errOther
	}
	currency, err := provider.Currency(list.Currency)
	if err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	for i := range list.Refunds {
		r := &list.Refunds[i]
		if r.Request != ref.Key {
			continue
		}
		amount, err := units.Amount(r.Amount, currency)
		if err != nil || amount.IsZero() {
			return payment.Fact{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
		}
		f, err := refundFact(r.Status)
		f.ProviderRef, f.Echoed = refundRef(order, uuid), money.Sum{Amount: amount, Currency: currency}
		return f, err
	}
	return payment.Fact{}, errNoSuch
}

// refundFact is what the state of a refund proves.
func refundFact(state int64) (payment.Fact, error) {
	switch state {
	case refundCompleted:
		return payment.Fact{Class: payment.ClassApproved}, nil
	case refundPending, refundAwaiting:
		return payment.Fact{Class: payment.ClassWaiting}, nil
	case refundRejected:
		return refusals.Fact("rejected"), nil
	}
	return payment.Fact{}, errors.Join(provider.ErrAnswer, errors.New("its status is none that was published"))
}
