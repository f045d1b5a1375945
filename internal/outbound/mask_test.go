package outbound

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestMaskBodyShowsOnlyWhatIsAllowed(t *testing.T) {
	t.Parallel()
	allow := newAllowSet(Allowlist{Fields: []string{"amount", "status", "codes", "card"}})
	for _, tc := range []struct{ name, kind, in, want string }{
		{"empty", "application/json", "", ""},
		{"scalars", "application/json", `{"amount":10.50,"cvv":"123","ok":true,"none":null}`,
			`{"amount":10.50,"cvv":"***","ok":"***","none":null}`},
		{"nested", "", ` { "payment" : {"status":"paid", "token":"x"} , "list":[{"amount":1},2,[3]] } `,
			`{"payment":{"status":"paid","token":"***"},"list":[{"amount":1},"***",["***"]]}`},
		{"allowed array", "", `{"codes":["a","b",[1,{"secret":1}]]}`, `{"codes":["a","b",[1,{"secret":"***"}]]}`},
		{"allowed object shows no members", "", `{"card":{"number":"4111111111111111","status":1}}`,
			`{"card":{"number":"***","status":1}}`},
		{"card number in an allowed text", "", `{"status":"paid by 4111 1111 1111 1111"}`, `{"status":"paid by 411111***1111"}`},
		{"card number as a number", "", `{"amount":4111111111111111}`, `{"amount":"411111***1111"}`},
		{"card number as a name", "", `{"4111111111111111":1}`, `{"411111***1111":"***"}`},
		{"escaped", "", `{"\u0061mount":"\u0034111111111111111\n\"q\""}`, `{"amount":"411111***1111\n\"q\""}`},
		{"names differ by case", "", `{"Amount":1}`, `{"Amount":"***"}`},
		{"form", "application/x-www-form-urlencoded; charset=utf-8", "amount=1&cvv=123&status=a+b%26&&x",
			"amount=1&cvv=***&status=a+b%26&x=***"},
		{"form with a broken escape", "application/x-www-form-urlencoded", "%zz=1&amount=%zz", "***=***&amount=***"},
		{"not JSON", "application/json", `{"amount":1`, "[11 bytes not shown]"},
		{"page", "text/html", "<p>4111111111111111</p>", "[23 bytes not shown]"},
		{"deep", "", strings.Repeat("[", 40) + strings.Repeat("]", 40), "[80 bytes not shown]"},
		{"huge", "", `{"amount":"` + strings.Repeat("a", maxMaskedBody) + `"}`, "[65549 bytes not shown]"},
	} {
		if got := allow.maskBody([]byte(tc.in), tc.kind); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
	long := allow.maskBody([]byte(`{"status":"`+strings.Repeat("é", 10<<10)+`"}`), "")
	if len(long) > maxShownBody+64 || !strings.HasSuffix(long, "[cut, 20493 bytes in all]") {
		t.Errorf("long body: %d bytes, ends %q", len(long), long[len(long)-30:])
	}
}

func TestMaskURLHidesSecrets(t *testing.T) {
	t.Parallel()
	allow := newAllowSet(Allowlist{Query: []string{"ref"}})
	for in, want := range map[string]string{
		"https://user:pw@h.example/a/b?ref=7&key=s#frag": "https://h.example/a/b?ref=7&key=***",
		"https://h.example/cards/4111111111111111":       "https://h.example/cards/411111***1111",
		"https://h.example/%34111111111111111?ref=%zz":   "https://h.example/411111***1111?ref=***",
		"https://h.example/":                             "https://h.example/",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := allow.maskURL(u); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

var (
	uuidWord = regexp.MustCompile(`(^|[^0-9A-Za-z-])([0-9a-f]{12}[47][0-9a-f]{3}[89ab][0-9a-f]{15}|` +
		`[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|` +
		`[0-9a-f]{8}-[0-9a-f]{12}[47][0-9a-f]{3}[89ab][0-9a-f]{15}-[0-9]{1,6})($|[^0-9A-Za-z-])`)
	digitText = regexp.MustCompile(`[0-9]+([ -][0-9]+)*`)
)

// survivingCard looks for a card number the slow and plain way; identifiers are taken out first.
func survivingCard(s string) string {
	for {
		loc := uuidWord.FindStringSubmatchIndex(s)
		if loc == nil {
			break
		}
		id := s[loc[4]:loc[5]]
		if len(id) > 36 {
			id = id[9:41] // of a key
		}
		if !strings.ContainsAny(id, "abcdef") {
			s = s[:loc[4]] + "!" + s[loc[4]:loc[5]] + "!" + s[loc[5]:]
			break
		}
		s = s[:loc[4]] + "!" + s[loc[5]:]
	}
	for _, group := range digitText.FindAllString(s, -1) {
		runs := regexp.MustCompile(`[ -]`).Split(group, -1)
		for i := range runs {
			for j := i + 1; j <= len(runs); j++ {
				number := strings.Join(runs[i:j], "")
				if len(number) >= 13 && len(number) <= 19 && strings.Trim(number, "0") != "" && luhn(number) {
					return number
				}
			}
		}
	}
	return ""
}

func luhn(number string) bool {
	sum := 0
	for i := range number {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return sum%10 == 0
}

func FuzzRecordedMessage(f *testing.F) {
	f.Add(`{"amount":1,"card":"4111111111111111"}`, "application/json", "/a?ref=4111111111111111", "v")
	f.Add("amount=4111+1111+1111+1111&x=%01", "application/x-www-form-urlencoded", "/%34111111111111111", "\x01")
	f.Add(`["\u0031\ud800",{"amount":"\u00004111111111111111"}]`, "", "?", "4111111111111111")
	f.Fuzz(func(t *testing.T, body, kind, target, header string) {
		u, err := url.Parse("https://h.example" + target)
		if err != nil {
			t.Skip()
		}
		rec := new(Recorder)
		in := Incoming{At: time.UnixMilli(0), Method: "POST", URL: u, Body: []byte(body),
			Header: http.Header{"Content-Type": {kind}, "X-Ref": {header}}}
		rec.RecordIncoming(in, Allowlist{Fields: []string{"amount", ""}, Headers: []string{"x-ref"}, Query: []string{"ref"}})
		text := rec.Incoming()
		var list []struct{ Body, URL string }
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 {
			t.Fatalf("not a JSON array of one message: %v\n%s", err, text)
		}
		for _, s := range []string{text, list[0].Body, list[0].URL} {
			if card := survivingCard(s); card != "" {
				t.Fatalf("%s survives in %s", card, s)
			}
		}
	})
}

func BenchmarkRecordRequest(b *testing.B) {
	allow := newAllowSet(Allowlist{Fields: []string{"amount", "currency", "reference", "status"}})
	u, _ := url.Parse("https://provider.example/v1/payments")
	r := &Request{Method: "POST", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(
		`{"reference":"019fb5f41111711181111111111114ab","amount":"10.50","currency":"EUR","card":{"number":"4111111111111111",` +
			`"expiry":"12/2030","cvv":"123","holder":"JOHN DOE"},"customer":{"email":"john@example.com","ip":"192.0.2.1"},` +
			`"returnUrl":"https://shop.example/return?order=1","description":"Order 1 of many, with a text of usual length"}`)}
	b.ReportAllocs()
	for b.Loop() {
		new(Recorder).recordRequest(time.Time{}, u, r, allow)
	}
}

func TestCardFieldsShowTheirEndsOnly(t *testing.T) {
	t.Parallel()
	allow := newAllowSet(Allowlist{Cards: []string{"number"}})
	for body, want := range map[string]string{
		`{"card":{"number":"4000000000000408"}}`:      `{"card":{"number":"400000***0408"}}`,
		`{"card":{"number":"4000 0000 0000 0400"}}`:   `{"card":{"number":"400000***0400"}}`, // a wrong check digit
		`{"number":4000000000000408,"code":"123"}`:    `{"number":"400000***0408","code":"***"}`,
		`{"number":"1234567890123"}`:                  `{"number":"***"}`, // too few digits in between
		`{"number":["4000000000000408"],"other":"x"}`: `{"number":["400000***0408"],"other":"***"}`,
	} {
		if got := allow.maskBody([]byte(body), "application/json"); got != want {
			t.Errorf("%s is shown as %s, want %s", body, got, want)
		}
	}
}
