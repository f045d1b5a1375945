package telemetry

// Card numbers have 13 to 19 digits, the last of which is a Luhn check digit (ISO/IEC 7812).
const (
	minCard = 13
	maxCard = 19
)

// maxMaskPasses bounds how often a text is scanned again after something in it was masked. What is left of a masked
// number can form a new one with its neighbours; text that still does so after this many passes loses all its digits.
const maxMaskPasses = 8

// MaskDigits returns s with every card number in it reduced to its first six and last four digits. A card number is a
// run of 13 to 19 digits with a right check digit, possibly broken by single spaces or hyphens; inside longer runs,
// numbers of 15 and 16 digits that begin like a card are found too. Zeros alone are left, being amounts, and so are
// identifiers of 32 lower-case hexadecimal digits, with or without hyphens, in the shape of a random or time-ordered
// UUID, also within the keys that we give to providers. Without a finding s itself is returned and nothing is allocated.
func MaskDigits(s string) string {
	for range maxMaskPasses {
		masked, changed := maskPass(s)
		if !changed {
			return s
		}
		s = masked
	}
	b := []byte(s)
	for i, c := range b {
		if isDigit(c) {
			b[i] = '*'
		}
	}
	return string(b)
}

// maskPass masks the card numbers of one scan from left to right. It reports whether there were any.
func maskPass(s string) (string, bool) {
	var out []byte
	done := 0 // bytes of s already in out
	for i := 0; i < len(s); {
		if !isHex(s[i]) {
			i++
			continue
		}
		if n := idLen(s, i); n > 0 {
			i += n
			continue
		}
		if !isDigit(s[i]) {
			i++
			continue
		}
		end, digits := digitGroup(s, i)
		if digits < minCard {
			i = endOfRun(s, i)
			continue
		}
		for from, to, ok := findCard(s, i, end); ok; from, to, ok = findCard(s, i, end) {
			out = append(out, s[done:from]...)
			out = appendTruncated(out, s[from:to])
			done, i = to, to
			if i < end && isSeparator(s[i]) {
				i++
			}
		}
		i = end
	}
	if done == 0 {
		return s, false
	}
	return string(append(out, s[done:]...)), true
}

// digitGroup returns where the digits starting at i end, single separators inside them included, and their number.
func digitGroup(s string, i int) (end, digits int) {
	for j := i; j < len(s); j++ {
		switch {
		case isDigit(s[j]):
			digits++
			end = j + 1
		case !isSeparator(s[j]) || j+1 == len(s) || !isDigit(s[j+1]):
			return end, digits
		}
	}
	return end, digits
}

// findCard returns the first card number in the group s[i:end]. Each run of the group is tried as a start: first with
// the runs after it, longest first, then for a number inside it.
func findCard(s string, i, end int) (from, to int, ok bool) {
	for start := i; start < end; start = endOfRun(s, start) + 1 {
		if to, ok := cardAcrossRuns(s, start, end); ok {
			return start, to, true
		}
		if from, to, ok := cardInsideRun(s, start, endOfRun(s, start)); ok {
			return from, to, true
		}
	}
	return 0, 0, false
}

// cardAcrossRuns looks for a number that begins at start and ends where a run of digits ends.
func cardAcrossRuns(s string, start, end int) (to int, ok bool) {
	for stop, n := start, 0; stop < end; stop++ {
		if !isDigit(s[stop]) {
			continue
		}
		if n++; n > maxCard {
			break
		}
		atEnd := stop+1 == len(s) || !isDigit(s[stop+1])
		if n >= minCard && atEnd && isCard(s[start:stop+1]) {
			to, ok = stop+1, true
		}
	}
	return to, ok
}

// cardInsideRun looks inside one run of digits. A run longer than any card is reported whole as soon as any part of it
// passes, because where the number lies in it cannot be told.
func cardInsideRun(s string, start, stop int) (from, to int, ok bool) {
	long := stop-start > maxCard
	for i := start; i+minCard <= stop; i++ {
		for n := minCard; n <= maxCard && i+n <= stop; n++ {
			part := s[i : i+n]
			if !long && !beginsLikeCard(part) {
				continue
			}
			if !isCard(part) {
				continue
			}
			if long {
				return start, stop, true
			}
			return i, i + n, true
		}
	}
	return 0, 0, false
}

