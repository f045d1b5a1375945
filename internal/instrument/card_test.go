package instrument

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log/slog"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// cardVector is one case of testdata/cards.json; which fields are set depends on the kind.
type cardVector struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Input struct {
		Number string    `json:"number"`
		Month  string    `json:"month"`
		Year   string    `json:"year"`
		Now    time.Time `json:"now"`
		Brand  Brand     `json:"brand"`
		CVV    string    `json:"cvv"`
	} `json:"input"`
	Expect struct {
		Result string `json:"result"`
		Reason string `json:"reason"`
		PAN    string `json:"pan"`
		Brand  Brand  `json:"brand"`
		Luhn   bool   `json:"luhn"`
		Mask   string `json:"mask"`
	} `json:"expect"`
}

// vectors returns the cases of one kind, and checks that there are as many as there should be at least.
func vectors(t *testing.T, kind string, atLeast int) []cardVector {
	t.Helper()
	raw, err := os.ReadFile("testdata/cards.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []cardVector `json:"vectors"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var out []cardVector
	for _, v := range file.Vectors {
		if v.Kind == kind {
			out = append(out, v)
		}
	}
	if len(out) < atLeast {
		t.Fatalf("%d vectors of kind %s, want %d", len(out), kind, atLeast)
	}
	return out
}

func TestParsePANOnVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "pan", 60) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			pan, err := ParsePAN(v.Input.Number)
			if v.Expect.Result == "reject" {
				want := map[string]error{"luhn": ErrPANLuhn, "length": ErrPANLength, "charset": err}[v.Expect.Reason]
				if err == nil || !errors.Is(err, want) || !pan.IsZero() {
					t.Fatalf("%q: %v, want a refusal for %s", v.Input.Number, err, v.Expect.Reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if pan.Reveal() != v.Expect.PAN || pan.Brand() != v.Expect.Brand || pan.Mask() != v.Expect.Mask {
				t.Errorf("read %s, %s, %s, want %s, %s, %s", pan.Reveal(), pan.Brand(), pan.Mask(), v.Expect.PAN, v.Expect.Brand, v.Expect.Mask)
			}
			if sum := string(pan.Sum(func(digits []byte) []byte { return append([]byte("of "), digits...) })); sum != "of "+v.Expect.PAN || pan.BIN() != v.Expect.PAN[:8] {
				t.Errorf("hashed %s, of the range %s", sum, pan.BIN())
			}
			if first, last := v.Expect.PAN[:6], v.Expect.PAN[len(v.Expect.PAN)-4:]; pan.First6() != first || pan.Last4() != last {
				t.Errorf("first six %s and last four %s, want %s and %s", pan.First6(), pan.Last4(), first, last)
			}
			if Luhn(pan.Reveal()) != v.Expect.Luhn || (v.Expect.Result == "warn") == v.Expect.Luhn {
				t.Errorf("Luhn is %t, want %t", !v.Expect.Luhn, v.Expect.Luhn)
			}
		})
	}
}

func TestParsePANDropsWhatIsNotADigit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"4242424242424242":         nil,
		"4242.4242/4242_4242":      nil,
		"4a2424242424b24242":       nil,
		"№ 4242-4242-4242-4242":    nil, // 21 characters, 23 bytes
		"€€€€€€€4242424242424242":  nil, // 23 characters, 37 bytes
		"€€€€€€€€4242424242424242": ErrPANSyntax,
		"4242  4242  4242  4242 ":  nil,
		"4242  4242  4242  4242  ": ErrPANSyntax,
		"\x00\xff4242424242424242": nil,
		"":                         ErrPANSyntax,
		"    ":                     ErrPANSyntax,
		"card":                     ErrPANSyntax,
		"４２４２４２４２４２４２４２４２": ErrPANSyntax,
		"4242424242424242٣":    ErrPANSyntax, // nor is the rest taken for the number
		"424242424242424２":     ErrPANSyntax,
		"42424242424":          ErrPANLength,
		"42424242424242424242": ErrPANLength,
		"00000000000":          ErrPANLength,
		"4242424242424244":     ErrPANLuhn,
		"8200000000000000":     nil, // RuPay is issued without a check digit
		"5010810000000000":     nil,
		"5010830000000000":     ErrPANLuhn,
	} {
		pan, err := ParsePAN(text)
		if !errors.Is(err, want) || pan.IsZero() != (want != nil) {
			t.Errorf("ParsePAN(%q): %v, want %v", text, err, want)
		}
		if err != nil && strings.ContainsAny(err.Error(), "0123456789") {
			t.Errorf("the error shows digits: %v", err)
		}
	}
}

