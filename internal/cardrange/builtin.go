package cardrange

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// testCountries are those for which the test cards of a large provider's documentation (docs.stripe.com/testing, international
// cards) name the country: such a number begins with 400000 and the country's number in ISO 3166.
const testCountries = `AE AR AT AU BE BG BR BY CA CH CL CN CO CR CY CZ DE DK EC EE ES FI FR GB GI GR HK HR HU IE IN IT JP LI LT LU LV
	MT MX MY NL NO NZ PA PE PL PT PY RO SA SE SG SI SK TH TW US UY`

const testPrefix, testDigits = 400_000, 9

// BuiltIn is the table of an installation that has imported none: it knows test numbers only.
var BuiltIn = sync.OnceValue(func() *Table {
	var ranges []held
	for name := range strings.FieldsSeq(testCountries) {
		number := uint64(testPrefix*1000 + language.MustParseRegion(name).M49())
		h := held{info: Info{Country: name}}
		h.from, h.to = ends(number, number, testDigits)
		ranges = append(ranges, h)
	}
	return flatten(ranges)
})
