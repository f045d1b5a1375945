package cardrange_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/cardrange"
)

func find(t *testing.T, table *cardrange.Table, digits string) cardrange.Info {
	t.Helper()
	prefix, ok := cardrange.Prefix(digits)
	if !ok {
		t.Fatalf("%q is no prefix", digits)
	}
	return table.Find(prefix)
}

// TestFilesAsTheyAreSold reads the forms in which lists of ranges are published.
func TestFilesAsTheyAreSold(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"one column":     "BIN,Brand,Type,Category,Issuer,IssuerPhone,IssuerUrl,isoCode2,isoCode3,CountryName\n424242,VISA,CREDIT,CLASSIC,\"A, BANK\",,,PL,POL,POLAND\n",
		"two columns":    "iin_start,iin_end,number_length,number_luhn,scheme,brand,type,prepaid,country,bank_name\n424242,424242,16,,visa,,credit,,PL,A \"BANK\"\n",
		"semicolons":     "bin;country;type\n424242;PL;Credit\n",
		"tabs":           "prefix\tcountry code\tcard type\n424242\tpl\tCREDIT\n",
		"a mark, CRLF":   "\xef\xbb\xbfBIN,Alpha-2,Type\r\n424242,PL,CREDIT\r\n\r\n",
		"longer than 11": "low,high,country,funding\n4242420000000000,4242429999999999,PL,CREDIT\n",
		"names beside":   "country,alpha_2,bin,type\nPoland,PL,424242,credit\n",
	} {
		table, err := cardrange.Read(strings.NewReader(file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := cardrange.Info{Country: "PL", Type: cardrange.Credit}
		if got := find(t, table, "42424242"); got != want || table.Len() != 1 || !slices.Equal(table.Countries(), []string{"PL"}) {
			t.Errorf("%s: %+v, %d spans of %v", name, got, table.Len(), table.Countries())
		}
		for _, outside := range []string{"424241", "424243", "42424199999", "42424300000", "41", "99"} {
			if got := find(t, table, outside); got != (cardrange.Info{}) {
				t.Errorf("%s: %s is %+v", name, outside, got)
			}
		}
	}
}

func TestTheNarrowestRangeTells(t *testing.T) {
	t.Parallel()
	table, err := cardrange.Read(strings.NewReader(`from,to,country,type,prepaid
40,49,US,CREDIT,no
424242,,GB,DEBIT,no
42424250,42424259,PL,DEBIT,yes
510000,519999,DE,,
515000,529999,FR,,
424242,,GB,DEBIT,no
`))
	if err != nil {
		t.Fatal(err)
	}
	for digits, want := range map[string]cardrange.Info{
		"40": {"US", cardrange.Credit}, "499999": {"US", cardrange.Credit}, "42424100": {"US", cardrange.Credit},
		"42424249": {"GB", cardrange.Debit}, "42424250": {"PL", cardrange.Prepaid}, "42424259999": {"PL", cardrange.Prepaid},
		"42424260": {"GB", cardrange.Debit}, "424243": {"US", cardrange.Credit},
		"514999": {Country: "DE"}, "515000": {Country: "DE"}, "519999": {Country: "DE"}, "520000": {Country: "FR"}, "529999": {Country: "FR"},
		"53": {}, "39": {}, "50": {},
	} {
		if got := find(t, table, digits); got != want {
			t.Errorf("%s: %+v, want %+v", digits, got, want)
		}
	}
}

// TestFindIsAScan compares with the plainest way to look.
func TestFindIsAScan(t *testing.T) {
	t.Parallel()
	type row struct {
		from, to uint64
		info     cardrange.Info
	}
	countries := []string{"PL", "DE", "", "GB"}
	for seed := range uint64(200) {
		draw := rand.New(rand.NewPCG(seed, 7))
		var rows []row
		file := "from,to,country\n"
		for range 1 + draw.IntN(30) {
			low := 100 + draw.Uint64N(60)
			high := low + draw.Uint64N(160-low+1)
			if slices.ContainsFunc(rows, func(r row) bool { return r.from == low && r.to == high }) {
				continue
			}
			r := row{low, high, cardrange.Info{Country: countries[draw.IntN(len(countries))]}}
			rows = append(rows, r)
			file += fmt.Sprintf("%d,%d,%s\n", low, high, r.info.Country)
		}
		table, err := cardrange.Read(strings.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		packed, err := table.Pack()
		if err != nil {
			t.Fatal(err)
		}
		again, err := cardrange.Unpack(packed)
		if err != nil {
			t.Fatal(err)
		}
		for n := uint64(95); n < 170; n++ {
			var want cardrange.Info
			width := uint64(1 << 62)
			for _, r := range rows {
				if r.from <= n && n <= r.to && r.to-r.from < width {
					width, want = r.to-r.from, r.info
				}
			}
			digits := strconv.FormatUint(n, 10)
			if n < 100 {
				digits = "0" + digits
			}
			for _, whole := range []string{digits, (digits + "99999999")[:11]} {
				if got := find(t, table, whole); got != want || find(t, again, whole) != want {
					t.Fatalf("seed %d, %s: %+v, want %+v, in\n%s", seed, whole, got, want, file)
				}
			}
		}
	}
}

func TestWhatIsWrongInAFileIsTold(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"":                               "no line of headings",
		"\n\n":                           "no line of headings",
		"country,type\nPL,CREDIT\n":      "no column of first digits",
		"bin,type\n424242,CREDIT\n":      "no column of countries",
		"bin,country\n":                  "no range",
		"bin,country\n4x,PL\n":           "line 2: the first digits",
		"bin,country\n4,PL\n":            "line 2: the first digits",
		"bin,country\n١٢٣٤٥٦,PL\n":       "line 2: the first digits",
		"bin,country\n424242,Poland\n":   "line 2: the country",
		"bin,country\n424242,POL\n":      "line 2: the country",
		"bin,country\n424242,QQ\n":       "line 2: the country",
		"bin,country\n424242,EU\n":       "line 2: the country",
		"from,to,country\n42,4,PL\n":     "line 2: the first digits",
		"from,to,country\n42,424,PL\n":   "line 2: the ends",
		"from,to,country\n43,42,PL\n":    "line 2: the range ends",
		"bin,country\n42,PL\n\n42,DE\n":  "line 4: the same range stands in line 2",
		"bin,country,prepaid\n42,PL,x\n": "line 2: prepaid",
	} {
		table, err := cardrange.Read(strings.NewReader(file))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", file, err, want)
		}
		var faults *cardrange.Faults
		if lines := errors.As(err, &faults); lines != (table != nil) || lines != strings.HasPrefix(want, "line") {
			t.Errorf("%q: a table %t, and %T", file, table != nil, err)
		}
	}
	many := "bin,country\n424242,PL\n" + strings.Repeat("x,PL\n", 25)
	table, err := cardrange.Read(strings.NewReader(many))
	if err == nil || !strings.HasSuffix(err.Error(), "and 15 more") || find(t, table, "424242").Country != "PL" {
		t.Errorf("%v", err)
	}
}