func TestLengthsOfBrands(t *testing.T) {
	t.Parallel()
	for prefix, tc := range map[string]struct {
		brand   Brand
		lengths string
	}{
		"979200":   {BrandTroy, "16"},
		"506100":   {BrandVerve, "16 18 19"},
		"607000":   {BrandRuPay, "16"},
		"401178":   {BrandUnknown, "12 13 14 15 16 17 18 19"}, // Elo
		"860000":   {BrandUnknown, "12 13 14 15 16 17 18 19"}, // UzCard
		"220000":   {BrandMir, "16 17 18 19"},
		"986000":   {BrandHumo, "16"},
		"352800":   {BrandJCB, "15 16 17 18 19"},
		"620000":   {BrandUnionPay, "14 15 16 17 18 19"},
		"340000":   {BrandAmex, "15"},
		"300000":   {BrandDiners, "14 15 16 17 18 19"},
		"601100":   {BrandDiscover, "16 17 18 19"},
		"670000":   {BrandMaestro, "12 13 14 15 16 17 18 19"},
		"510000":   {BrandMastercard, "16"},
		"400000":   {BrandVisa, "13 16 18 19"},
		"70000000": {BrandUnknown, "12 13 14 15 16 17 18 19"},
	} {
		for length := 11; length <= 20; length++ {
			body := prefix + strings.Repeat("0", length-len(prefix)-1)
			number := ""
			for _, check := range "0123456789" {
				if Luhn(body + string(check)) {
					number = body + string(check)
				}
			}
			pan, err := ParsePAN(number)
			allowed := strings.Contains(tc.lengths, strconv.Itoa(length))
			if (err == nil) != allowed || (!allowed && !errors.Is(err, ErrPANLength)) || (allowed && pan.Brand() != tc.brand) {
				t.Errorf("%s of %d digits: %s, %v, want %s of %s", number, length, pan.Brand(), err, tc.brand, tc.lengths)
			}
		}
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "expiry", 8) {
		c := Card{ExpiryMonth: v.Input.Month, ExpiryYear: v.Input.Year}
		if got, want := c.Expired(v.Input.Now), v.Expect.Result == "reject"; got != want {
			t.Errorf("%s: expired %t, want %t", v.Name, got, want)
		}
	}
	december := Card{ExpiryMonth: "12", ExpiryYear: "2026"}
	for now, want := range map[string]bool{
		"2026-12-31T23:59:59-12:00": false,
		"2027-01-01T00:00:00-12:00": true,
		"2027-01-01T11:59:59Z":      false,
		"2027-01-01T12:00:00Z":      true,
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := december.Expired(at); got != want {
			t.Errorf("at %s: expired %t, want %t", now, got, want)
		}
	}
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for _, c := range []Card{
		{}, {ExpiryMonth: "+1", ExpiryYear: "2030"}, {ExpiryMonth: "01", ExpiryYear: "+203"}, {ExpiryMonth: "1 ", ExpiryYear: "2030"},
		{ExpiryMonth: "001", ExpiryYear: "2030"}, {ExpiryMonth: "01", ExpiryYear: "02030"}, {ExpiryMonth: "ab", ExpiryYear: "cdef"},
	} {
		if !c.Expired(now) {
			t.Errorf("%q of %q is not expired", c.ExpiryMonth, c.ExpiryYear)
		}
	}
}

