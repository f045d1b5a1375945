package pix

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// errorTypes is what the published types of errors begin with.
const errorTypes = "https://pix.bcb.gov.br/api/v2/error/"

// problemOf is the published type of an error; empty where the answer tells none.
func problemOf(res *outbound.Response) string {
	var told struct {
		Type string `json:"type"`
	}
	if provider.Read(res.Body, &told) != nil {
		return ""
	}
	kind, ours := strings.CutPrefix(told.Type, errorTypes)
	if !ours || !provider.Word(kind, 64) {
		return ""
	}
	return kind
}

// rejections are the errors that say that the request was not carried out, by status and published type. 401 is not among the published
// statuses: it is HTTP's own word that the request was not applied (RFC 9110, 15.5.2).
var rejections = map[int]map[string]payment.ErrorCode{
	http.StatusBadRequest: {"RequisicaoInvalida": payment.CodeAcquirerRequest},
	http.StatusForbidden:  {"AcessoNegado": payment.CodeAcquirerRequest},
	http.StatusNotFound:   {"NaoEncontrado": payment.CodeNotFound, "PixNaoEncontrado": payment.CodeNotFound},
}

// conflicts are the errors that a request gets as well which repeats one that was carried out before, such as by a proxy on the way: a charge
// that is not active any more, an id of a return that was used.
var conflicts = map[string]payment.ErrorCode{"CobOperacaoInvalida": payment.CodeAcquirerRequest, "PixDevolucaoInvalida": payment.CodeAcquirerRequest}

// refused judges an answer that is no success. Where it may be about what is there already the bank is asked, and only its word that there is
// nothing makes a refusal of it.
func (p *Pix) refused(ctx context.Context, res *outbound.Response, ask func(context.Context) (payment.Fact, error)) (payment.Fact, error) {
	kind := problemOf(res)
	if code, conflict := conflicts[kind]; conflict && res.Status == http.StatusBadRequest {
		fact, err := ask(ctx)
		if errors.Is(err, errNoSuch) {
			return payment.Fact{Class: payment.ClassRejected, Code: code, RawCode: kind}, nil
		}
		if err != nil { // the request itself has been answered
			return payment.Fact{Class: payment.ClassUnknown, RawCode: kind}, nil //nolint:nilerr // its outcome is open
		}
		return fact, nil
	}
	code, known := rejections[res.Status][kind]
	if res.Status == http.StatusUnauthorized {
		code, known = payment.CodeAcquirerRequest, true
	}
	if known {
		return payment.Fact{Class: payment.ClassRejected, Code: code, RawCode: kind}, nil
	}
	return payment.Fact{}, provider.Unclear(res.Status, kind) //nolint:wrapcheck // by each caller
}
