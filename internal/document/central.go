package document

import "strings"

// costaRican takes persons, as P-TTTT-AAAA with parts that may be shorter, firms and foreigners. None has a check digit.
func costaRican(n string) (Result, error) {
	n = dashed(n)
	digits := strings.ReplaceAll(n, "-", "")
	if !isDigits(digits) {
		if len(digits) < 9 || len(digits) > 12 {
			return Result{}, Length
		}
		return Result{}, Charset
	}
	if strings.Contains(n, "-") {
		return costaRicanParts(strings.Split(n, "-"))
	}
	switch {
	case len(n) == 9:
		return costaRicanPerson("0" + n)
	case len(n) == 10 && n[0] == '0':
		return costaRicanPerson(n)
	case len(n) == 10:
		return costaRicanFirm(n)
	case len(n) == 11 || len(n) == 12:
		return costaRicanForeigner(n)
	}
	return Result{}, Length
}

// costaRicanParts tells persons from firms by how the number is parted.
func costaRicanParts(parts []string) (Result, error) {
	whole := strings.Join(parts, "")
	if len(parts) != 3 { // foreigners are written in parts of any length
		if len(whole) == 11 || len(whole) == 12 {
			return costaRicanForeigner(whole)
		}
		return Result{}, Length
	}
	if len(parts[0]) != 1 && (len(parts[0]) != 2 || parts[0][0] != '0') {
		if len(whole) == 11 || len(whole) == 12 {
			return costaRicanForeigner(whole)
		}
		return Result{}, Component
	}
	first, middle, end := parts[0][len(parts[0])-1:], parts[1], parts[2]
	if len(middle) == 3 && len(end) == 6 {
		return costaRicanFirm(first + middle + end)
	}
	if middle == "" || end == "" || len(middle) > 4 || len(end) > 4 {
		return Result{}, Length
	}
	return costaRicanPerson("0" + first + ("000" + middle)[len(middle)-1:] + ("000" + end)[len(end)-1:])
}

func costaRicanPerson(n string) (Result, error) {
	if n[1] == '0' {
		return Result{}, Component
	}
	return Result{Number: n}, nil
}

func costaRicanForeigner(n string) (Result, error) {
	if n[0] != '1' {
		return Result{}, Component
	}
	return Result{Number: n}, nil
}

func costaRicanFirm(n string) (Result, error) {
	class, ok := number(n[1:4]), false
	switch n[0] {
	case '2':
		ok = class == 100 || class == 200 || class == 300 || class == 400
	case '3':
		ok = class >= 2 && class <= 14 || class >= 101 && class <= 110
	case '4':
		ok = class == 0
	case '5':
		ok = class == 1
	}
	if !ok {
		return Result{}, Component
	}
	return Result{Number: n}, nil
}

// panamanian takes three parts: where somebody is registered, the volume and the entry.
func panamanian(n string) (Result, error) {
	n = dashed(n)
	parts := strings.Split(n, "-")
	if len(parts) != 3 || !panamanianPlace(parts[0]) || !isDigits(parts[1]+parts[2]) {
		return Result{}, Charset
	}
	if l := len(parts[1]); l < 1 || l > 4 {
		return Result{}, Length
	}
	if l := len(parts[2]); l < 1 || l > 6 {
		return Result{}, Length
	}
	return Result{Number: n}, nil
}

func panamanianPlace(p string) bool {
	if p == "PE" || p == "E" || p == "N" {
		return true
	}
	province := strings.TrimSuffix(strings.TrimSuffix(p, "AV"), "PI")
	if len(province) < len(p)-2 || !isDigits(province) || province == "" || len(province) > 2 || province[0] == '0' {
		return false
	}
	return number(province) <= 13
}

func guatemalanTaxForm(n string) bool { return isDigits(n[:len(n)-1]) && form(n[len(n)-1:], "K") }

func guatemalanTaxSum(n string) bool {
	sum := 0
	for i := range len(n) - 1 {
		sum += int(n[len(n)-2-i]-'0') * (2 + i)
	}
	return last(n) == "0123456789K"[(11-sum%11)%11]
}

// guatemalanPlace doubts municipalities that were founded later than the published table.
func guatemalanPlace(n string) judgement {
	municipalities := [...]int{17, 8, 16, 16, 13, 14, 19, 8, 24, 21, 9, 30, 32, 21, 8, 17, 14, 5, 11, 11, 7, 17}
	department, municipality := number(n[9:11]), number(n[11:])
	switch {
	case department < 1 || department > len(municipalities):
		return wrong
	case municipality < 1 || municipality > municipalities[department-1]:
		return doubtful
	}
	return right
}

func guatemalanSum(n string) bool {
	check := weigh(n, 2, 3, 4, 5, 6, 7, 8, 9) % 11
	return check != 10 && n[8] == digit(check)
}
