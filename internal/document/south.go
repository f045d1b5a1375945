package document

import (
	"slices"
	"strings"
	"unicode/utf8"
)

func argentinePrefix(n string) bool {
	return slices.Contains([]string{"20", "23", "24", "25", "26", "27", "30", "33", "34", "50", "51", "55"}, n[:2])
}

func argentineSum(n string) bool {
	check := 11 - weigh(n, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11
	switch check {
	case 11:
		check = 0
	case 10:
		check = 9
	}
	return last(n) == digit(check)
}

// bolivianForm is digits alone, or seven or eight and the department with what was added to tell equal numbers apart.
func bolivianForm(n string) bool {
	return isDigits(n) && len(n) <= 10 || bolivianSplit(n) > 0
}

// bolivianSplit is where the department of a number stands, or 0.
func bolivianSplit(n string) int {
	for _, at := range []int{8, 7} {
		if len(n) >= at+2 && len(n) <= at+4 && isDigits(n[:at]) && isLetters(n[at:at+2]) && isAlphanumeric(n[at+2:]) {
			return at
		}
	}
	return 0
}

func bolivianPlace(n string) bool {
	at := bolivianSplit(n)
	return at == 0 || slices.Contains([]string{"LP", "OR", "PT", "CB", "CH", "TJ", "SC", "BE", "PD"}, n[at:at+2])
}

func cpfSum(n string) bool {
	return n[9] == brazilianDigit(weigh(n, 10, 9, 8, 7, 6, 5, 4, 3, 2)) && n[10] == brazilianDigit(weigh(n, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2))
}

func brazilianDigit(sum int) byte {
	check := 11 - sum%11
	if check >= 10 {
		check = 0
	}
	return digit(check)
}

// isRepeated reports whether a number is one digit all along.
func isRepeated(n string) bool { return strings.Count(n, n[:1]) == len(n) }

// brazilianPerson is a CPF. Eleven equal digits pass the sum.
func brazilianPerson(n string) (Result, error) {
	n = compact(n)
	switch {
	case utf8.RuneCountInString(n) != 11:
		return Result{}, Length
	case !isDigits(n):
		return Result{}, Charset
	case isRepeated(n):
		return Result{}, Repeated
	case !cpfSum(n):
		return Result{}, Checksum
	}
	return Result{Number: n}, nil
}

// Brazilian firms have letters in their numbers since July 2026; the check digits are never any. A letter counts as its
// place in ASCII, less that of 0.
func cnpjForm(n string) bool { return isAlphanumeric(n) && isDigits(n[12:]) }
func cnpjRoot(n string) bool { return n[:12] != "000000000000" }

func cnpjSum(n string) bool {
	return n[12] == brazilianDigit(weigh(n, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) && n[13] == brazilianDigit(weigh(n, 6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))
}

func chileanPrefix(n string) string { return strings.TrimPrefix(n, "CL") }

func chileanForm(n string) bool { return isDigits(n[:len(n)-1]) && form(n[len(n)-1:], "K") }

func chileanSum(n string) bool {
	sum := 0
	for i := range len(n) - 1 {
		sum += int(n[len(n)-2-i]-'0') * (2 + i%6)
	}
	return last(n) == "0K987654321"[sum%11]
}

func uruguayanPad(n string) string {
	if len(n) == 7 {
		return "0" + n
	}
	return n
}

func uruguayanSum(n string) bool {
	return last(n) == digit((10-weigh(n, 2, 9, 8, 7, 6, 3, 4)%10)%10)
}

func uruguayanPrefix(n string) string { return strings.TrimPrefix(n, "UY") }

// uruguayanTaxParts doubts the offices that came later than the published rule.
func uruguayanTaxParts(n string) judgement {
	switch {
	case n[:2] == "00" || n[2:8] == "000000" || n[8:11] != "001":
		return wrong
	case number(n[:2]) > 22:
		return doubtful
	}
	return right
}

func uruguayanTaxSum(n string) bool {
	check := (11 - weigh(n, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)%11) % 11
	return check != 10 && last(n) == digit(check)
}
