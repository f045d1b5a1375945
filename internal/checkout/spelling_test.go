package checkout

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
)

// spelled is a way to write something, and what is read; empty where it is refused.
type spelled struct{ text, want string }

// alike are ways to write the same.
func alike(want string, texts ...string) (all []spelled) {
	for _, text := range texts {
		all = append(all, spelled{text, want})
	}
	return all
}

func refused(texts ...string) []spelled { return alike("", texts...) }

func both(lists ...[]spelled) (all []spelled) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// check reads every spelling. Each field has sixty at least.
func check(t *testing.T, table []spelled, read func(string) (string, error)) {
	t.Helper()
	if len(table) < 60 {
		t.Errorf("only %d spellings", len(table))
	}
	seen := map[string]bool{}
	for _, c := range table {
		if seen[c.text] {
			t.Errorf("%+q is there twice", c.text)
		}
		seen[c.text] = true
		got, err := read(c.text)
		if err != nil {
			got = ""
		}
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+q is read as %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

func TestHowCardNumbersAreWritten(t *testing.T) {
	t.Parallel()
	const visa, amex, maestro = "4000000000000408", "378282246310005", "6759649826438453"
	check(t, both(
		alike(visa,
			"4000000000000408", "4000 0000 0000 0408", " 4000 0000 0000 0408", "4000 0000 0000 0408 ", "  4000  0000  0000  0408  ",
			"    4000    0000    0000    0408    ", "\t4000\t0000\t0000\t0408\r\n", "4000\n0000\n0000\n0408",
			"4 0 0 0 0 0 0 0 0 0 0 0 0 4 0 8", "40 00 00 00 00 00 04 08",
			"4000\u00a00000\u00a00000\u00a00408", "4000\u202f0000\u202f0000\u202f0408", "4000\u20090000\u20090000\u20090408",
			"4000\u20070000\u20070000\u20070408", "4000\u20030000\u20030000\u20030408", "4000\u30000000\u30000000\u30000408",
			"\ufeff4000000000000408", "4000\u200b0000\u200b0000\u200b0408", "\u200e4000 0000 0000 0408\u200e", "\u20664000 0000 0000 0408\u2069",
			"\u202a4000 0000 0000 0408\u202c", "\u200f4000000000000408", "4000\u00ad0000\u00ad0000\u00ad0408", "4000\u20600000\u20600000\u20600408",
			"4000-0000-0000-0408", "4000 - 0000 - 0000 - 0408", "4000\u20100000\u20100000\u20100408", "4000\u20110000\u20110000\u20110408",
			"4000\u20120000\u20120000\u20120408", "4000–0000–0000–0408", "4000—0000—0000—0408", "4000−0000−0000−0408", "4000－0000－0000－0408",
			"4000.0000.0000.0408", "4000·0000·0000·0408", "4000．0000．0000．0408", "4000_0000_0000_0408", "4000/0000/0000/0408", "4000,0000,0000,0408",
			"４０００　００００　００００　０４０８", "４０００-００００-００００-０４０８", "٤٠٠٠٠٠٠٠٠٠٠٠٠٤٠٨", "٤٠٠٠ ٠٠٠٠ ٠٠٠٠ ٠٤٠٨",
			"۴۰۰۰۰۰۰۰۰۰۰۰۰۴۰۸", "४००० ०००० ०००० ०४०८", "৪০০০ ০০০০ ০০০০ ০৪০৮", "๔๐๐๐ ๐๐๐๐ ๐๐๐๐ ๐๔๐๘", "4000 ٠٠٠٠ ００００ 0408",
		),
		alike(amex, "378282246310005", "3782 822463 10005", " 3782  822463  10005", "３７８２ ８２２４６３ １０００５", "٣٧٨٢ ٨٢٢٤٦٣ ١٠٠٠٥"),
		alike(maestro, "6759 6498 2643 8453", "6759-6498-2643-8453"),
		refused(
			"", " ", "\u00a0", "-", "card", "4000 0000 0000 0409", "4000 0000 0000 040", "4000 0000 0000 04080", "4000000000000408 4000000000000408",
			"4000O00000000408", "4000l00000000408", "4a000000000000408", "4000 0000 0000 0408 x", "No. 4000000000000408", "card: 4000 0000 0000 0408",
			"400000******0408", "•••• •••• •••• 0408", "4000 0000 0000 0408 / 12/39", "4000000000000408 123", "4000+0000+0000+0408",
			"4000000000000408²", "①000000000000408", "4000 0000 0000 0408\u202e", "\u202d4000 0000 0000 0408", "4000000000000408\x00", "4000000000000408\xff",
			"四千", "MMMM", "1e16", "0x4000000000000408", "4000000000000408;", "<4000000000000408>", "'4000000000000408'", "4000 0000 0000 0408 ٣",
			strings.Repeat("4", 19), strings.Repeat(" ", 2000), strings.Repeat("4000000000000408", 200),
		),
	), func(text string) (string, error) {
		number, err := readNumber(text)
		return number.Reveal(), err
	})
}

func TestHowExpiryDatesAreWritten(t *testing.T) {
	t.Parallel()
	check(t, both(
		alike("12/2030",
			"12/30", "12/2030", "12 / 30", "12 / 2030", " 12/30", "12/30 ", "  12  /  30  ", "12-30", "12-2030", "12 - 30", "12.30", "12.2030", "12 30", "12 2030",
			"1230", " 1230 ", "122030", "203012", "2030-12", "2030/12", "2030.12", "2030 12", "2030 - 12", "2030 / 12", "12\t/\t30", "12\u00a0/\u00a030",
			"12\u202f/\u202f2030", "12\u2009/\u200930", "12–30", "12—2030", "12−30", "12‐30", "2030–12", "12⁄30", "12∕30", "12／30", `12\30`, "12|30", "12·30",
			"１２／３０", "１２/２０３０", "２０３０-１２", "١٢/٣٠", "١٢/٢٠٣٠", "٢٠٣٠-١٢", "۱۲/۳۰", "१२/३०", "๑๒/๓๐", "١٢٣٠", "１２３０", "12/٣٠",
			"\u200e12/30", "\u200f١٢\u200f/\u200f٣٠", "\u206812/30\u2069", "\ufeff12/30", "12\u200b/\u200b30", "12//30", "-12/30", "12/30\r\n",
		),
		alike("01/2031", "1/31", "1/2031", "01/31", "0131", "012031", "203101", "2031-1", "2031-01", "١/٣١", "1 / 31", "1-31"),
		alike("12/1999", "12/1999"), // which has expired
		refused(
			"", " ", "/", "-", "12", "12/", "/30", "2030", "13/30", "00/30", "0/30", "31/12", "2030-13", "2030-00", "2030/0", "203013", "3012", "1330", "130", "12030",
			"12/3", "12/030", "12/20300", "012/30", "001/2030", "12/30/1", "01/12/2030", "2030-12-31", "311230", "123130", "20301231", "12/3O", "l2/30",
			"Dec 2030", "December 30", "12/30x", "12:30", "12,30", "12'30", "+12/30", "12/+30", "1e/30", "12/³⁰", "½/30", "12/30\u202e", "12/30\x00", "12/30\xff",
			"4000000000000408", "4000 0000", "123", strings.Repeat("12/30 ", 50), strings.Repeat("0", 3000),
		),
	), func(text string) (string, error) {
		month, year, err := parseExpiry(text)
		return month + "/" + year, err
	})
}

func TestHowSecurityCodesAreWritten(t *testing.T) {
	t.Parallel()
	check(t, both(
		alike("123",
			"123", " 123", "123 ", " 123 ", "1 2 3", "12 3", "\t123", "123\r\n", "\u00a0123", "123\u202f", "1\u20092\u20093", "\u3000123", "\ufeff123", "\u200e123", "123\u200f",
			"\u2066123\u2069", "\u202a123\u202c", "1\u200b2\u200b3", "12\u00ad3", "\u2060123", "１２３", " １２３ ", "١٢٣", "\u200f١٢٣", "۱۲۳", "१२३", "১২৩", "๑๒๓", "1２3", "1٢3",
		),
		alike("0123", "0123", "01 23", "٠١٢٣", "０１２３", " 0123 "), alike("000", "000", "٠٠٠"),
		refused(
			"", " ", "1", "12", "12345", "123456", "12 34 5", "12a", "1-2-3", "12-3", "1.23", "1,23", "12/3", "+123", "-123", "#123", "***", "•••", "1*3", "O12", "l23", "12３4５",
			"١٢", "１２３４５", "12²", "①②③", "一二三", "CVC", "123 x", "(123)", "'123'", "123\x00", "123\xff", "\u202e123", "4000000000000408", "12:3", "1_2_3",
			strings.Repeat("1", 5000), strings.Repeat(" ", 5000),
		),
	), func(text string) (string, error) {
		code, err := readSecurityCode(text)
		return code.Reveal(), err
	})
}

func TestHowNamesAreWritten(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxHolder)
	check(t, both(
		alike("Ada Lovelace",
			"Ada Lovelace", " Ada Lovelace", "Ada Lovelace ", "Ada  Lovelace", "Ada\tLovelace", "Ada\r\nLovelace", "Ada\u00a0Lovelace", "Ada\u202fLovelace",
			"Ada\u2009Lovelace", "Ada\u3000Lovelace", "\ufeffAda Lovelace", "Ada\u200b Lovelace", "\u200eAda Lovelace\u200e", "\u2068Ada Lovelace\u2069",
			"\u202aAda Lovelace\u202c", "Ada Love\u00adlace",
		),
		themselves(
			"ADA LOVELACE", "ada lovelace", "Lovelace, Ada", "Prof. Dr. Ada Lovelace", "A. King-Noel", "O'Brien", "O’Brien", "D‘Arcy", "Nuñez", "Jose\u0301 Nun\u0303ez", "Ærøskøbing",
			"Þórður", "Łukasz Żółć", "Đorđević", "Ďuriš", "Çağrı Şener", "İpek Yıldız", "Зоя Космодемьянская", "Їжакевич Олена", "Ελένη Παπαδοπούλου", "李小龍", "山田 太郎", "やまだ たろう",
			"김민준", "محمد علي", "مهدی می\u200cخواهد", "שרה כהן", "नरेन्द्र शर्मा", "ক্\u200dষ", "สมชาย ใจดี", "Nguyễn Văn An", "José María de la Cruz y Núñez", "John Smith 3rd", "Louis XIV", "R2-D2",
			"MR J SMITH / MRS K SMITH", "Ada & Co. GmbH", "Müller (GmbH)", "X Æ A-12", "Madonna", "Ng", "O", "+ Sons", "\U00020bb7野家", "ada@example.com", `<b>"Ada"</b>`, "Ada ❤", "𝒜𝒹𝒶",
			long,
		),
		refused(
			"4000 0000 0000 0408", "Ada 4000000000000408", "٤٠٠٠٠٠٠٠", "1234567", "12 34 56 7", "４０００００００", "a\x00b", "a\x1bb", "a\u009bb", "a\u202eb", "\u202da", "a\xffb", "a\ufffdb",
			long+"é", strings.Repeat("Ada ", 4000),
		),
	), func(text string) (string, error) {
		e, c := &entry{}, &instrument.Card{}
		e.readHolder(c, text, languages()[0])
		if e.faulty() {
			return "", errors.New(e.faults[0].Text)
		}
		return c.Holder, nil
	})
	e := &entry{}
	if e.readHolder(&instrument.Card{}, long+"é", languages()[0]); !strings.Contains(e.of(fieldHolder), "at most 128") {
		t.Errorf("what is too long is called %q", e.of(fieldHolder))
	}
	for _, empty := range []string{"", " ", "\u00a0", "\u200b"} {
		e := &entry{}
		if e.readHolder(&instrument.Card{}, empty, languages()[0]); e.faulty() {
			t.Errorf("%+q: %v, but the name is optional", empty, e.faults)
		}
	}
}

func themselves(texts ...string) (all []spelled) {
	for _, text := range texts {
		all = append(all, spelled{text, text})
	}
	return all
}

func TestHowAmountsAreWritten(t *testing.T) {
	t.Parallel()
	check(t, both(
		alike("1250.5",
			"1250.50", "1250.5", "1250,50", "1250,5", " 1250.50", "1250.50 ", "1 250,50", "1 250.50", "1\u00a0250,50", "1\u202f250,50", "1\u2009250,50", "1,250.50", "1.250,50", "1'250.50", "1’250.50",
			"1'250,5", "01250.50", "１２５０．５０", "１２５０，５０", "１，２５０．５０", "١٢٥٠٫٥٠", "١٬٢٥٠٫٥٠", "۱۲۵۰٫۵", "१२५०.५०", "\u200e1250.50", "\u20661250,50\u2069", "1250\u200b.50",
			"\ufeff1250.50", "\t1250,50\r\n",
		),
		alike("1234567", "1234567", "1,234,567", "1.234.567", "1 234 567", "1'234'567", "١٬٢٣٤٬٥٦٧", "1,234,567.00", "1.234.567,00", "1 234 567,0"),
		alike("1234567", "12,34,567", "12,34,567.00"),
		alike("123456", "1,23,456.00", "1,23,456"),
		alike("7", "7", "7.0", "7,00", "٧", "７", " 7 "),
		refused(
			"", " ", "0", "0.00", "0,0", ".", ",", "1,", "1.", ",5", "1,234", "12 50", "1 2", "1 25,00", "1  250", "12,34,56", "12,345,67", "12,34,567,89", "123,45,678", "12.34.567", "12 34 567", "12'34'567", "1,23.456", "12,34,5678", ",34,567", "1.2.3", "1,2,3", "1234,567.00", "1,234.567,00", "1.234,567.00", "1 234,567.00",
			"1'234,567", "1.005", "1.234", "-5", "+5", "−5", "1e3", "0x10", "NaN", "Inf", "12.5O", "l2", "½", "five", "12:50", "12/50", "12;50", "12_50", "5%", "(5)", "5-", "1000000000.01", "10000000000", "0.001",
			"12.50 12.50", "12.50\u202e", "12\x00", "12\xff", "5²", "4000000000000408", strings.Repeat("9", 400), "1..5", "1,,5", "1., 5",
		),
	), func(text string) (string, error) {
		a, err := parseAmount(text, "EUR")
		return a.String(), err
	})
	if a, err := parseAmount("1.234,567", "KWD"); err != nil || a != money.MustParse("1234.567") {
		t.Errorf("%s, %v", a, err)
	}
}

// FuzzReadNumber: what is read are the digits that are there, all of them and in their order.
func FuzzReadNumber(f *testing.F) {
	for _, seed := range []string{"4000 0000 0000 0408", "４０００ ٠٠٠٠ 0000 0408", "4000O00000000408", "4000000000000408\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, err := readNumber(text)
		if err != nil {
			return
		}
		var all strings.Builder
		for _, r := range text {
			if d := instrument.Digit(r); d != 0 {
				all.WriteByte(d)
			}
		}
		if number.Reveal() != all.String() {
			t.Fatalf("%q became %s", text, number.Reveal())
		}
	})
}

