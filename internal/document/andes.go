package document

import "slices"

// colombianSum doubts nine digits: they are often a number without its check digit.
func colombianSum(n string) judgement {
	weights := [...]int{3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71}
	sum := 0
	for i := range len(n) - 1 {
		sum += int(n[len(n)-2-i]-'0') * weights[i]
	}
	check := sum % 11
	if check > 1 {
		check = 11 - check
	}
	switch {
	case last(n) == digit(check):
		return right
	case len(n) == 9:
		return doubtful
	}
	return wrong
}

// ecuadorianProvince knows 24 provinces, and two for those who are abroad.
func ecuadorianProvince(n string) bool {
	p := number(n[:2])
	return p >= 1 && p <= 24 || p == 30 || p == 50
}

func ecuadorianPerson(n string) bool { return ecuadorianProvince(n) && n[2] <= '6' }

// ecuadorianSum is Luhn's.
func ecuadorianSum(n string) bool { return luhn(n[:10]) }

func ecuadorianTaxParts(n string) bool {
	return ecuadorianProvince(n) && n[2] != '7' && n[2] != '8' && n[10:] != "000"
}

// ecuadorianTaxSum goes by the third digit: persons up to 5, public bodies and later persons 6, firms 9.
func ecuadorianTaxSum(n string) bool {
	public := weigh(n, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
	switch n[2] {
	case '6':
		return public || ecuadorianSum(n)
	case '9':
		return public || weigh(n, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
	}
	return ecuadorianSum(n)
}

func peruvianForm(n string) bool {
	return isDigits(n[:8]) && (len(n) == 8 || n[8] >= '0' && n[8] <= '9' || n[8] >= 'A' && n[8] <= 'K')
}

// peruvianSum takes either series of check characters, and a number without one.
func peruvianSum(n string) bool {
	if len(n) == 8 {
		return true
	}
	at := weigh(n, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	return n[8] == "65432110987"[at] || n[8] == "KJIHGFEDCBA"[at]
}

func peruvianPrefix(n string) bool { return slices.Contains([]string{"10", "15", "17", "20"}, n[:2]) }

func peruvianTaxSum(n string) bool {
	return last(n) == digit((11-weigh(n, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%10)
}