// beginsLikeCard keeps the search inside longer numbers to the lengths and first digits of the large card schemes, so
// that long references of providers mostly stay readable.
func beginsLikeCard(digits string) bool {
	switch len(digits) {
	case 16:
		return digits[0] >= '2' && digits[0] <= '6'
	case 15:
		return digits[0] == '3' && (digits[1] == '4' || digits[1] == '7')
	}
	return false
}

// isCard applies the Luhn check to the digits of s, separators left out.
func isCard(s string) bool {
	sum, double, nonZero := 0, false, false
	for i := len(s) - 1; i >= 0; i-- {
		if !isDigit(s[i]) {
			continue
		}
		d := int(s[i] - '0')
		nonZero = nonZero || d != 0
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return nonZero && sum%10 == 0
}

// appendTruncated appends the first six and the last four digits of number, the one format used everywhere.
func appendTruncated(out []byte, number string) []byte {
	kept := 0
	for i := 0; kept < 6; i++ {
		if isDigit(number[i]) {
			out = append(out, number[i])
			kept++
		}
	}
	out = append(out, "***"...)
	last := len(number)
	for kept = 0; kept < 4; {
		if last--; isDigit(number[last]) {
			kept++
		}
	}
	for ; last < len(number); last++ {
		if isDigit(number[last]) {
			out = append(out, number[last])
		}
	}
	return out
}

// idLen returns the length of the UUID, hyphenated or not, or of the key of ours (see keyLen) that is a word of its own at
// s[i:], or 0.
func idLen(s string, i int) int {
	if i > 0 && isWord(s[i-1]) {
		return 0
	}
	length := uuidLen(s, i)
	if length == 0 {
		length = keyLen(s, i)
	}
	if at := i + length; length == 0 || at < len(s) && isWord(s[at]) {
		return 0
	}
	return length
}

// uuidLen returns the length of the UUID that s[i:] begins with, whatever is around it, or 0.
func uuidLen(s string, i int) int {
	if i+32 > len(s) {
		return 0
	}
	n, at, letter := 0, i, false
	for ; at < len(s) && n < 32; at++ {
		switch c := s[at]; {
		case c == '-' && (at-i == 8 || at-i == 13 || at-i == 18 || at-i == 23):
			if at-i > 8 && s[i+8] != '-' {
				return 0
			}
			continue
		case !isHex(c):
			return 0
		case n == 12 && c != '7' && c != '4', n == 16 && (c < '8' || c == 'c' || c == 'd' || c == 'e' || c == 'f'):
			return 0
		case !isDigit(c):
			letter = true
		}
		n++
	}
	length := at - i
	if n < 32 || !letter || (length != 32 && length != 36) {
		return 0
	}
	return length
}

// keyLen is uuidLen for the key by which a provider knows a call of ours: the installation's name in eight hexadecimal
// digits, the payment's id and the number of the try, with hyphens between.
func keyLen(s string, i int) int {
	const name, id, most = 8, 32, 6
	at := i + name + 1
	if at+id >= len(s) || s[at-1] != '-' || s[at+id] != '-' || uuidLen(s, at) != id {
		return 0
	}
	for _, c := range []byte(s[i : i+name]) {
		if !isHex(c) {
			return 0
		}
	}
	try := at + id + 1
	end := endOfRun(s, try)
	if end == try || end-try > most {
		return 0
	}
	return end - i
}

func endOfRun(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isHex(c byte) bool       { return isDigit(c) || (c >= 'a' && c <= 'f') }
func isSeparator(c byte) bool { return c == ' ' || c == '-' }

// isWord includes the hyphen: a UUID inside another longer hyphenated text is not taken for an identifier.
func isWord(c byte) bool {
	return isDigit(c) || (c|0x20 >= 'a' && c|0x20 <= 'z') || c == '-'
}