// TestEveryDigitIsKnown: digits of a script stand in a row from zero on.
func TestEveryDigitIsKnown(t *testing.T) {
	t.Parallel()
	for zero, set := range map[rune]string{'0': "0123456789", '٠': "٠١٢٣٤٥٦٧٨٩", '۰': "۰۱۲۳۴۵۶۷۸۹", '０': "０１２３４５６７８９", '०': "०१२३४५६७८९", '๐': "๐๑๒๓๔๕๖๗๘๙", '𝟘': "𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡"} {
		want := byte('0')
		for _, r := range set {
			if got := instrument.Digit(r); got != want {
				t.Errorf("%c of %c is %c", r, zero, got)
			}
			want++
		}
	}
	for _, r := range "a²①Ⅳ一½ -" {
		if got := instrument.Digit(r); got != 0 {
			t.Errorf("%c is %c", r, got)
		}
	}
}

func TestHowBlikCodesAreWritten(t *testing.T) {
	t.Parallel()
	const code = "123456"
	field := asked{Field: instrument.BlikFields()[0]}
	check(t, both(
		alike(code,
			"123456", "123 456", " 123456", "123456 ", "  123  456  ", "12 34 56", "1 2 3 4 5 6", "123-456", "12-34-56", "123 - 456", "123\t456", "123456\r\n",
			"123\u00a0456", "123\u202f456", "123\u2009456", "123\u2007456", "123\u2003456", "123\u3000456", "\ufeff123456", "123\u200b456",
			"\u200e123456\u200e", "\u2066123456\u2069", "\u202a123456\u202c", "\u200f123456", "123\u00ad456", "123\u2060456",
			"123\u2010456", "123\u2011456", "123\u2012456", "123–456", "123—456", "123−456", "123－456",
			"１２３４５６", "１２３　４５６", "١٢٣٤٥٦", "١٢٣ ٤٥٦", "۱۲۳۴۵۶", "१२३४५६", "১২৩৪৫৬", "๑๒๓๔๕๖", "123 ٤٥٦",
		),
		alike("000000", "000000", "000 000", "٠٠٠٠٠٠"),
		refused(
			"", " ", "12345", "1234567", "123 4567", "123456 7", "12345a", "a123456", "BLIK 123456", "12345O", "l23456", "123456;", "123,456", "123.456", "123/456",
			"123_456", "123+456", "#123456", "12345²", "①23456", "123456\x00", "123456\xff", "\u202e654321", "123456\u202e", "一二三四五六", "<123456>", "0x1234",
			strings.Repeat("1", 200), strings.Repeat(" ", 200),
		),
	), func(text string) (string, error) {
		value, ok := field.read(text)
		if !ok {
			return "", errStray
		}
		return value, nil
	})
}

