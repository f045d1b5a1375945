package pix

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/sluicepay/sluice/internal/money"
)

// Limits of a code, in characters.
const (
	MostName     = 25
	MostCity     = 15
	MostKey      = 77
	MostURL      = 77
	mostOfAField = 99
	mostOfAll    = 512
	mostOfAnID   = 25
)

// NoID stands in a code for the transaction id where it has none.
const NoID = "***"

const (
	gui      = "br.gov.bcb.pix"
	brl      = "986"
	brazil   = "BR"
	noMCC    = "0000"
	oneUse   = "12"
	manyUses = "11"
)

// Fault is what is wrong with a code. It is an error that holds no part of it.
type Fault string

// The faults, in the order in which they are looked for. That of a field that is not there is Missing.
const (
	TLV          Fault = "tlv" // the form: fields and their lengths
	CRC          Fault = "crc"
	Length       Fault = "length"
	Charset      Fault = "charset"
	Format       Fault = "format" // of another version
	Initiation   Fault = "point of initiation"
	GUI          Fault = "gui" // of another scheme
	Category     Fault = "category"
	Currency     Fault = "currency"
	Country      Fault = "country"
	Amount       Fault = "amount"
	TxID         Fault = "txid"
	BadKey       Fault = "key"
	BadURL       Fault = "url"
	KeyAndURL    Fault = "key-and-url"
	NoKeyNorURL  Fault = "no-key-or-url"
	EndToEnd     Fault = "end-to-end id"
	missingField       = "missing-"
)

// Missing is the fault of a code without a field that every code has.
func Missing(id string) Fault { return Fault(missingField + id) }

// Error implements error.
func (f Fault) Error() string { return "no code of PIX: " + string(f) }

func refuse(f Fault) error { return f }

// Code is what a code says. With a URL it is dynamic: what is to be paid stands there. With a key it is static.
type Code struct {
	Key         string
	Description string // beside a key
	URL         string // without https://
	// RecurrenceURL is where an agreement to pay again stands; with a URL both are proposed at once.
	RecurrenceURL string
	OneUse        bool
	Amount        money.Amount // zero where the payer, or the URL, says it
	Name          string       // of who is paid
	City          string
	TxID          string // NoID, or up to 25 letters and digits
}

// Build writes the code, as it is copied and as it stands in the picture.
func Build(c *Code) (string, error) {
	w := &writer{}
	w.add("00", "01", 2)
	if c.OneUse {
		w.add("01", oneUse, 2)
	}
	w.addAll("26", c.account())
	w.add("52", noMCC, 4)
	w.add("53", brl, 3)
	if !c.Amount.IsZero() {
		minor, ok := c.Amount.Minor(2)
		text := fmt.Sprintf("%d.%02d", minor/100, minor%100)
		if !ok || !isValue(text) {
			return "", refuse(Amount)
		}
		w.add("54", text, mostOfAField)
	}
	w.add("58", brazil, 2)
	w.add("59", c.Name, MostName)
	w.add("60", c.City, MostCity)
	id := &writer{}
	id.add("05", c.TxID, mostOfAnID)
	w.addAll("62", id)
	if c.RecurrenceURL != "" {
		again := &writer{}
		again.add("00", gui, mostOfAField)
		again.add("25", c.RecurrenceURL, MostURL)
		w.addAll("80", again)
	}
	if w.err != nil {
		return "", w.err
	}
	if err := c.check(); err != nil {
		return "", err
	}
	text := w.b.String() + "6304"
	if text = fmt.Sprintf("%s%04X", text, crc16(text)); len(text) > mostOfAll {
		return "", refuse(Length)
	}
	return text, nil
}

// account is the field that says who is paid.
func (c *Code) account() *writer {
	w := &writer{}
	w.add("00", gui, mostOfAField)
	if c.Key != "" {
		w.add("01", c.Key, MostKey)
	}
	if c.Description != "" {
		w.add("02", c.Description, mostOfAField)
	}
	if c.URL != "" {
		w.add("25", c.URL, MostURL)
	}
	return w
}

// check is about what fields say, once they are whole.
func (c *Code) check() error {
	switch {
	case c.Key != "" && c.URL != "":
		return refuse(KeyAndURL)
	case c.Key == "" && c.URL == "" && c.RecurrenceURL == "":
		return refuse(NoKeyNorURL)
	case c.TxID != NoID && !isID(c.TxID, 1, mostOfAnID):
		return refuse(TxID)
	case c.URL != "" && !isURL(c.URL), c.RecurrenceURL != "" && !isURL(c.RecurrenceURL):
		return refuse(BadURL)
	}
	if c.Key != "" {
		if _, err := KindOf(c.Key); err != nil {
			return err
		}
	}
	return nil
}

// isURL takes a host and a path, without the scheme, which is always https.
func isURL(text string) bool {
	if len(text) > MostURL || !isPlain(text) || strings.ContainsAny(text, ` "<>\^{|}`) || strings.Contains(text, "://") {
		return false
	}
	u, err := url.Parse("https://" + text)
	return err == nil && u.Hostname() != "" && u.User == nil && u.Fragment == "" && len(u.Path) > 1
}
