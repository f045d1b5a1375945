package checkout

import (
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/sluicepay/sluice/internal/payer"
)

// country is one by its code and its name in a language.
type country struct{ code, name string }

// countries are those of each language, in its order. A list is made when a page first asks for a billing address in the language.
var countries = sync.OnceValue(func() map[string]func() []country {
	all := make(map[string]func() []country, len(tongues))
	for _, w := range languages() {
		all[w.Lang] = sync.OnceValue(func() []country { return countriesOf(w.tag) })
	}
	return all
})

func countriesOf(tag language.Tag) []country {
	names, list := display.Regions(tag), byName{}
	for _, code := range payer.Countries() {
		name := code
		if region, err := language.ParseRegion(code); err == nil {
			name = names.Name(region)
		}
		list = append(list, country{code, name})
	}
	collate.New(tag).Sort(list)
	return list
}

// byName is sorted by how a language orders names.
type byName []country

func (b byName) Len() int           { return len(b) }
func (b byName) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b byName) Bytes(i int) []byte { return []byte(b[i].name) }

// countryOptions are all countries, by their names in the customer's language.
func countryOptions(w *words, chosen string) []option {
	options := []option{{Label: w.Person.CountryChoose}}
	for _, c := range countries()[w.Lang]() {
		options = append(options, option{Value: c.code, Label: c.name, Selected: c.code == chosen})
	}
	return options
}
