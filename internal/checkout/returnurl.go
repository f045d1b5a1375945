package checkout

import (
	"strings"

	"github.com/sluicepay/sluice/internal/payment"
)

// returnNames are what a return address may hold in braces.
var returnNames = []string{"id", "referenceId", "state", "type"}

// ReturnURL fills the address that the customer goes to after paying with what p is at this moment: {id},
// {referenceId} (empty when there is none), {state} and {type} are replaced by their values, percent-encoded so that
// a value can never end the part of the address that it stands in. Other braces, and any other character that may not
// stand in an address, are percent-encoded as they are. The rest of template is kept byte by byte; whether it is an
// acceptable address is for the caller.
func ReturnURL(template string, p *payment.Payment) string {
	var b strings.Builder
	b.Grow(len(template) + 64)
	for i := 0; i < len(template); {
		if name := placeholder(template[i:]); name != "" {
			percentEncode(&b, returnValue(name, p))
			i += len(name) + 2
			continue
		}
		if c := template[i]; c <= ' ' || c > '~' || strings.IndexByte(`{}"<>\^|`+"`", c) >= 0 {
			percentByte(&b, c)
		} else {
			b.WriteByte(c)
		}
		i++
	}
	return b.String()
}

// placeholder returns the name that s begins with in braces, or "".
func placeholder(s string) string {
	if s[0] != '{' {
		return ""
	}
	for _, name := range returnNames {
		if rest := s[1:]; len(rest) > len(name) && rest[:len(name)] == name && rest[len(name)] == '}' {
			return name
		}
	}
	return ""
}

func returnValue(name string, p *payment.Payment) string {
	switch name {
	case "id":
		return string(p.ID)
	case "referenceId":
		return p.Reference
	case "state":
		return string(p.State())
	}
	return string(p.Type)
}

// percentEncode writes s so that only letters, digits and - . _ ~ stand for themselves.
func percentEncode(b *strings.Builder, s string) {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if letter || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			percentByte(b, c)
		}
	}
}

func percentByte(b *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	b.Write([]byte{'%', digits[c>>4], digits[c&15]})
}
