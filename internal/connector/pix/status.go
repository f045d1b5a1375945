package pix

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// errNoSuch is the bank's clear word that it does not know something.
var errNoSuch = errors.New("the bank does not know it")

// Status asks how the attempt stands: a charge by its txid, a return by its id and the Pix that it returns.
func (p *Pix) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	fact, err := p.status(ctx, ref)
	if errors.Is(err, errNoSuch) {
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix status: %w", err)
	}
	return fact, nil
}

func (p *Pix) status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	short, err := provider.ShortKey(ref.Key)
	if err != nil {
		return payment.Fact{}, errors.New("the key is none of ours") // and nothing was to be sent
	}
	switch ref.Kind {
	case payment.AttemptDeposit:
		of, err := wanted(short, ref)
		if err != nil {
			return payment.Fact{}, err
		}
		return p.charge(ctx, of)
	case payment.AttemptRefund:
		e2e := ref.Of.ProviderRef
		if len(ref.ProviderRef) > 32 {
			e2e = ref.ProviderRef[:32]
		}
		if e2e, err = p.paidBy(ctx, e2e, ref.Of.Key); err != nil {
			return payment.Fact{}, err
		}
		return p.givenBack(ctx, e2e, short)
	case payment.AttemptCapture, payment.AttemptVoid, payment.AttemptWithdrawal:
	}
	return payment.Fact{}, fmt.Errorf("%w: it has no %s", errNoSuch, ref.Kind)
}

func wanted(txid string, ref connector.Ref) (want, error) {
	if ref.Amount.IsZero() {
		return want{txid: txid}, nil
	}
	amount, err := value(ref.Amount, ref.Currency)
	if err != nil {
		return want{}, errors.New("no such amount can have been sent")
	}
	return want{txid: txid, amount: amount}, nil
}

// charge asks for a charge.
func (p *Pix) charge(ctx context.Context, of want) (payment.Fact, error) {
	res, err := p.call(ctx, http.MethodGet, "/cob/"+of.txid, nil)
	if err != nil {
		return payment.Fact{}, err
	}
	if res.Status == http.StatusOK {
		return p.charged(res, of)
	}
	return payment.Fact{}, missing(res.Status, problemOf(res), "CobNaoEncontrado")
}

// givenBack asks for a return.
func (p *Pix) givenBack(ctx context.Context, e2e, id string) (payment.Fact, error) {
	res, err := p.call(ctx, http.MethodGet, "/pix/"+e2e+"/devolucao/"+id, nil)
	if err != nil {
		return payment.Fact{}, err
	}
	if res.Status == http.StatusOK {
		return returned(res, e2e, id)
	}
	return payment.Fact{}, missing(res.Status, problemOf(res), "PixDevolucaoNaoEncontrada")
}

// missing is errNoSuch where the error says so of just what was asked for.
func missing(status int, kind, absent string) error {
	if status == http.StatusNotFound && slices.Contains([]string{absent, "NaoEncontrado"}, kind) {
		return errNoSuch
	}
	return provider.Unclear(status, kind) //nolint:wrapcheck // by each caller
}

// paidBy is the Pix that paid the charge of our key: the one that is known, or what the charge tells.
func (p *Pix) paidBy(ctx context.Context, e2e, key string) (string, error) {
	if e2e != "" {
		if !isScheme(e2e) {
			return "", fmt.Errorf("%w: the id is none of the scheme's", provider.ErrAnswer)
		}
		return e2e, nil
	}
	txid, err := provider.ShortKey(key)
	if err != nil {
		return "", fmt.Errorf("%w: neither a Pix nor a charge to ask about", provider.ErrAnswer)
	}
	fact, err := p.charge(ctx, want{txid: txid})
	if err != nil {
		return "", err
	}
	if fact.Class != payment.ClassApproved {
		return "", fmt.Errorf("%w: the charge was not paid", provider.ErrAnswer)
	}
	return fact.ProviderRef, nil
}

// Fence closes a charge: one that is open is removed, and of one that the bank does not know its txid is used up first, by a charge that
// expires at once. A charge that is not active is never altered again, so the original is refused, should it still arrive. A return cannot be
// closed, and is only asked about.
func (p *Pix) Fence(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.Kind != payment.AttemptDeposit {
		return p.Status(ctx, ref)
	}
	fact, err := p.status(ctx, ref)
	if errors.Is(err, errNoSuch) {
		fact, err = p.useUp(ctx, ref)
	}
	if err == nil && fact.Class == payment.ClassWaiting {
		fact, err = p.remove(ctx, ref)
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("pix fence: %w", err)
	}
	return fact, nil
}

// useUp makes the charge that never arrived, over the same amount and for a second. Where it has arrived meanwhile that tells how it stands.
func (p *Pix) useUp(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	txid, err := provider.ShortKey(ref.Key)
	if err != nil {
		return payment.Fact{}, errors.New("the key is none of ours")
	}
	amount, err := value(ref.Amount, ref.Currency)
	if err != nil {
		return payment.Fact{}, errors.New("no such amount can have been sent")
	}
	res, err := p.call(ctx, http.MethodPut, "/cob/"+txid, p.closing(amount, time.Second).Bytes())
	switch {
	case err != nil:
		return payment.Fact{}, err
	case made(res.Status):
		return p.charged(res, want{txid, amount})
	case res.Status == http.StatusBadRequest && problemOf(res) == "CobOperacaoInvalida":
		return p.status(ctx, ref)
	}
	return payment.Fact{}, provider.Unclear(res.Status, problemOf(res)) //nolint:wrapcheck // by the caller
}

// remove has a charge removed. Where that is refused, because it was paid or removed meanwhile, its state tells.
func (p *Pix) remove(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	txid, err := provider.ShortKey(ref.Key)
	if err != nil {
		return payment.Fact{}, errors.New("the key is none of ours")
	}
	res, err := p.call(ctx, http.MethodPatch, "/cob/"+txid, provider.NewObject(64).Text("status", removed).Bytes())
	switch {
	case err != nil:
		return payment.Fact{}, err
	case res.Status == http.StatusOK:
		return p.charged(res, want{txid: txid})
	case res.Status == http.StatusBadRequest && problemOf(res) == "CobOperacaoInvalida":
		return p.status(ctx, ref)
	}
	return payment.Fact{}, provider.Unclear(res.Status, problemOf(res)) //nolint:wrapcheck // by the caller
}