func TestCountriesAreOfTheStandard(t *testing.T) {
	t.Parallel()
	table, err := cardrange.Read(strings.NewReader("bin,country\n10,UK\n11,xk\n12,--\n13,\n14,ZZ\n15,PS\n"))
	if err != nil {
		t.Fatal(err)
	}
	for digits, want := range map[string]string{"10": "GB", "11": "XK", "12": "", "13": "", "14": "", "15": "PS"} {
		if got := find(t, table, digits).Country; got != want {
			t.Errorf("%s: %q, want %q", digits, got, want)
		}
	}
}

// TestBuiltIn: numbers as they are published.
func TestBuiltIn(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"40000082600": "GB", "40000027600": "DE", "40000007600": "BR", "40000004000": "AT", "40000084000": "US", "40000061600": "PL",
		"40000000000": "", "40000066000": "", "42424242424": "", "55550000000": "",
	} {
		if got := find(t, cardrange.BuiltIn(), number).Country; got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
	if n := len(cardrange.BuiltIn().Countries()); n != 58 {
		t.Errorf("%d countries", n)
	}
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]uint64{"42": 42_000_000_000, "42424242424": 42_424_242_424, "00": 0} {
		if got, ok := cardrange.Prefix(digits); !ok || got != want {
			t.Errorf("%s: %d, %t", digits, got, ok)
		}
	}
	for _, digits := range []string{"", "4", "424242424242", "4242 42", "x", "-42"} {
		if got, ok := cardrange.Prefix(digits); ok {
			t.Errorf("%q is %d", digits, got)
		}
	}
}

// TestNothingIsKnownWithoutATable: a process has none before it has read one.
func TestNothingIsKnownWithoutATable(t *testing.T) {
	t.Parallel()
	var none *cardrange.Table
	if none.Find(42_000_000_000) != (cardrange.Info{}) || none.Len() != 0 || none.Countries() != nil {
		t.Error("something is")
	}
}

func FuzzUnpack(f *testing.F) {
	packed, err := cardrange.BuiltIn().Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add(packed[:len(packed)/2])
	f.Fuzz(func(t *testing.T, packed []byte) {
		table, err := cardrange.Unpack(packed)
		if err != nil {
			return
		}
		table.Find(42_000_000_000)
		again, err := table.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := cardrange.Unpack(again); err != nil || twice.Len() != table.Len() {
			t.Fatalf("%v", err)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("bin,country\n424242,PL\n")
	f.Add("from;to;country\n42;43;PL\n\"")
	f.Fuzz(func(t *testing.T, file string) {
		table, err := cardrange.Read(strings.NewReader(file))
		if table == nil {
			return
		}
		packed, packErr := table.Pack()
		if packErr != nil {
			t.Fatal(packErr)
		}
		if again, unpackErr := cardrange.Unpack(packed); unpackErr != nil || again.Len() != table.Len() {
			t.Fatalf("%v after %v", unpackErr, err)
		}
	})
}