func TestSecurityCodeSuitsTheBrand(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "cvv", 7) {
		code, err := ParseSecurityCode(v.Input.CVV)
		accepted := (err == nil || v.Input.CVV == "") && v.Input.Brand.AcceptsSecurityCode(code)
		if want := v.Expect.Result == "accept"; accepted != want {
			t.Errorf("%s: accepted %t (%v), want %t", v.Name, accepted, err, want)
		}
	}
}

func TestParseSecurityCode(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"123": true, "0000": true, "012": true, "": false, "12": false, "12345": false, "12a": false,
		"12 ": false, //nolint:gocritic // the space is the case
		"-12": false, "１2": false, "12\x00": false,
	} {
		code, err := ParseSecurityCode(text)
		if (err == nil) != ok || (err != nil && !errors.Is(err, ErrSecurityCode)) || code.IsZero() == ok {
			t.Errorf("ParseSecurityCode(%q): %v", text, err)
		}
		if ok && code.Reveal() != text {
			t.Errorf("%q reads as %q", text, code.Reveal())
		}
	}
}

func newCard(t *testing.T, number, code string) Card {
	t.Helper()
	pan, err := ParsePAN(number)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := ParseSecurityCode(code)
	if err != nil {
		t.Fatal(err)
	}
	return Card{Number: pan, SecurityCode: secret, Holder: "Ada Lovelace", ExpiryMonth: "01", ExpiryYear: "2030"}
}

func TestWipeEmptiesAllCopies(t *testing.T) {
	t.Parallel()
	card := newCard(t, "4242424242424242", "123")
	copied, number, code := card, card.Number, card.SecurityCode
	digits, secret := card.Number.secret.value(), card.SecurityCode.secret.value()
	card.Wipe()
	if *digits != (panSecret{}) || *secret != (codeSecret{}) {
		t.Errorf("digits are left in memory: %v, %v", digits.digits, secret.digits)
	}
	for name, c := range map[string]Card{"wiped": card, "copied": copied, "parts": {Number: number, SecurityCode: code}} {
		p, s := c.Number, c.SecurityCode
		if !p.IsZero() || !s.IsZero() || p.Reveal()+p.Mask()+p.First6()+p.BIN()+p.Last4()+string(p.Brand())+s.Reveal() != "" {
			t.Errorf("%s: %q and %q remain", name, p.Reveal(), s.Reveal())
		}
		if printed := fmt.Sprintf("%v%v", p, s); printed != "" {
			t.Errorf("%s prints as %q", name, printed)
		}
	}
	card.Wipe() // a second time does nothing
	copied.Wipe()
}

func TestInstrument(t *testing.T) {
	t.Parallel()
	card := newCard(t, "5555555555554444", "123")
	out, err := json.Marshal(card.Masked())
	want := `{"customerAccountNumber":"555555***4444","cardholderName":"Ada Lovelace","cardExpiryMonth":"01",` +
		`"cardExpiryYear":"2030","cardBrand":"MASTERCARD"}`
	if err != nil || string(out) != want {
		t.Errorf("instrument of a card: %s, %v\nwant %s", out, err, want)
	}
	full := card.Masked()
	full.CardToken, full.CardIssuingCountry = "tok", "PL"
	out, err = json.Marshal(full)
	want = `{"customerAccountNumber":"555555***4444","cardToken":"tok","cardholderName":"Ada Lovelace","cardExpiryMonth":"01",` +
		`"cardExpiryYear":"2030","cardBrand":"MASTERCARD","cardIssuingCountryCode":"PL"}`
	if err != nil || string(out) != want {
		t.Errorf("full instrument: %s, %v\nwant %s", out, err, want)
	}
	if out, err = json.Marshal(Masked{}); err != nil || string(out) != `{}` {
		t.Errorf("empty instrument: %s, %v", out, err)
	}
}

