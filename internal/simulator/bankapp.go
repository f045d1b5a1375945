package simulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What customers do in the app of a bank instead of on a page that they are sent to: the merchant's page shows them a code to scan,
// or they gave it one and are asked in their app. The pretended app is a page of ours, for anybody.
const (
	appConfirm = "confirm" // a BLIK code was given
	appCode    = "code"    // a code of PIX is shown
	showCode   = appCode   // what a request says for that
)

// timeIsOver is given in the place of a code to end the time that a customer has.
const timeIsOver = "timeout"

// blikLife is how long a customer may take to confirm a code.
const blikLife = 2 * time.Minute

// selfConfirmed begins codes that are confirmed without the app, so long after they were given.
const (
	selfConfirmed      = "777"
	selfConfirmedAfter = 2 * time.Second
)

// magicBlik are codes that decide by themselves, as another sandbox has published them.
var magicBlik = []struct{ code, verdict, note string }{
	{"500500", codeBlikWrong, "no such code"},
	{"700701", codeBlikExpired, "the code has expired"},
	{"700702", codeCustomerCancelled, "refused in the app at once"},
	{"700703", codeBlikUsed, "the code was used already"},
}

// blikAmounts are what the bank answers once the customer has confirmed, as another sandbox has published them.
var blikAmounts = []struct{ amount, verdict, note string }{
	{"120", "51", "insufficient funds"},
	{"96", "61", "over a limit of the account"},
	{"216", "59", "suspected fraud"},
	{"9.99", "05", "declined by the bank"},
	{"288", "05", "the alias is declined"},
	{"192", "05", "the transaction is declined by its type"},
	{"264", "96", "malfunction of the scheme"},
}

// checkMethod reads by what the customer pays.
func (c *command) checkMethod(method string) *apiError {
	c.method = method
	if method == "" {
		c.method = methodCard
	}
	if !slices.Contains(methods, c.method) {
		return invalidField("method", "one of "+strings.Join(methods, ", "))
	}
	return nil
}

// aliasApp is the app that is to ask a customer whose alias is given without a code; empty where there is none.
func (c *command) aliasApp() string {
	if c.alias == "" || c.blikCode != "" {
		return ""
	}
	return cmp.Or(c.app, anyApp)
}

// checkApp checks what a customer has given or chosen before, and what the merchant's page shows.
func (c *command) checkApp(q *moneyRequest) *apiError {
	switch {
	case q.BlikCode != "" && (c.method != "BLIK" || len(q.BlikCode) != 6 || !digits(q.BlikCode)):
		return invalidField("blikCode", "six digits, with the method BLIK")
	case q.BlikCode != "" && c.currency != "PLN":
		return invalidField("currency", "BLIK pays in PLN")
	case q.BlikAlias != "" && (c.method != "BLIK" || c.currency != "PLN" || !plain(q.BlikAlias, 64)):
		return invalidField("blikAlias", "up to 64 characters, with the method BLIK, in PLN")
	case q.BlikApp != "" && (q.BlikAlias == "" || q.BlikCode != "" || !plain(q.BlikApp, 64)):
		return invalidField("blikApp", "up to 64 characters, with a blikAlias and no blikCode")
	case q.Show != "" && (c.method != "PIX" || q.Show != showCode):
		return invalidField("show", showCode+", with the method PIX, or absent")
	case c.showCode && c.currency != "BRL":
		return invalidField("currency", "a code of PIX is in BRL")
	case q.Bank != "" && (banksOf(c.method) == nil || !plain(q.Bank, 64)):
		return invalidField("bank", "up to 64 characters, with the methods OPEN_BANKING and PAY_BY_LINK")
	}
	return nil
}

// bookApp reports that it has decided about t. Otherwise the customer is asked, in the app where t says so.
func (s *Simulator) bookApp(t *tx, c *command, eff Effect, now time.Time) bool {
	switch code := bankFault(c.method, c.bank); {
	case eff.ResponseCode == "" && code != "":
		s.decide(t, verdict(code), now)
		return true
	case c.showCode:
		t.App, t.PixCode = appCode, pixCode(t)
	case t.AliasApp != "":
		t.App = appConfirm
		return eff.ResponseCode == "" && s.bookAlias(t, now)
	case c.blikCode != "":
		t.App = appConfirm
		return eff.ResponseCode == "" && s.bookBlik(t, c.blikCode, now)
	}
	t.Bank = c.bank
	return false
}

