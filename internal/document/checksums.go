package document

import "strings"

// isDigits and isAlphanumeric are of ASCII only: other digits are other characters to those who are sent them.
func isDigits(n string) bool {
	return !strings.ContainsFunc(n, func(r rune) bool { return r < '0' || r > '9' })
}

func isLetters(n string) bool {
	return !strings.ContainsFunc(n, func(r rune) bool { return r < 'A' || r > 'Z' })
}

func isAlphanumeric(n string) bool {
	return !strings.ContainsFunc(n, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') })
}

// form compares a number with a pattern of its length: 9 is a digit, A a letter, X either, K a digit or K, and others stand
// for themselves.
func form(n, pattern string) bool {
	if len(n) != len(pattern) {
		return false
	}
	for i := range len(n) {
		c := n[i : i+1]
		var ok bool
		switch pattern[i] {
		case '9':
			ok = isDigits(c)
		case 'A':
			ok = isLetters(c)
		case 'X':
			ok = isAlphanumeric(c)
		case 'K':
			ok = isDigits(c) || c == "K"
		default:
			ok = c == pattern[i:i+1]
		}
		if !ok {
			return false
		}
	}
	return true
}

// weigh is the sum of digits, each times its weight.
func weigh(n string, weights ...int) (sum int) {
	for i, w := range weights {
		sum += int(n[i]-'0') * w
	}
	return sum
}

// number is the value of a few digits.
func number(n string) (v int) {
	for i := range len(n) {
		v = v*10 + int(n[i]-'0')
	}
	return v
}

func last(n string) byte { return n[len(n)-1] }

// digit is a value from 0 to 9 as it is written.
func digit(v int) byte { return byte('0' + v) }

// luhn is the rule of ISO/IEC 7812-1.
func luhn(n string) bool {
	sum := 0
	for i := range len(n) {
		d := int(n[i] - '0')
		if (len(n)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// Tables of J. Verhoeff's code: the group of a pentagon's turns, and what each place does to its digit.
var (
	verhoeffTimes = [10]string{"0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104", "9876543210"}
	verhoeffPlace = [8]string{"0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258"}
)

func verhoeff(n string) bool {
	c := 0
	for i := range len(n) {
		d := verhoeffPlace[i%8][n[len(n)-1-i]-'0']
		c = int(verhoeffTimes[c][d-'0'] - '0')
	}
	return c == 0
}

// isDate reports whether YYMMDD was or will be a day, in one century or the other.
func isDate(n string) bool {
	year, month, day := number(n[:2]), number(n[2:4]), number(n[4:6])
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && year%4 == 0 { // 1900 was none, 2000 was one
		days = 29
	}
	return day <= days
}
