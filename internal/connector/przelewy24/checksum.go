package przelewy24

import (
	"bytes"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// signed is the text of which a checksum is made: a JSON object without spaces whose members stand in the published order. It is written as
// PHP writes it with JSON_UNESCAPED_UNICODE and JSON_UNESCAPED_SLASHES.
type signed []byte

func (s signed) name(name string) signed {
	if len(s) == 0 {
		return append(append(append(s, `{"`...), name...), `":`...)
	}
	return append(append(append(s, `,"`...), name...), `":`...)
}

func (s signed) text(name, value string) signed {
	out, _ := jsontext.AppendQuote(s.name(name), value) // the only error is about bytes that are not UTF-8
	return out
}

func (s signed) number(name string, n int64) signed { return strconv.AppendInt(s.name(name), n, 10) }

func (s signed) raw(name string, value []byte) signed { return append(s.name(name), value...) }

// lines are the two characters that PHP escapes all the same.
var lines = strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`)

// sum is the checksum with our key at the end.
func (p *Przelewy24) sum(s signed) string {
	hash := sha512.Sum384([]byte(lines.Replace(string(append(s.text("crc", p.crc), '}')))))
	return hex.EncodeToString(hash[:])
}

// fits compares a checksum that was sent with that of the text.
func (p *Przelewy24) fits(sign string, s signed) bool {
	return subtle.ConstantTimeCompare([]byte(sign), []byte(p.sum(s))) == 1
}

// plain is a JSON value without spaces, with its texts as PHP writes them.
func plain(v jsontext.Value) ([]byte, bool) {
	c := jsontext.Value(bytes.Clone(v))
	if c.Format(jsontext.PreserveRawStrings(false)) != nil {
		return nil, false
	}
	return c, true
}
