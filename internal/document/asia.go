package document

import "strings"

// aadhaarParts: no number begins with 0 or 1, or reads the same from behind.
func aadhaarParts(n string) bool {
	if n[0] < '2' {
		return false
	}
	for i := range len(n) / 2 {
		if n[i] != n[len(n)-1-i] {
			return true
		}
	}
	return false
}

// Indian numbers of this type are of the tax office, or of the voters' list.
func isTaxpayer(n string) bool { return form(n, "AAAAA9999A") }
func isVoter(n string) bool    { return form(n, "AAA9999999") }

func indianForm(n string) bool { return isTaxpayer(n) || isVoter(n) }

func indianParts(n string) bool {
	return isVoter(n) || strings.IndexByte("ABCFGHJLPTK", n[3]) >= 0 && n[5:9] != "0000"
}

func indianSum(n string) bool { return !isVoter(n) || luhn(n[3:]) }

// vietnameseParts: the serial, and the branch where there is one. Twelve digits are a citizen's number.
func vietnameseParts(n string) bool {
	return len(n) == 12 || n[2:9] != "0000000" && (len(n) == 10 || n[10:] != "000")
}

func vietnameseSum(n string) bool {
	check := 10 - weigh(n, 31, 29, 23, 19, 17, 13, 7, 5, 3)%11
	return len(n) == 12 || check != 10 && n[9] == digit(check)
}
