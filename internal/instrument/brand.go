package instrument

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Brand is the scheme that a card number belongs to, as far as its first digits tell.
type Brand string

// The fourteen brands of the gateway contract.
const (
	BrandAmex       Brand = "AMEX"
	BrandDiners     Brand = "DINERS"
	BrandDiscover   Brand = "DISCOVER"
	BrandJCB        Brand = "JCB"
	BrandMaestro    Brand = "MAESTRO"
	BrandMastercard Brand = "MASTERCARD"
	BrandMir        Brand = "MIR"
	BrandRuPay      Brand = "RUPAY"
	BrandUnionPay   Brand = "UNIONPAY"
	BrandVisa       Brand = "VISA"
	BrandHumo       Brand = "HUMO"
	BrandVerve      Brand = "VERVE"
	BrandTroy       Brand = "TROY"
	BrandUnknown    Brand = "UNKNOWN" // any other scheme, and Elo and UzCard, which the contract has no word for
)

// Brands lists every Brand in the order of the contract.
func Brands() []Brand {
	return []Brand{
		BrandAmex, BrandDiners, BrandDiscover, BrandJCB, BrandMaestro, BrandMastercard, BrandMir, BrandRuPay,
		BrandUnionPay, BrandVisa, BrandHumo, BrandVerve, BrandTroy, BrandUnknown,
	}
}

// Valid reports whether b is one of Brands.
func (b Brand) Valid() bool { return slices.Contains(Brands(), b) }

// AcceptsSecurityCode reports whether cards of the brand carry a code of that length. The zero code stands for
// none, which only some Maestro and Humo cards may have; stored cards are used without one, and not asked here.
func (b Brand) AcceptsSecurityCode(c SecurityCode) bool {
	digits := c.secret.value().length
	switch b {
	case BrandAmex:
		return digits == 4
	case BrandUnknown:
		return digits == 3 || digits == 4
	case BrandMaestro, BrandHumo:
		return digits == 3 || digits == 0
	default:
		return digits == 3
	}
}

// brandRule gives first digits to a brand. Ranges are separated by spaces, and count in the length they are
// written with: "34" holds every number that begins so, "644-649" all from 644 up to what begins with 649.
type brandRule struct {
	brand   Brand
	lengths lengthSet
	ranges  string
}

// brandRules is asked from the top, and the first rule that holds the number wins: ranges of small schemes
// lie inside those of large ones.
var brandRules = []brandRule{
	{BrandTroy, lengths(16, 16), `9792 658761
		650052 650082-650083 650092 650161 650170 650173 650175 650268 650271 650273-650274 650456-650457 650836
		650846-650850 650923 650987 650990 654997 657366 657998 658758 658767-658768
		65083700-65083704 65085800-65085804 65085900-65085901 65086000 65086100-65086105 65086200-65086203
		65875000-65875003 65875009 65875101-65875104 65875200 65875501 65875601 65875900 65876000-65876002
		65876200-65876201 65876500 65876504-65876505 65876600-65876602 65877100-65877101 65877600-65877602
		65877700 65877801-65877802 65878200-65878202 65878300-65878311 65878400-65878405 65878500-65878505
		65878600-65878601 65879800 65880800 65880900`},
	{BrandVerve, lengths(16, 16) | lengths(18, 19), `506099-506198 507850 507865-507964 650002-650027`},
	{BrandRuPay, lengths(16, 16), `606985-607984 608001-608500 508500-508999 652150-653149 81720000-81999999 82`},
	// Elo.
	{BrandUnknown, lengths(12, 19), `401178-401179 438935 457631-457632 431274 451416 457393 504175 506699-506778
		509000-509999 627780 636297 636368 650031-650033 650035-650051 650405-650439 650485-650538 650541-650598
		650700-650718 650720-650727 650901-650978 651652-651679 655000-655019 655021-655058`},
	// UzCard.
	{BrandUnknown, lengths(12, 19), `8600 5614`},
	{BrandMir, lengths(16, 19), `2200-2204`},
	{BrandHumo, lengths(16, 16), `9860`},
	{BrandJCB, lengths(15, 19), `3528-3589 2131 1800 3088-3094 3096-3102 3112-3120 3158-3159 3337-3349`},
	{BrandUnionPay, lengths(14, 19), `62 81000000-81719999`},
	{BrandAmex, lengths(15, 15), `34 37`},
	{BrandDiners, lengths(14, 19), `300-305 309 36 38 39`},
	{BrandDiscover, lengths(16, 19), `6011 644-649 65`},
	{BrandMaestro, lengths(12, 19), `50 56-58 5893 6304 6390 670000-679999`},
	{BrandMastercard, lengths(16, 16), `51-55 222100-272099`},
	{BrandVisa, lengths(13, 13) | lengths(16, 16) | lengths(18, 19), `4`},
	{BrandUnknown, lengths(12, 19), `0-9`},
}

// lengthSet has bit n set if a card number of n digits is allowed.
type lengthSet uint32

func lengths(from, to int) lengthSet { return 1<<(to+1) - 1<<from }

func (s lengthSet) has(n int) bool { return s>>n&1 == 1 }

// brandSpan says which rule is the first to hold the numbers from its start up to the start of the next span.
type brandSpan struct {
	from uint32 // the first eight digits
	rule *brandRule
}

const brandDigits = 8

// brandSpans is the table made flat: sorted, without gaps or overlaps, so that a search by halves finds the rule.
var brandSpans = sync.OnceValue(func() []brandSpan { return flatten(brandRules) })

// findBrand returns the rule for a number of at least eight digits.
func findBrand(number []byte) *brandRule {
	var prefix uint32
	for _, d := range number[:brandDigits] {
		prefix = prefix*10 + uint32(d-'0')
	}
	spans := brandSpans()
	after := sort.Search(len(spans), func(i int) bool { return spans[i].from > prefix })
	return spans[after-1].rule
}

// flatten resolves the order of the rules. The last rule holds every number, so each span has one.
func flatten(rules []brandRule) []brandSpan {
	type held struct {
		from, to uint32
		rule     *brandRule
	}
	var all []held
	starts := []uint32{0}
	for i := range rules {
		for text := range strings.FieldsSeq(rules[i].ranges) {
			low, high, _ := strings.Cut(text, "-")
			h := held{eightDigits(low, '0'), eightDigits(cmp.Or(high, low), '9'), &rules[i]}
			all = append(all, h)
			starts = append(starts, h.from, h.to+1)
		}
	}
	slices.Sort(starts)
	var spans []brandSpan
	for _, start := range slices.Compact(starts) {
		i := slices.IndexFunc(all, func(h held) bool { return h.from <= start && start <= h.to })
		if i < 0 || (len(spans) > 0 && spans[len(spans)-1].rule == all[i].rule) {
			continue
		}
		spans = append(spans, brandSpan{start, all[i].rule})
	}
	return spans
}

// eightDigits is the number that the digits make when filled up with pad.
func eightDigits(digits string, pad byte) (n uint32) {
	for i := range brandDigits {
		d := pad
		if i < len(digits) {
			d = digits[i]
		}
		n = n*10 + uint32(d-'0')
	}
	return n
}

// Luhn reports whether the last of the digits is the check digit of those before (ISO/IEC 7812-1). It is false
// for an empty text and for any character but 0 to 9.
func Luhn(digits string) bool { return luhn(digits) }

func luhn[T string | []byte](digits T) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if (len(digits)-i)%2 == 0 { // every second digit from the right
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return len(digits) > 0 && sum%10 == 0
}