func (s *Simulator) bookBlik(t *tx, code string, now time.Time) bool {
	for _, m := range magicBlik {
		if m.code == code {
			s.decide(t, verdict(m.verdict), now)
			return true
		}
	}
	t.planBlik()
	if !strings.HasPrefix(code, selfConfirmed) || t.overCeiling() {
		return false
	}
	if t.Async == 0 {
		t.Async = selfConfirmedAfter
	}
	s.decide(t, t.Planned, now)
	return true
}

// planBlik plans what the bank answers by the amount.
func (t *tx) planBlik() {
	for _, a := range blikAmounts {
		if a.amount == t.Amount.String() {
			t.Planned = verdict(a.verdict)
		}
	}
}

// pixCode is the dynamic code of a charge, by the rules of the BR Code: fields of an id, a length and a value, and a checksum.
func pixCode(t *tx) string {
	field := func(id, value string) string { return fmt.Sprintf("%s%02d%s", id, len(value), value) }
	major, minor, _ := strings.Cut(t.Amount.String(), ".")
	text := field("00", "01") + field("01", "12") + field("26", field("00", "br.gov.bcb.pix")+field("25", "pix.sandbox.example/v2/"+t.ID)) +
		field("52", "0000") + field("53", "986") + field("54", major+"."+(minor + "00")[:2]) + field("58", "BR") +
		field("59", "SANDBOX MERCHANT") + field("60", "SAO PAULO") + field("62", field("05", "***")) + "6304"
	return text + fmt.Sprintf("%04X", crc16(text))
}

// crc16 is CRC-16/CCITT-FALSE.
func crc16(text string) uint16 {
	crc := uint16(0xffff)
	for i := range len(text) {
		crc ^= uint16(text[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// mostPrompts is how many prompts the app shows; some more are remembered.
const mostPrompts = 50

// inApp notes what a customer can find in the app. The caller holds mu.
func (s *Simulator) inApp(t *tx) {
	switch t.App {
	case appCode:
		s.byPixCode[t.PixCode] = t
	case appConfirm:
		if t.Alias != "" && t.AliasApp == "" {
			s.byAlias[t.Alias] = append(s.byAlias[t.Alias], t)
		}
		if s.prompts = append(s.prompts, t); len(s.prompts) > 20*mostPrompts {
			s.prompts = slices.DeleteFunc(s.prompts, func(t *tx) bool { return t.Status != statusRequiresAction })
		}
	}
}

type appView struct {
	Message string
	Prompts []prompt
}

type prompt struct{ Token, Amount, Currency, OrderID string }

// showApp is the pretended app: what waits to be confirmed, newest first, and a field for codes.
func (s *Simulator) showApp(w http.ResponseWriter, _ *http.Request) {
	s.renderApp(w, http.StatusOK, "")
}

func (s *Simulator) renderApp(w http.ResponseWriter, status int, message string) {
	page := appView{Message: message}
	now := s.now()
	s.mu.Lock()
	s.settle(now)
	for _, t := range slices.Backward(s.prompts) {
		if t.Status == statusRequiresAction && len(page.Prompts) < mostPrompts {
			page.Prompts = append(page.Prompts, prompt{t.Token, t.Amount.String(), t.Currency, t.OrderID})
		}
	}
	s.mu.Unlock()
	s.show(w, status, "app.html", page)
}

// scan leads from a code to what is paid by it.
func (s *Simulator) scan(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	code := strings.TrimSpace(r.PostFormValue("code"))
	s.mu.Lock()
	t, ok := s.byPixCode[code]
	s.mu.Unlock()
	if !ok {
		s.renderApp(w, http.StatusUnprocessableEntity, "This is no code of the sandbox.")
		return
	}
	pageHeaders(w)
	http.Redirect(w, r, "/pay/"+t.Token, http.StatusSeeOther)
}