func TestPANPrintsItsMask(t *testing.T) {
	t.Parallel()
	card := newCard(t, "4242424242424242", "123")
	short := newCard(t, "4911830000000", "123").Number // of 13 digits the mask would hide three
	if short.Mask() != "491183***0000" {
		t.Errorf("mask of 13 digits = %q", short.Mask())
	}
	for verb, want := range map[string]string{"%v": "424242***4242", "%+v": "424242***4242", "%#v": "424242***4242", "%x": "424242***4242", "%d": "424242***4242"} {
		if got := fmt.Sprintf(verb, card.Number); got != want {
			t.Errorf("%s = %q, want %q", verb, got, want)
		}
		if got := fmt.Sprintf(verb, short); got != "***0000" {
			t.Errorf("%s of 13 digits = %q", verb, got)
		}
		if got := fmt.Sprintf(verb, card.SecurityCode); got != "***" {
			t.Errorf("%s of the security code = %q", verb, got)
		}
		if got := fmt.Sprintf(verb, card); got != "424242***4242 VISA" {
			t.Errorf("%s of the card = %q", verb, got)
		}
	}
	out, err := json.Marshal(map[string]any{"pan": card.Number, "code": card.SecurityCode})
	if want := `{"code":"***","pan":"424242***4242"}`; err != nil || string(out) != want {
		t.Errorf("JSON = %s, %v, want %s", out, err, want)
	}
}

type holder struct {
	PAN    PAN
	Code   SecurityCode
	Card   Card
	hidden Card
	pan    *PAN
	codes  []SecurityCode
	Any    any
}

// TestSecretsNeverPrint looks for the middle of the number and for the code in all that printing, logging and
// encoding make of them, wherever they are held.
func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	card := newCard(t, "4929123456789015", "9753") // of which 345678 must not show
	pan, code := card.Number, card.SecurityCode
	held := holder{pan, code, card, card, &pan, []SecurityCode{code}, card}
	addresses := spellings(pan.secret.at, *pan.secret.at, code.secret.at, *code.secret.at, &pan, &code, &card)
	noSecret := func(t *testing.T, what, printed string) {
		t.Helper()
		noSecret(t, what, addresses.Replace(printed))
	}
	timeless := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	for name, v := range map[string]any{
		"PAN": pan, "*PAN": &pan, "[]PAN": []PAN{pan}, "map PAN": map[string]PAN{"k": pan}, "[]any": []any{pan, code, card, &card},
		"code": code, "*code": &code, "[]code": []SecurityCode{code}, "[1]code": [1]SecurityCode{code},
		"card": card, "*card": &card, "[]card": []Card{card}, "[]*card": []*Card{&card}, "map card": map[string]Card{"k": card},
		"struct": held, "*struct": &held, "nested": struct{ in []holder }{[]holder{held}}, "map key": map[PAN]int{pan: 1},
		"embedded": struct{ Card }{card}, "embedded hidden": struct{ holder }{held}, "error": fmt.Errorf("charge of %v, %d, %x", card, pan, code),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%+s", "%q", "%#q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%40.30v", "%-5d"} {
			noSecret(t, name+" "+verb, fmt.Sprintf(verb, v))
		}
		noSecret(t, name+" print", fmt.Sprint(v)+fmt.Sprintln(v, v))
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, timeless), slog.NewJSONHandler(&log, timeless)} {
			slog.New(h).With("w", v).Info("m", "v", v, slog.Group("g", slog.Any("in", v)))
		}
		noSecret(t, name+" slog", log.String())
		out, _ := json.Marshal(v) // what cannot be encoded cannot leak
		noSecret(t, name+" JSON", string(out))
		out, _ = xml.Marshal(v)
		noSecret(t, name+" XML", string(out))
		var stream bytes.Buffer
		_ = gob.NewEncoder(&stream).Encode(v)
		noSecret(t, name+" gob", stream.String())
		var page bytes.Buffer
		_ = htmltemplate.Must(htmltemplate.New("").Parse(`{{.}}<a href="?{{.}}"><script>x={{.}}</script>`)).Execute(&page, v)
		noSecret(t, name+" html", page.String())
	}
	if len(held.codes) != 1 || held.hidden.Number.Reveal() != "4929123456789015" || held.pan.IsZero() {
		t.Error("the secrets were not there to be printed")
	}
}

