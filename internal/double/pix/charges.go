package pix

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// charge is a charge for immediate payment.
type charge struct {
	txid     string
	status   string
	revision int
	created  time.Time
	asked    asked
	token    string // of its location
	pix      []*received
}

// asked is what a charge was asked for with.
type asked struct {
	Calendar struct {
		Expires int `json:"expiracao"`
	} `json:"calendario"`
	Debtor *debtor `json:"devedor,omitempty"`
	Value  struct {
		Original string `json:"original"`
		Mode     int    `json:"modalidadeAlteracao"`
	} `json:"valor"`
	Key   string `json:"chave"`
	Text  string `json:"solicitacaoPagador,omitempty"`
	Infos []info `json:"infoAdicionais,omitempty"`
}

type debtor struct {
	CPF  string `json:"cpf,omitempty"`
	CNPJ string `json:"cnpj,omitempty"`
	Name string `json:"nome"`
}

type info struct {
	Name  string `json:"nome"`
	Value string `json:"valor"`
}

// The states of a charge.
const (
	active        = "ATIVA"
	paid          = "CONCLUIDA"
	removed       = "REMOVIDA_PELO_USUARIO_RECEBEDOR"
	removedByBank = "REMOVIDA_PELO_PSP"
)

var (
	isTxID  = regexp.MustCompile(`^[a-zA-Z0-9]{26,35}$`).MatchString
	isValue = regexp.MustCompile(`^\d{1,10}\.\d{2}$`).MatchString
	isCPF   = regexp.MustCompile(`^\d{11}$`).MatchString
	isCNPJ  = regexp.MustCompile(`^[0-9A-Z]{14}$`).MatchString
)

// wrong lists what of it is not as published.
func (a *asked) wrong(key string) (list []string) {
	bad := func(is bool, property string) {
		if is {
			list = append(list, property)
		}
	}
	bad(a.Calendar.Expires <= 0, "cob.calendario.expiracao")
	bad(!isValue(a.Value.Original) || strings.Trim(a.Value.Original, "0.") == "", "cob.valor.original")
	bad(a.Value.Mode != 0 && a.Value.Mode != 1, "cob.valor.modalidadeAlteracao")
	bad(a.Key != key, "cob.chave")
	bad(utf8.RuneCountInString(a.Text) > 140, "cob.solicitacaoPagador")
	bad(len(a.Infos) > 50, "cob.infoAdicionais")
	if p := a.Debtor; p != nil {
		bad(p.Name == "" || utf8.RuneCountInString(p.Name) > 200 || isCPF(p.CPF) == isCNPJ(p.CNPJ) || p.CPF != "" && p.CNPJ != "", "cob.devedor")
	}
	return list
}

// charge makes a charge, or alters one that is active.
func (d *Double) charge(c *call) answer {
	txid := c.q.PathValue("txid")
	var in asked
	if !isTxID(txid) || !decode(c.body, &in) {
		return problem(http.StatusBadRequest, "RequisicaoInvalida")
	}
	if list := in.wrong(d.c.Key); len(list) > 0 {
		return problem(http.StatusBadRequest, "CobOperacaoInvalida", list...)
	}
	is := d.charges[txid]
	switch {
	case is == nil:
		d.seq++
		is = &charge{txid: txid, status: active, created: c.now, asked: in, token: fmt.Sprintf("%032x", d.seq+0x9d36b84)}
		d.charges[txid], d.places[is.token] = is, is
	case is.status != active:
		return problem(http.StatusBadRequest, "CobOperacaoInvalida", "cob.status")
	default:
		is.asked = in
		is.revision++
	}
	return answer{Status: http.StatusCreated, Body: is.view(d, false)}
}

// revise removes a charge. Of the other revisions that are published none is there.
func (d *Double) revise(c *call) answer {
	var in struct {
		Status string `json:"status"`
	}
	is := d.charges[c.q.PathValue("txid")]
	switch {
	case !decode(c.body, &in):
		return problem(http.StatusBadRequest, "RequisicaoInvalida")
	case is == nil:
		return problem(http.StatusNotFound, "CobNaoEncontrado")
	case in.Status != removed || is.status != active:
		return problem(http.StatusBadRequest, "CobOperacaoInvalida", "cob.status")
	}
	is.status = removed
	is.revision++
	return answer{Status: http.StatusOK, Body: is.view(d, false)}
}

func (d *Double) chargeNow(c *call) answer {
	is := d.charges[c.q.PathValue("txid")]
	if is == nil {
		return problem(http.StatusNotFound, "CobNaoEncontrado")
	}
	return answer{Status: http.StatusOK, Body: is.view(d, true)}
}

// view is the charge as answers show it, with what was received for it where it is asked for.
func (is *charge) view(d *Double, whole bool) object {
	place := d.c.Location + is.token
	o := object{
		"txid": is.txid, "status": is.status, "revisao": is.revision, "chave": is.asked.Key, "location": place,
		"calendario": object{"criacao": stamp(is.created), "expiracao": is.asked.Calendar.Expires},
		"valor":      object{"original": is.asked.Value.Original, "modalidadeAlteracao": is.asked.Value.Mode},
		"loc":        object{"id": d.seq, "location": place, "tipoCob": "cob", "criacao": stamp(is.created), "txid": is.txid},
	}
	if is.status == active {
		o["pixCopiaECola"] = code(place)
	}
	if is.asked.Text != "" {
		o["solicitacaoPagador"] = is.asked.Text
	}
	if is.asked.Debtor != nil {
		o["devedor"] = is.asked.Debtor
	}
	if whole && len(is.pix) > 0 {
		list := make([]object, len(is.pix))
		for i, p := range is.pix {
			list[i] = p.view()
		}
		o["pix"] = list
	}
	return o
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// code is what a payer's app reads, by the rules of the BR Code: fields of an id, a length and a value, and a checksum.
func code(place string) string {
	field := func(id, value string) string { return fmt.Sprintf("%s%02d%s", id, len(value), value) }
	text := field("00", "01") + field("01", "12") + field("26", field("00", "br.gov.bcb.pix")+field("25", place)) + field("52", "0000") +
		field("53", "986") + field("58", "BR") + field("59", "Loja de Testes") + field("60", "SAO PAULO") + field("62", field("05", "***")) + "6304"
	sum := uint16(0xFFFF)
	for _, b := range []byte(text) {
		sum ^= uint16(b) << 8
		for range 8 {
			if carry := sum&0x8000 != 0; carry {
				sum = sum<<1 ^ 0x1021
			} else {
				sum <<= 1
			}
		}
	}
	return fmt.Sprintf("%s%04X", text, sum)
}
