package pix

import (
	"fmt"
	"strings"
)

// field is an entry of a code: an id of two digits, a length of two digits, and as many characters.
type field struct{ id, value string }

// readFields reads fields to the end of the text. None may come twice.
func readFields(text string) ([]field, error) {
	var all []field
	seen := map[string]bool{}
	for len(text) > 0 {
		if len(text) < 4 || !isDigits(text[:4]) {
			return nil, refuse(TLV)
		}
		id, length := text[:2], int(text[2]-'0')*10+int(text[3]-'0')
		if length > len(text)-4 || seen[id] {
			return nil, refuse(TLV)
		}
		seen[id] = true
		all = append(all, field{id, text[4 : 4+length]})
		text = text[4+length:]
	}
	return all, nil
}

// find is the value of a field.
func find(all []field, id string) (string, bool) {
	for _, f := range all {
		if f.id == id {
			return f.value, true
		}
	}
	return "", false
}

// writer appends fields, and remembers the first that cannot be written.
type writer struct {
	b   strings.Builder
	err error
}

// add writes a field. Only printable ASCII is written: a length counts characters, and readers do not agree on those beyond.
func (w *writer) add(id, value string, most int) {
	switch {
	case w.err != nil:
	case value == "" || len(value) > most:
		w.err = refuse(Length)
	case !isPlain(value):
		w.err = refuse(Charset)
	default:
		fmt.Fprintf(&w.b, "%s%02d%s", id, len(value), value)
	}
}

// addAll writes fields inside of one.
func (w *writer) addAll(id string, inner *writer) {
	if w.err == nil {
		w.err = inner.err
	}
	w.add(id, inner.b.String(), mostOfAField)
}

func isPlain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

func isDigits(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}

// crc16 is CRC-16/CCITT-FALSE: polynomial 1021, from FFFF, nothing reflected.
func crc16(text string) uint16 {
	crc := uint16(0xffff)
	for i := range len(text) {
		crc ^= uint16(text[i]) << 8
		for range 8 {
			high := crc&0x8000 != 0
			if crc <<= 1; high {
				crc ^= 0x1021
			}
		}
	}
	return crc
}
