package pix

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads a code, strictly: what a bank's app might take for something else is refused. The error is a Fault.
func Parse(code string) (*Code, error) {
	if len(code) > mostOfAll {
		return nil, refuse(Length)
	}
	at := len(code) - 8
	if at < 0 || code[at:at+4] != "6304" {
		return nil, refuse(TLV)
	}
	sum, err := strconv.ParseUint(code[at+4:], 16, 16)
	if err != nil || strings.ContainsAny(code[at+4:], "+_") {
		return nil, refuse(TLV)
	}
	if uint16(sum) != crc16(code[:at+4]) {
		return nil, refuse(CRC)
	}
	all, err := readFields(code[:at])
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(code) || strings.ContainsFunc(code, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, refuse(Charset)
	}
	c := &Code{}
	for _, step := range []func([]field) error{c.readAccount, c.readFixed, c.readAmount, c.readPayee, c.readRecurrence} {
		if err := step(all); err != nil {
			return nil, err
		}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Code) readAccount(all []field) error {
	text, ok := find(all, "26")
	if !ok {
		return refuse(Missing("26"))
	}
	inner, err := readFields(text)
	if err != nil {
		return err
	}
	if name, _ := find(inner, "00"); !strings.EqualFold(name, gui) {
		return refuse(GUI)
	}
	c.Key, _ = find(inner, "01")
	c.Description, _ = find(inner, "02")
	c.URL, _ = find(inner, "25")
	return nil
}

// readFixed holds fields against the one value that they can have.
func (c *Code) readFixed(all []field) error {
	for _, f := range []struct {
		id    string
		fault Fault
		good  func(string) bool
	}{
		{"00", Format, func(v string) bool { return v == "01" && all[0].id == "00" }},
		{"52", Category, func(v string) bool { return len(v) == 4 && isDigits(v) }},
		{"53", Currency, func(v string) bool { return v == brl }},
		{"58", Country, func(v string) bool { return v == brazil }},
	} {
		value, ok := find(all, f.id)
		if !ok {
			return refuse(Missing(f.id))
		}
		if !f.good(value) {
			return refuse(f.fault)
		}
	}
	value, ok := find(all, "01")
	if ok && value != oneUse && value != manyUses {
		return refuse(Initiation)
	}
	c.OneUse = value == oneUse
	return nil
}

func (c *Code) readAmount(all []field) error {
	text, ok := find(all, "54")
	if !ok {
		return nil
	}
	amount, err := Value(text)
	c.Amount = amount
	return err
}

func (c *Code) readPayee(all []field) error {
	for _, f := range []struct {
		id   string
		most int
		to   *string
	}{{"59", MostName, &c.Name}, {"60", MostCity, &c.City}} {
		value, ok := find(all, f.id)
		if !ok {
			return refuse(Missing(f.id))
		}
		if n := utf8.RuneCountInString(value); n < 1 || n > f.most {
			return refuse(Length)
		}
		*f.to = value
	}
	more, ok := find(all, "62")
	if !ok {
		return refuse(Missing("62"))
	}
	inner, err := readFields(more)
	if err != nil {
		return err
	}
	if c.TxID, ok = find(inner, "05"); !ok {
		return refuse(TxID)
	}
	return nil
}

// readRecurrence reads the second template, which may be another scheme's.
func (c *Code) readRecurrence(all []field) error {
	text, ok := find(all, "80")
	if !ok {
		return nil
	}
	inner, err := readFields(text)
	if err != nil {
		return err
	}
	if name, _ := find(inner, "00"); strings.EqualFold(name, gui) {
		c.RecurrenceURL, _ = find(inner, "25")
	}
	return nil
}
