package money

import (
	"fmt"
	"strconv"
)

// fixedLen is the length of Fixed: 20 digits, the point, 18 digits.
const fixedLen = unitDigits + 1 + Scale

// String is the amount with as few digits as it needs and never an exponent: "10", "11.12", "0.00001".
func (a Amount) String() string {
	var buf [fixedLen]byte
	return string(a.AppendTo(buf[:0]))
}

// AppendTo appends the text of String to dst and returns the extended slice.
func (a Amount) AppendTo(dst []byte) []byte {
	upper, unit, fraction := a.split()
	if upper != 0 {
		dst = strconv.AppendUint(dst, upper, 10)
	}
	dst = append(dst, byte('0'+unit))
	if fraction == 0 {
		return dst
	}
	var digits [Scale]byte
	putDigits(digits[:], fraction)
	n := Scale
	for digits[n-1] == '0' {
		n--
	}
	dst = append(dst, '.')
	return append(dst, digits[:n]...)
}

// Fixed is the amount as 20 digits, a point and 18 digits, so that comparing two such texts byte by byte
// compares the amounts. It is how amounts are kept in databases without exact decimals.
func (a Amount) Fixed() string {
	upper, unit, fraction := a.split()
	var buf [fixedLen]byte
	putDigits(buf[:unitDigits-1], upper)
	buf[unitDigits-1] = byte('0' + unit)
	buf[unitDigits] = '.'
	putDigits(buf[unitDigits+1:], fraction)
	return string(buf[:])
}

// MarshalJSON writes the amount as a JSON number, in the form of String.
func (a Amount) MarshalJSON() ([]byte, error) {
	return a.AppendTo(make([]byte, 0, fixedLen)), nil
}

// UnmarshalJSON reads a JSON number exactly, with the rules and errors of ParseJSONNumber. Anything else, null
// and strings included, is ErrSyntax.
func (a *Amount) UnmarshalJSON(b []byte) error {
	parsed, err := ParseJSONNumber(string(b))
	if err != nil {
		return fmt.Errorf("amount in JSON: %w", err)
	}
	*a = parsed
	return nil
}

// putDigits fills dst with the decimal digits of n, zeros in front.
func putDigits(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}
