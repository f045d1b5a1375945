package document

import (
	"slices"
	"strings"
)

func curpForm(n string) bool { return form(n, "AAAA999999AAAAAAX9") }

var mexicanStates = strings.Fields("AS BC BS CC CH CL CM CS DF DG GR GT HG JC MC MN MS NE NL NT OC PL QR QT SL SP SR TC TL TS VZ YN ZS")

func curpParts(n string) bool {
	if n[10] != 'H' && n[10] != 'M' || !isDate(n[4:10]) {
		return false
	}
	return slices.Contains(mexicanStates, n[11:13])
}

func curpSum(n string) bool {
	sum := 0
	for i := range 17 {
		v := strings.IndexByte("0123456789ABCDEFGHIJKLMN_OPQRSTUVWXYZ", n[i]) // Ñ has a place, and is written as X
		sum += v * (18 - i)
	}
	return last(n) == digit((10-sum%10)%10)
}

// taxParts cuts a number of a firm, of a person, or of a person without what tells equal ones apart.
func taxParts(n string) (name []rune, date, rest string) {
	r := []rune(n)
	at := 4
	if len(r) == 12 {
		at = 3
	}
	return r[:at], string(r[at : at+6]), string(r[at+6:])
}

func mexicanTaxForm(n string) bool {
	name, date, rest := taxParts(n)
	for _, c := range name {
		if (c < 'A' || c > 'Z') && c != '&' && c != 'Ñ' {
			return false
		}
	}
	return isDigits(date) && isAlphanumeric(rest)
}

func mexicanTaxDate(n string) bool {
	_, date, _ := taxParts(n)
	return isDate(date)
}

// mexicanTaxSum fails for one in four of the numbers in use. Two stand for anybody in the country and abroad.
func mexicanTaxSum(n string) bool {
	r := []rune(n)
	if len(r) == 10 || n == "XAXX010101000" || n == "XEXX010101000" {
		return true
	}
	alphabet := []rune("0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ")
	if len(r) == 12 {
		r = append([]rune{' '}, r...)
	}
	sum := 0
	for i, c := range r[:12] {
		for v, a := range alphabet {
			if a == c {
				sum += v * (13 - i)
			}
		}
	}
	return r[12] == alphabet[(11-sum%11)%11]
}

func mexicanVoter(n string) bool {
	return form(n, "AAAAAA99999999A999") && (n[14] == 'H' || n[14] == 'M') || form(n, "9999999999999")
}
