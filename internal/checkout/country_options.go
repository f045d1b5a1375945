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

// countries are those of each language, in its order. They are made when a page first asks for a billing address.
var countries sync.Map // by tag, []country

func countriesIn(w *words) []country {
	if known, ok := countries.Load(w.Lang); ok {
		return known.([]country) //nolint:forcetypeassert // nothing else is stored
	}
	names := display.Regions(w.tag)
	list := byName{}
	for _, code := range payer.Countries() {
		name := code
		if region, err := language.ParseRegion(code); err == nil {
			name = names.Name(region)
		}
		list = append(list, country{code, name})
	}
	collate.New(w.tag).Sort(list)
	known, _ := countries.LoadOrStore(w.Lang, []country(list))
	return known.([]country) //nolint:forcetypeassert // as above
}

// byName is sorted by how a language orders names.
type byName []country

func (b byName) Len() int           { return len(b) }
func (b byName) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b byName) Bytes(i int) []byte { return []byte(b[i].name) }

// countryOptions are all countries, by their names in the customer's language.
func countryOptions(w *words, chosen string) []option {
	options := []option{{Label: w.Person.CountryChoose}}
	for _, c := range countriesIn(w) {
		options = append(options, option{Value: c.code, Label: c.name, Selected: c.code == chosen})
	}
	return options
}
