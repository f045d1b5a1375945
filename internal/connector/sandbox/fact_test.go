package sandbox

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// told is a true answer to a sale of 11.12 EUR, with pairs of old and new text replaced.
func told(pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(`{"id":"0195","reference":"k","kind":"sale","status":"approved","amount":"11.12",` +
		`"currency":"EUR","responseCode":"00","capturedAmount":"11.12","card":{"brand":"VISA","first6":"400000","last4":"0408"}}`)
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		kind payment.AttemptKind
		body string
		want payment.Class // empty: it proves nothing
	}{
		{"as it is", payment.AttemptDeposit, told(), payment.ClassApproved},
		{"with more members", payment.AttemptDeposit, told(`"id"`, `"new":[1,{"id":2}],"id"`), payment.ClassApproved},
		{"captured in part", payment.AttemptDeposit, told(`sale`, `authorization`, `approved`, `captured`), payment.ClassApproved},
		{"fence", payment.AttemptCapture, told(`sale`, `fence`, `approved`, `cancelled`, `11.12`, `0`, `EUR`, ``), payment.ClassRejected},
		{"cancelled void", payment.AttemptVoid, told(`sale`, `void`, `approved`, `cancelled`, `"00"`, `"C02"`), payment.ClassRejected},
		{"capture given up", payment.AttemptCapture, told(`sale`, `capture`, `approved`, `declined`, `"00"`, `"C01"`), payment.ClassDeclinedHard},
		{"declined without a reason", payment.AttemptDeposit, told(`approved`, `declined`, `"00"`, `""`), payment.ClassDeclinedSoft},

		{"cut", payment.AttemptDeposit, told()[:90], ""},
		{"two objects", payment.AttemptDeposit, told() + told(), ""},
		{"a name twice", payment.AttemptDeposit, told(`"status"`, `"status":"pending","status"`), ""},
		{"another case", payment.AttemptDeposit, told(`"status"`, `"Status"`), ""},
		{"another reference", payment.AttemptDeposit, told(`"k"`, `"K"`), ""},
		{"no reference", payment.AttemptDeposit, told(`"reference":"k",`, ``), ""},
		{"another kind", payment.AttemptRefund, told(), ""},
		{"kind of nothing", payment.AttemptDeposit, told(`sale`, `loan`), ""},
		{"unknown status", payment.AttemptDeposit, told(`approved`, `settling`), ""},
		{"no status", payment.AttemptDeposit, told(`approved`, ``), ""},
		{"no id", payment.AttemptDeposit, told(`0195`, ``), ""},
		{"id that is a path", payment.AttemptDeposit, told(`0195`, `../x`), ""},
		{"approved, code of a decline", payment.AttemptDeposit, told(`"00"`, `"05"`), ""},
		{"approved, no code", payment.AttemptDeposit, told(`"00"`, `""`), ""},
		{"declined, code of an approval", payment.AttemptDeposit, told(`approved`, `declined`), ""},
		{"sale that is authorized", payment.AttemptDeposit, told(`approved`, `authorized`), ""},
		{"hold that is approved", payment.AttemptDeposit, told(`sale`, `authorization`), ""},
		{"no amount", payment.AttemptDeposit, told(`"amount":"11.12",`, ``), ""},
		{"amount of nought", payment.AttemptDeposit, told(`"amount":"11.12"`, `"amount":"0"`), ""},
		{"verification", payment.AttemptDeposit, told(`sale`, `verification`, `11.12`, `0`), payment.ClassApproved},
		{"verification of an amount", payment.AttemptDeposit, told(`sale`, `verification`), ""},
		{"verification without an amount", payment.AttemptDeposit, told(`sale`, `verification`, `"amount":"11.12",`, ``), ""},
		{"verification that holds", payment.AttemptDeposit, told(`sale`, `verification`, `11.12`, `0`, `approved`, `authorized`), ""},
		{"verification as a capture", payment.AttemptCapture, told(`sale`, `verification`, `11.12`, `0`), ""},
		{"amount as a number", payment.AttemptDeposit, told(`"amount":"11.12"`, `"amount":11.12`), ""},
		{"amount with an exponent", payment.AttemptDeposit, told(`11.12`, `1e1`), ""},
		{"no currency", payment.AttemptDeposit, told(`EUR`, ``), ""},
		{"currency of nobody", payment.AttemptDeposit, told(`EUR`, `ZZZ`), ""},
		{"no page to go to", payment.AttemptDeposit, told(`approved`, `requires_action`), ""},
		{"a page that is a script", payment.AttemptDeposit, told(`"approved"`, `"requires_action","actionUrl":"javascript:alert(1)"`), ""},
	} {
		f, err := answered(test.body, test.kind)
		if test.want == "" {
			if !errors.Is(err, errAnswer) {
				t.Errorf("%s: %+v, %v; want errAnswer", test.name, f, err)
			}
			continue
		}
		if err != nil || f.Class != test.want {
			t.Errorf("%s: %+v, %v; want %s", test.name, f, err, test.want)
		}
	}
}

