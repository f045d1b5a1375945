package pix

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/pix"
	"github.com/sluicepay/sluice/internal/provider"
)

// The documents that name who is to pay.
const (
	cpf  = "BR_CPF"
	cnpj = "BR_CNPJ"
)

// removed is the state by which we close a charge.
const removed = "REMOVIDA_PELO_USUARIO_RECEBEDOR"

// asks is the body that a charge is asked for with. Its amount cannot be changed by the payer.
func (p *Pix) asks(r *connector.Request, amount string) ([]byte, error) {
	left := lasts
	if !r.Until.IsZero() {
		left = r.Until.Sub(p.now()).Truncate(time.Second)
	}
	if left <= 0 {
		return nil, fmt.Errorf("%w: the customer's time is over", connector.ErrIncomplete)
	}
	o := p.closing(amount, left)
	if p.c.Payer {
		name := strings.TrimSpace(r.Customer.FirstName + " " + r.Customer.LastName)
		kind := map[string]string{cpf: "cpf", cnpj: "cnpj"}[r.Customer.DocumentType]
		if kind == "" || name == "" {
			return nil, fmt.Errorf("%w: who is to pay is not known", connector.ErrIncomplete)
		}
		o = o.Nest("devedor", provider.NewObject(300).Text(kind, r.Customer.DocumentNumber).Text("nome", cut(name, 200)))
	}
	return o.Text("solicitacaoPagador", cut(r.Description, mostText)).Bytes(), nil
}

// closing is a charge that says no more than has to be.
func (p *Pix) closing(amount string, left time.Duration) provider.Object {
	return provider.NewObject(512).
		Nest("calendario", provider.NewObject(32).Number("expiracao", uint64(left/time.Second))).
		Nest("valor", provider.NewObject(32).Text("original", amount)).
		Text("chave", p.c.Key)
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	n := 0
	for i := range text {
		if n == most {
			return text[:i]
		}
		n++
	}
	return text
}

// cob is what the connector reads of a charge.
type cob struct {
	TxID     string `json:"txid"`
	Status   string `json:"status"`
	Key      string `json:"chave"`
	Location string `json:"location"`
	Code     string `json:"pixCopiaECola"`
	Value    struct {
		Original string `json:"original"`
		Mode     int    `json:"modalidadeAlteracao"`
	} `json:"valor"`
	Calendar struct {
		Created string         `json:"criacao"`
		Expires jsontext.Value `json:"expiracao"`
	} `json:"calendario"`
	Pix []received `json:"pix"`
}

// received is what it reads of a Pix.
type received struct {
	E2E     string         `json:"endToEndId"`
	TxID    string         `json:"txid"`
	Value   string         `json:"valor"`
	Returns jsontext.Value `json:"devolucoes"`
}

// want is the charge that was asked for. An empty amount is any.
type want struct{ txid, amount string }

// errOther is an answer about something else than what was asked for.
var errOther = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

// isScheme reports whether a text can be an id of the scheme: 32 letters and digits.
func isScheme(text string) bool { return len(text) == 32 && pix.IsReceivedID(text) }

// charged is what the answer proves about the charge.
func (p *Pix) charged(res *outbound.Response, of want) (payment.Fact, error) {
	var c cob
	if err := provider.Read(res.Body, &c); err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by each caller
	}
	return p.fact(&c, of)
}

// fact is what the charge proves. A Pix that came in for it is the money, whatever has become of the charge.
func (p *Pix) fact(c *cob, of want) (payment.Fact, error) {
	asked, err := pix.Value(c.Value.Original)
	switch {
	case c.TxID != of.txid || c.Key != p.c.Key:
		return payment.Fact{}, errOther
	case err != nil || c.Value.Mode != 0:
		return payment.Fact{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	case of.amount != "" && trimmed(c.Value.Original) != of.amount:
		return payment.Fact{}, fmt.Errorf("%w: the charge is over another amount", provider.ErrAnswer)
	}
	switch c.Status {
	case "ATIVA", "CONCLUIDA", removed, "REMOVIDA_PELO_PSP":
	default:
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	if len(c.Pix) > 0 {
		return paid(c)
	}
	switch c.Status {
	case "ATIVA":
		next, err := p.next(c)
		return payment.Fact{Class: payment.ClassWaiting, Next: next, Echoed: money.Sum{Amount: asked, Currency: "BRL"}}, err
	case removed:
		return closed(), nil
	case "REMOVIDA_PELO_PSP":
		return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeAcquirer, RawCode: c.Status}, nil
	}
	return payment.Fact{}, fmt.Errorf("%w: it was paid, and by which Pix is not told", provider.ErrAnswer)
}

// trimmed is a value without leading noughts, as we write it.
func trimmed(value string) string {
	short := strings.TrimLeft(value, "0")
	if strings.HasPrefix(short, ".") {
		short = "0" + short
	}
	return short
}

// paid is the money that came in for a charge: as a rule one Pix over what was asked for. All of several count.
func paid(c *cob) (payment.Fact, error) {
	var sum money.Amount
	for i := range c.Pix {
		one := &c.Pix[i]
		amount, err := pix.Value(one.Value)
		if err != nil || !isScheme(one.E2E) || cmp.Or(one.TxID, c.TxID) != c.TxID {
			return payment.Fact{}, fmt.Errorf("%w: a Pix without its id or amount, or of another charge", provider.ErrAnswer)
		}
		if sum, err = sum.Add(amount); err != nil {
			return payment.Fact{}, fmt.Errorf("%w: %w", provider.ErrAnswer, err)
		}
	}
	return payment.Fact{Class: payment.ClassApproved, ProviderRef: c.Pix[0].E2E, Echoed: money.Sum{Amount: sum, Currency: "BRL"}}, nil
}

// next is the code that the customer takes to an app: the bank's, or one that leads to the charge where the bank gives none.
func (p *Pix) next(c *cob) (payment.Next, error) {
	code := c.Code
	if code == "" && c.Location != "" && p.c.Name != "" {
		built, err := pix.Build(&pix.Code{URL: strings.TrimPrefix(c.Location, "https://"), OneUse: true, Name: p.c.Name, City: p.c.City, TxID: pix.NoID})
		if err != nil {
			return payment.Next{}, fmt.Errorf("%w: its location: %w", provider.ErrAnswer, err)
		}
		code = built
	}
	if code == "" {
		return payment.Next{}, nil
	}
	n := payment.Next{Kind: payment.NextCode, Code: code}
	created, err := time.Parse(time.RFC3339, c.Calendar.Created)
	lasts, failed := time.ParseDuration(strings.Trim(string(c.Calendar.Expires), `"`) + "s")
	if errors.Join(err, failed) == nil && lasts > 0 {
		n.Until = created.Add(lasts)
	}
	return n, nil
}

// closed is the fact of a charge that nobody can pay any more.
func closed() payment.Fact {
	return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeCommunication, RawCode: removed}
}
