package pix

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// received is a Pix that has come in.
type received struct {
	e2e     string
	txid    string
	key     string
	value   string
	at      time.Time
	returns []*devolution
}

// devolution is money that goes back, all of a Pix or a part.
type devolution struct {
	id, rtr string
	value   string
	status  string
	nature  string
	reason  string
	asked   time.Time
	settled time.Time // zero while it is on its way
}

// The states of a return.
const (
	underWay = "EM_PROCESSAMENTO"
	returned = "DEVOLVIDO"
	undone   = "NAO_REALIZADO"
)

// longest is how long after it was received a Pix can be returned.
const longest = 90 * 24 * time.Hour

var isReturnID = regexp.MustCompile(`^[a-zA-Z0-9]{1,35}$`).MatchString

// cents is a value that was checked before.
func cents(value string) int64 {
	n, err := strconv.ParseInt(strings.Replace(value, ".", "", 1), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// standing is what has gone back, or is on its way.
func (p *received) standing() (sum int64) {
	for _, r := range p.returns {
		if r.status != undone {
			sum += cents(r.value)
		}
	}
	return sum
}

func (p *received) find(id string) *devolution {
	for _, r := range p.returns {
		if r.id == id {
			return r
		}
	}
	return nil
}

// giveBack returns all or a part of a Pix.
func (d *Double) giveBack(c *call) answer {
	var in struct {
		Value  string `json:"valor"`
		Nature string `json:"natureza"`
		Text   string `json:"descricao"`
	}
	p, id := d.pix[c.q.PathValue("e2eid")], c.q.PathValue("id")
	switch {
	case !isReturnID(id) || !decode(c.body, &in):
		return problem(http.StatusBadRequest, "RequisicaoInvalida")
	case p == nil:
		return problem(http.StatusNotFound, "PixNaoEncontrado")
	case !isValue(in.Value) || strings.Trim(in.Value, "0.") == "" || utf8.RuneCountInString(in.Text) > 140 || in.Nature != "" && in.Nature != "ORIGINAL":
		return problem(http.StatusBadRequest, "PixDevolucaoInvalida", "devolucao.valor")
	case p.find(id) != nil:
		return problem(http.StatusBadRequest, "PixDevolucaoInvalida", "devolucao.id")
	case p.standing()+cents(in.Value) > cents(p.value):
		return problem(http.StatusBadRequest, "PixDevolucaoInvalida", "devolucao.valor")
	case c.now.Sub(p.at) > longest:
		return problem(http.StatusBadRequest, "PixDevolucaoInvalida")
	}
	d.seq++
	r := &devolution{id: id, rtr: d.name("D", c.now), value: in.Value, status: underWay, nature: "ORIGINAL", asked: c.now}
	p.returns = append(p.returns, r)
	if c.fault.Kind != frame.Pending {
		d.settle(p, r, true)
	}
	return answer{Status: http.StatusCreated, Body: r.view()}
}

// settle ends a return.
func (d *Double) settle(p *received, r *devolution, done bool) {
	r.settled = d.c.Now()
	r.status, r.reason = undone, "Negado por timeout"
	if done {
		r.status, r.reason = returned, ""
		d.Book(r.id, frame.Returned, r.value, "BRL")
	}
	d.tell(p)
}

func (d *Double) returnNow(c *call) answer {
	p := d.pix[c.q.PathValue("e2eid")]
	if p == nil {
		return problem(http.StatusNotFound, "PixNaoEncontrado")
	}
	r := p.find(c.q.PathValue("id"))
	if r == nil {
		return problem(http.StatusNotFound, "PixDevolucaoNaoEncontrada")
	}
	return answer{Status: http.StatusOK, Body: r.view()}
}

func (d *Double) pixNow(c *call) answer {
	p := d.pix[c.q.PathValue("e2eid")]
	if p == nil {
		return problem(http.StatusNotFound, "PixNaoEncontrado")
	}
	return answer{Status: http.StatusOK, Body: p.view()}
}

func (r *devolution) view() object {
	at := object{"solicitacao": stamp(r.asked)}
	if !r.settled.IsZero() {
		at["liquidacao"] = stamp(r.settled)
	}
	o := object{"id": r.id, "rtrId": r.rtr, "valor": r.value, "horario": at, "status": r.status, "natureza": r.nature}
	if r.reason != "" {
		o["motivo"] = r.reason
	}
	return o
}

func (p *received) view() object {
	o := object{"endToEndId": p.e2e, "txid": p.txid, "chave": p.key, "valor": p.value, "horario": stamp(p.at), "infoPagador": "obrigado"}
	var list []object
	for _, r := range p.returns {
		list = append(list, r.view())
	}
	if len(list) > 0 {
		o["devolucoes"] = list
	}
	return o
}

// name is an id of the scheme: its kind, the bank, the minute and a number.
func (d *Double) name(kind string, now time.Time) string {
	d.seq++
	return fmt.Sprintf("%s12345678%s%011d", kind, now.UTC().Format("200601021504"), d.seq)
}