func answered(body string, kind payment.AttemptKind) (payment.Fact, error) {
	t, err := readTransaction([]byte(body))
	if err != nil {
		return payment.Fact{}, err
	}
	return t.fact(kind, "k")
}

func TestInstrumentIsWhatIsKnown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		card *wireCard
		want instrument.Masked
	}{
		{nil, instrument.Masked{}},
		{&wireCard{}, instrument.Masked{}},
		{&wireCard{"VISA", "400000", "0408", "DE"}, instrument.Masked{CustomerAccountNumber: "400000***0408", CardBrand: "VISA", CardIssuingCountry: "DE"}},
		{&wireCard{"UNKNOWN", "40000000", "0408", "de"}, instrument.Masked{}},
		{&wireCard{"BANANA", "40000a", "0408", "DEU"}, instrument.Masked{}},
	} {
		if diff := cmp.Diff(test.want, test.card.instrument()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.card, diff)
		}
	}
}

func TestEveryCodeIsInTheTable(t *testing.T) {
	t.Parallel()
	for raw, v := range verdicts {
		if !v.code.Valid() {
			t.Errorf("%s means %s, which is no code", raw, v.code)
		}
	}
	for word, code := range rejections {
		if !code.Valid() {
			t.Errorf("%s means %s, which is no code", word, code)
		}
	}
}

// FuzzAnswer reads whatever a provider may send: it never panics, and a success is
// always about our reference and says how much of what.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		told(), told()[:60], told(`sale`, `authorization`, `approved`, `captured`), told(`approved`, `declined`, `"00"`, `"51"`), `{}`, `null`,
		`{"error":{"type":"refused","code":"not_capturable","message":"m","processed":false}}`, `[[[[`, `{"id":"` + "\xff" + `"}`,
	} {
		f.Add([]byte(seed), uint8(0))
	}
	all := []payment.AttemptKind{
		payment.AttemptDeposit, payment.AttemptWithdrawal, payment.AttemptRefund, payment.AttemptCapture, payment.AttemptVoid,
	}
	f.Fuzz(func(t *testing.T, body []byte, kind uint8) {
		if r := readRefusal(body); r.Code != "" && !provider.Word(r.Code, 40) {
			t.Errorf("code %q", r.Code)
		}
		tx, err := readTransaction(body)
		if err != nil {
			return
		}
		f, err := tx.fact(all[int(kind)%len(all)], "k")
		if err != nil {
			return
		}
		won := f.Class == payment.ClassApproved || f.Class == payment.ClassAuthorized
		if won && (tx.Reference != "k" || f.ProviderRef == "" || f.Echoed.Amount == (money.Amount{}) || !f.Echoed.Currency.Valid() || f.Code != "") {
			t.Errorf("a success out of %q: %+v", body, f)
		}
		if f.Class == "" || (f.Code != "" && !f.Code.Valid()) || f.NotFound {
			t.Errorf("%q: %+v", body, f)
		}
	})
}

func BenchmarkReadAnswer(b *testing.B) {
	body := []byte(told())
	b.ReportAllocs()
	for b.Loop() {
		t, err := readTransaction(body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := t.fact(payment.AttemptDeposit, "k"); err != nil {
			b.Fatal(err)
		}
	}
}