// spellings removes addresses from what was printed: they are no secret, and may hold any digits by chance.
func spellings(pointers ...any) *strings.Replacer {
	var pairs []string
	for _, p := range pointers {
		for _, verb := range []string{"%b", "%o", "%d", "%x", "%X"} {
			pairs = append(pairs, fmt.Sprintf(verb, reflect.ValueOf(p).Pointer()), "@")
		}
	}
	return strings.NewReplacer(pairs...)
}

// noSecret looks for the code and for four neighbours of the hidden digits: as text, as the decimal, octal or
// hexadecimal numbers of their bytes.
func noSecret(t *testing.T, what, printed string) {
	t.Helper()
	lower := strings.ToLower(printed)
	for _, part := range []string{"2345", "3456", "4567", "5678", "6789", "9753"} {
		raw := []byte(part)
		for _, form := range []string{
			part, fmt.Sprintf("%x", raw), fmt.Sprintf("% x", raw), strings.Trim(fmt.Sprintf("%d", raw), "[]"),
			strings.Trim(fmt.Sprintf("%o", raw), "[]"), strings.Trim(fmt.Sprintf("%b", raw), "[]"),
			strings.Trim(fmt.Sprintf("%#v", raw), "[]byte{}"), strings.Trim(fmt.Sprintf("%c", raw), "[]"),
		} {
			if strings.Contains(lower, form) {
				t.Errorf("%s shows %q: %s", what, form, printed)
				return
			}
		}
	}
}

func FuzzParsePAN(f *testing.F) {
	for _, text := range []string{
		"4242 4242 4242 4242", "378282246310005", "", "４２４２", "424242******4242", "62000000000000000005",
		"5010800000000001", "\xff\x00", strings.Repeat("€", 23), "4911830000000",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pan, err := ParsePAN(text)
		if err != nil {
			known := errors.Is(err, ErrPANSyntax) || errors.Is(err, ErrPANLength) || errors.Is(err, ErrPANLuhn)
			if !known || !pan.IsZero() {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, text)
		if pan.Reveal() != digits || len(digits) < panMinDigits || len(digits) > panMaxDigits || !pan.Brand().Valid() {
			t.Fatalf("%q reads as %q, %s", text, pan.Reveal(), pan.Brand())
		}
		if pan.Mask() != digits[:6]+"***"+digits[len(digits)-4:] || strings.Contains(fmt.Sprintf("%v %d", pan, pan), digits) {
			t.Fatalf("%q is masked as %q, printed as %v", text, pan.Mask(), pan)
		}
	})
}

// TestFinder spells every number of a few in every way, alone and among other things.
func TestFinder(t *testing.T) {
	t.Parallel()
	each := func(digits, format string) string {
		var b strings.Builder
		for _, d := range []byte(digits) {
			fmt.Fprintf(&b, format, d)
		}
		return b.String()
	}
	moved := func(zero rune) func(string) string {
		return func(s string) string { return strings.Map(func(r rune) rune { return r - '0' + zero }, s) }
	}
	spellings := map[string]func(string) string{
		"plain":      func(s string) string { return s },
		"spaces":     func(s string) string { return s[:4] + " " + s[4:9] + "  " + s[9:] },
		"dashes":     func(s string) string { return s[:4] + "-" + s[4:8] + "\u2013" + s[8:] },
		"dots":       func(s string) string { return strings.Join(strings.Split(s, ""), ".") },
		"full width": moved('０'), "Arabic": moved('٠'), "Devanagari": moved('०'), "bold": moved('𝟎'), "double struck": moved('𝟘'),
		"percent":       func(s string) string { return each(s, "%%%02X") },
		"JSON":          func(s string) string { return each(s, `\u%04x`) },
		"JSON in JSON":  func(s string) string { return each(s, `\\u%04X`) },
		"HTML":          func(s string) string { return each(s, "&#%d;") },
		"HTML in hex":   func(s string) string { return each(s, "&#X%x;") },
		"hexadecimal":   func(s string) string { return hex.EncodeToString([]byte(s)) },
		"base64":        func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64, later": func(s string) string { return base64.URLEncoding.EncodeToString([]byte(`{"pan":"` + s + `"}`)) },
		"base64, last":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(`{"number":"` + s)) },
	}
	for _, digits := range []string{"4539148803436467", "371449635398431", "4444444444444448", "501080000000", "6304000000000000000"} {
		number, err := ParsePAN(digits)
		if err != nil {
			t.Fatal(digits, err)
		}
		f := number.Finder()
		near := []byte(digits)
		near[7] = '0' + (near[7]-'0'+1)%10
		for name, spell := range spellings {
			for _, around := range []string{"%s", "x %s", "card: %s, thanks", "9%s9", `{"a":"b\n%s"}`, "&%s", "&#12 %s", "é%sé"} {
				if strings.HasPrefix(name, "base64") && strings.Contains(around, "é") {
					continue
				}
				if text := fmt.Sprintf(around, spell(digits)); !f.In(text) {
					t.Errorf("%s, %s, in %q: not found in %q", digits, name, around, text)
				}
				if text := fmt.Sprintf(around, spell(string(near))); f.In(text) {
					t.Errorf("%s, %s, in %q: found in %q", digits, name, around, text)
				}
			}
		}
		for _, text := range []string{"", digits[1:], digits[:len(digits)-1], digits[:8] + "x" + digits[8:], number.String(), number.Mask()} {
			if f.In(text) {
				t.Errorf("%s: found in %q", digits, text)
			}
		}
		f.Wipe()
		if f.In(digits) {
			t.Error("it was wiped")
		}
	}
}