func TestHowPhoneNumbersAreWritten(t *testing.T) {
	t.Parallel()
	const london = "44 2072243688"
	wants := payer.Wants{Details: []payer.Detail{payer.Phone}}
	check(t, both(
		alike(london,
			"44 2072243688", "+44 2072243688", "+44 20 7224 3688", "44 20 7224 3688", "0044 20 7224 3688", "+44-20-7224-3688", "+44 (20) 7224-3688", "(44) 20 7224 3688",
			"+44.20.7224.3688", "+44 20.7224.3688", " +44 20 7224 3688 ", "+44  20  7224  3688", "+ 44 20 7224 3688", "+44/20/72243688", "+44 20/7224 3688",
			"+44\t20\t72243688", "+44\u00a020\u00a07224\u00a03688", "+44\u202f20\u202f7224\u202f3688", "+44\u200920\u200972243688", "+44\u300020\u300072243688",
			"+44‐20‐7224‐3688", "+44\u201120\u20117224\u20113688", "+44‒20‒7224‒3688", "+44–20–7224–3688", "+44—20—7224—3688", "+44−20−7224−3688", "+44－20－7224－3688",
			"＋44 20 7224 3688", "＋４４　２０　７２２４　３６８８", "+٤٤ ٢٠ ٧٢٢٤ ٣٦٨٨", "۴۴ ۲۰ ۷۲۲۴ ۳۶۸۸", "+४४ २० ७२२४ ३६८८",
			"\u202a+44 20 7224 3688\u202c", "\u200e+44 20 7224 3688", "\u2066+44 20 7224 3688\u2069", "\ufeff+44 20 7224 3688", "+44 20\u200b 7224 3688", "+44·20·7224·3688",
		),
		alike("442072243688", "442072243688", "+442072243688", "00442072243688", "４４２０７２２４３６８８"),
		alike("44 02072243688", "44 02072243688", "+44 (0)20 7224 3688"),
		refused(
			"", " ", "+", "00", "123456", "1234567890123456", "+44 20 7224 368x", "+44 20 CALL ME", "tel:+442072243688", "+44 20 7224 3688 ext. 5", "++44 20 7224 3688",
			"44+2072243688", "+44 20 7224 3688;1", "44 20 7224 3688,", "4000 0000 0000 0408", "+44 20 7224 ³688", "①44 2072243688", "\u202e8863422702 44",
			"44 2072243688\x00", "\xff44 2072243688", "<44 2072243688>", "'44 2072243688", "四四二〇", strings.Repeat("4", 200),
		),
	), func(text string) (string, error) {
		filled, wrong, err := payer.Entered{payer.Phone: plainly(text)}.Into(&payment.Payment{}, &wants)
		if err != nil || len(wrong) > 0 {
			return "", errStray
		}
		var c payment.Customer
		err = filled.Customer.Into(&c)
		return c.Phone, err
	})
}
