package money

import (
	"fmt"
	"strings"
)

const (
	maxText     = 64 // characters of any text read here
	maxExponent = 30 // either way, of a JSON number
	unitDigits  = 20 // before the point
)

// Parse reads a plain decimal, `digits` or `digits.digits`, of at most 64 characters: no sign, exponent, space
// or digit grouping, and a digit on each side of a point. Leading zeros are allowed, and trailing zeros do not
// count as decimals. It returns ErrSyntax, ErrPrecision or ErrRange, and allocates only to return an error.
func Parse(s string) (Amount, error) {
	if len(s) > maxText {
		return Amount{}, tooLong(s)
	}
	whole, rest := takeDigits(s)
	fraction := ""
	if rest != "" && rest[0] == '.' {
		fraction, rest = takeDigits(rest[1:])
		if fraction == "" {
			return Amount{}, refuse(ErrSyntax, s)
		}
	}
	if whole == "" || rest != "" {
		return Amount{}, refuse(ErrSyntax, s)
	}
	return compose(s, whole, fraction)
}

// ParseJSONNumber reads the literal of a JSON number (RFC 8259) of at most 64 characters, exactly: 1.5e3 is
// 1500. It returns ErrSyntax for anything else than such a literal, ErrNegative for a minus sign (-0 too),
// ErrRange for an exponent beyond 30 either way or a value that is too large, and ErrPrecision.
func ParseJSONNumber(lit string) (Amount, error) {
	if len(lit) > maxText {
		return Amount{}, tooLong(lit)
	}
	n, ok := scanJSONNumber(lit)
	switch {
	case !ok:
		return Amount{}, refuse(ErrSyntax, lit)
	case n.negative:
		return Amount{}, refuse(ErrNegative, lit)
	case n.exponent > maxExponent || n.exponent < -maxExponent:
		return Amount{}, fmt.Errorf("%w: exponent beyond %d: %q", ErrRange, maxExponent, strings.Clone(lit))
	case n.exponent == 0:
		return compose(lit, n.whole, n.fraction)
	}
	return n.shift(lit)
}

// MustParse is Parse for tests and tables of constants. It panics where Parse returns an error.
func MustParse(s string) Amount {
	a, err := Parse(s)
	if err != nil {
		panic("money: " + err.Error())
	}
	return a
}

// ParseFixed reads an amount back from a database: the text of Fixed, or what PostgreSQL prints for a NUMERIC
// with up to 18 decimals. Errors are those of Parse.
func ParseFixed(s string) (Amount, error) {
	if a, err := Parse(withoutZeros(s)); err == nil && len(s) <= maxText {
		return a, nil
	}
	a, err := Parse(s)
	if err != nil {
		return Amount{}, fmt.Errorf("stored amount: %w", err)
	}
	return a, nil
}

// withoutZeros is the same decimal, or what is as little one, without most of the zeros that fill it up: they are cut off eight at a time,
// which takes a tenth of the time of looking at each.
func withoutZeros(s string) string {
	const zeros = "00000000"
	point := strings.IndexByte(s, '.')
	for point >= 0 && len(s) > point+1+len(zeros) && s[len(s)-len(zeros):] == zeros {
		s = s[:len(s)-len(zeros)]
	}
	for len(s) > len(zeros) && s[:len(zeros)] == zeros && '0' <= s[len(zeros)] && s[len(zeros)] <= '9' {
		s = s[len(zeros):]
	}
	return s
}

// compose makes the amount of which the digits before and after the point are given; text is for errors.
func compose(text, whole, fraction string) (Amount, error) {
	for whole != "" && whole[0] == '0' {
		whole = whole[1:]
	}
	for fraction != "" && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if len(fraction) > Scale {
		return Amount{}, refuse(ErrPrecision, text)
	}
	if len(whole) > unitDigits {
		return Amount{}, refuse(ErrRange, text)
	}
	var upper, unit uint64
	if n := len(whole); n > 0 {
		upper, unit = number(whole[:n-1]), number(whole[n-1:])
	}
	return join(upper, unit, number(fraction)*pow10[Scale-len(fraction)]), nil
}

// jsonNumber is a JSON number taken apart; whole and fraction hold digits only.
type jsonNumber struct {
	negative        bool
	whole, fraction string
	exponent        int // stops growing once it is out of bounds
}

func scanJSONNumber(lit string) (n jsonNumber, ok bool) {
	rest := lit
	if rest != "" && rest[0] == '-' {
		n.negative, rest = true, rest[1:]
	}
	n.whole, rest = takeDigits(rest)
	if n.whole == "" || (n.whole[0] == '0' && len(n.whole) > 1) {
		return n, false
	}
	if rest != "" && rest[0] == '.' {
		n.fraction, rest = takeDigits(rest[1:])
		if n.fraction == "" {
			return n, false
		}
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		n.exponent, rest, ok = scanExponent(rest[1:])
		if !ok {
			return n, false
		}
	}
	return n, rest == ""
}

// scanExponent reads what follows the letter e: an optional sign and at least one digit.
func scanExponent(s string) (exponent int, rest string, ok bool) {
	sign := 1
	if s != "" && (s[0] == '+' || s[0] == '-') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	digits, rest := takeDigits(s)
	for i := range len(digits) {
		if exponent <= maxExponent {
			exponent = exponent*10 + int(digits[i]-'0')
		}
	}
	return sign * exponent, rest, digits != ""
}

// shift applies the exponent by moving the point. Nothing is lost: at most 63 digits move by at most 30 places.
func (n jsonNumber) shift(lit string) (Amount, error) {
	const room = maxText + 2*maxExponent
	var buf [room]byte
	for i := range buf {
		buf[i] = '0'
	}
	copy(buf[maxExponent:], n.whole)
	copy(buf[maxExponent+len(n.whole):], n.fraction)
	point := maxExponent + len(n.whole) + n.exponent
	return compose(lit, string(buf[:point]), string(buf[point:]))
}

func takeDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}

// number is the value of at most 19 digits.
func number(digits string) (n uint64) {
	for i := range len(digits) {
		n = n*10 + uint64(digits[i]-'0')
	}
	return n
}

// refuse and tooLong copy the text so that it does not escape from callers that succeed: those who hold bytes
// can then convert them to a string without an allocation.
func refuse(err error, text string) error {
	return fmt.Errorf("%w: %q", err, strings.Clone(text))
}

func tooLong(text string) error {
	return fmt.Errorf("%w: %d characters, at most %d are read", ErrSyntax, len(text), maxText)
}