// FuzzFinder holds the search against the plain way.
func FuzzFinder(f *testing.F) {
	f.Add("4444444444444448", "444 444-4444.44444448")
	f.Add("4539148803436467", "45391488034364674539148803436467")
	f.Fuzz(func(t *testing.T, digits, text string) {
		number, err := ParsePAN(digits)
		if err != nil {
			return
		}
		var row strings.Builder
		for _, r := range text {
			switch {
			case r >= '0' && r <= '9' || r >= utf8.RuneSelf && unicode.IsDigit(r):
				row.WriteByte(Digit(r))
			case unicode.IsLetter(r):
				row.WriteByte('x')
			}
		}
		if plain := strings.Contains(row.String(), number.Reveal()); plain && !strings.ContainsAny(text, `\&`) && !number.In(text) {
			t.Errorf("%s is not found in %q", number.Reveal(), text)
		}
	})
}

func BenchmarkFinder(b *testing.B) {
	number, err := ParsePAN("4539148803436467")
	if err != nil {
		b.Fatal(err)
	}
	f := number.Finder()
	for name, text := range map[string]string{
		"JSON":         `{"firstName":"John","lastName":"Doe","email":"john@example.com","phone":"44 2072243688","ip":"192.0.2.1"}`,
		"JSON in JSON": `[{"body":"{\"id\":\"tx-4711\",\"amount\":1112,\"at\":\"2026-11-29T04:05:06.789012Z\",\"code\":\"00\"}"}]`,
		"Cyrillic":     "Два билета на вечер 12.12.2026, ряд 3, места 4 и 5, до востребования",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if f.In(text) {
					b.Fatal(text)
				}
			}
		})
	}
}

func TestPANIn(t *testing.T) {
	t.Parallel()
	number, err := ParsePAN("4539 1488 0343 6467")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"4539148803436467": true, "paid by 4539 1488 0343 6467, thanks": true, "4539-1488.0343/6467": true, "1453914880343646799": true,
		"４５３９１４８８０３４３６４６７": true, "453914\u200b8803436467": true, "NDUzOTE0ODgwMzQzNjQ2Nw==": true, "34353339313438383033343336343637": true,
		"": false, "453914880343646": false, "4539148803436466": false, "453914880343x6467": false, "453914***6467": false, "4111111111111111": false,
	} {
		if got := number.In(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if (PAN{}).In("4539148803436467") {
		t.Error("no number is in a text")
	}
	number.Wipe()
	if number.In("4539148803436467") {
		t.Error("it was wiped")
	}
}
