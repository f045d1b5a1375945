package pix

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/money"
)

// vector is one case of testdata/pix.json; which fields are set depends on the kind.
type vector struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Input struct {
		fields
		Code    string `json:"code"`
		Text    string `json:"text"`
		Context string `json:"context"`
		Value   string `json:"value"`
	} `json:"input"`
	Expect struct {
		Result string  `json:"result"`
		Reason Fault   `json:"reason"`
		Fields *fields `json:"fields"`
		Code   string  `json:"code"`
		CRC    string  `json:"crc"`
		Type   KeyKind `json:"type"`
		ISPB   string  `json:"ispb"`
		Time   string  `json:"time"`
	} `json:"expect"`
}

type fields struct {
	Type          string `json:"type"`
	Key           string `json:"key"`
	URL           string `json:"url"`
	RecurrenceURL string `json:"recurrenceUrl"`
	Description   string `json:"description"`
	OneUse        bool   `json:"oneUse"`
	Amount        string `json:"amount"`
	Name          string `json:"name"`
	City          string `json:"city"`
	TxID          string `json:"txid"`
}

func (f *fields) code() *Code {
	c := &Code{Key: f.Key, URL: f.URL, RecurrenceURL: f.RecurrenceURL, Description: f.Description, OneUse: f.OneUse, Name: f.Name, City: f.City, TxID: f.TxID}
	if f.Amount != "" {
		c.Amount = money.MustParse(f.Amount)
	}
	return c
}

func vectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/pix.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 63 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	return file.Vectors
}

func TestPublishedCodes(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			switch v.Kind {
			case "brcode":
				c, err := Parse(v.Input.Code)
				if v.Expect.Result == "reject" {
					if !errors.Is(err, v.Expect.Reason) {
						t.Fatalf("%v, %v, want %s", c, err, v.Expect.Reason)
					}
					return
				}
				if err != nil || *c != *v.Expect.Fields.code() {
					t.Fatalf("%+v, %v, want %+v", c, err, v.Expect.Fields)
				}
			case "build":
				if got, err := Build(v.Input.code()); err != nil || got != v.Expect.Code {
					t.Errorf("%s, %v, want %s", got, err, v.Expect.Code)
				}
			case "crc":
				if got := fmt.Sprintf("%04X", crc16(v.Input.Text)); got != v.Expect.CRC {
					t.Errorf("%s, want %s", got, v.Expect.CRC)
				}
			default:
				v.identifier(t)
			}
		})
	}
}

func (v *vector) identifier(t *testing.T) {
	t.Helper()
	good, text := false, v.Input.Value
	switch v.Kind {
	case "txid":
		good = map[string]func(string) bool{"cob": IsChargeID, "static": IsCodeID, "pix": IsReceivedID}[v.Input.Context](text)
	case "endToEndId", "returnId":
		parse := ParseEndToEndID
		if v.Kind == "returnId" {
			parse = ParseReturnID
		}
		id, err := parse(text)
		if good = err == nil; good && (id.ISPB != v.Expect.ISPB || id.At.Format("2006-01-02T15:04Z") != v.Expect.Time) {
			t.Errorf("%s of %s", id.ISPB, id.At)
		}
	case "valor":
		amount, err := Value(text)
		if good = err == nil; good && amount.Fixed() != money.MustParse(text).Fixed() {
			t.Errorf("%s is %s", text, amount)
		}
	case "key":
		kind, err := KindOf(text)
		if good = err == nil; good && kind != v.Expect.Type {
			t.Errorf("%s is a key of kind %s", text, kind)
		}
	default:
		t.Fatalf("vectors of kind %s", v.Kind)
	}
	if good != (v.Expect.Result == "accept") {
		t.Errorf("%s %q is good: %t", v.Kind, text, good)
	}
}

func some() *Code {
	return &Code{URL: "pix.example.com/qr/v2/9d36b84fc70b478fb95c12729b90ca25", OneUse: true, Name: "Fulano de Tal", City: "BRASILIA", TxID: NoID}
}

// TestWhatIsBuiltIsRead, and no character of it can be another.
func TestWhatIsBuiltIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		c := some()
		if rapid.Bool().Draw(r, "static") {
			c.URL = ""
			c.Key = rapid.SampledFrom([]string{"+5511900000001", "fulano@exemplo.com", "39053344705", "12ABC34501DE35", "123e4567-e12b-12d1-a456-426655440000"}).Draw(r, "key")
			c.Description = rapid.StringMatching(`[ -~]{0,30}`).Draw(r, "description")
			c.TxID = rapid.StringMatching(`[A-Za-z0-9]{1,25}`).Draw(r, "id")
		}
		if rapid.Bool().Draw(r, "again") {
			c.RecurrenceURL = "pix.example.com/qr/v2/rec/2353c790eefb11eaadc10242ac120002"
		}
		c.OneUse = rapid.Bool().Draw(r, "one use")
		c.Name = rapid.StringMatching(`[ -~]{1,25}`).Draw(r, "name")
		c.City = rapid.StringMatching(`[ -~]{1,15}`).Draw(r, "city")
		if minor := rapid.Uint64Range(0, 999_999_999_999).Draw(r, "minor"); minor > 0 {
			c.Amount, _ = money.FromMinor(minor, 2)
		}
		text, err := Build(c)
		if err != nil {
			r.Fatal(err)
		}
		if got, err := Parse(text); err != nil || *got != *c {
			r.Fatalf("%s reads %+v, %v, want %+v", text, got, err, c)
		}
		at := rapid.IntRange(0, len(text)-1).Draw(r, "place")
		other := []byte(text)
		other[at] ^= byte(rapid.IntRange(1, 255).Draw(r, "change"))
		if strings.EqualFold(string(other), text) && at >= len(text)-4 {
			return // the sum in small letters is the same sum
		}
		if got, err := Parse(string(other)); err == nil {
			r.Fatalf("%s reads %+v", other, got)
		}
	})
}

func TestWhatCannotBeBuilt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Code)
		want   Fault
	}{
		"no name":            {func(c *Code) { c.Name = "" }, Length},
		"long name":          {func(c *Code) { c.Name = strings.Repeat("a", 26) }, Length},
		"name with accent":   {func(c *Code) { c.Name = "São" }, Charset},
		"line break":         {func(c *Code) { c.Name = "a\nb" }, Charset},
		"no city":            {func(c *Code) { c.City = "" }, Length},
		"long city":          {func(c *Code) { c.City = strings.Repeat("a", 16) }, Length},
		"no id":              {func(c *Code) { c.TxID = "" }, Length},
		"long id":            {func(c *Code) { c.TxID = strings.Repeat("a", 26) }, Length},
		"id with a hyphen":   {func(c *Code) { c.TxID = "a-b" }, TxID},
		"nobody":             {func(c *Code) { c.URL = "" }, NoKeyNorURL},
		"two":                {func(c *Code) { c.URL = "a.b/c"; c.Key = "+5511900000001" }, KeyAndURL},
		"no key":             {func(c *Code) { c.URL = ""; c.Key = "5511900000001" }, BadKey},
		"with the scheme":    {func(c *Code) { c.URL = "https://pix.example.com/x" }, BadURL},
		"without a path":     {func(c *Code) { c.URL = "pix.example.com" }, BadURL},
		"with a user":        {func(c *Code) { c.URL = "u@pix.example.com/x" }, BadURL},
		"with a fragment":    {func(c *Code) { c.URL = "pix.example.com/x#y" }, BadURL},
		"with a space":       {func(c *Code) { c.URL = "pix.example.com/x y" }, BadURL},
		"long URL":           {func(c *Code) { c.URL = "pix.example.com/" + strings.Repeat("a", 62) }, Length},
		"bad recurrence":     {func(c *Code) { c.RecurrenceURL = "//" }, BadURL},
		"long description":   {func(c *Code) { c.URL = ""; c.Key = "+5511900000001"; c.Description = strings.Repeat("a", 60) }, Length},
		"three decimals":     {func(c *Code) { c.Amount = money.MustParse("1.001") }, Amount},
		"too much":           {func(c *Code) { c.Amount = money.MustParse("10000000000.00") }, Amount},
		"key of the hacker":  {func(c *Code) { c.URL = ""; c.Key = "a@b" }, BadKey},
		"key of many labels": {func(c *Code) { c.URL = ""; c.Key = "a@b..c" }, BadKey},
	} {
		code := some()
		c.change(code)
		if got, err := Build(code); !errors.Is(err, c.want) || got != "" {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
}

// TestOtherFaults of codes whose sum is right.
func TestOtherFaults(t *testing.T) {
	t.Parallel()
	const good = "00020101021226700014br.gov.bcb.pix2548pix.example.com/8b3da2f39a4140d1a91abd93113bd4415204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***"
	with := func(text string) string { return fmt.Sprintf("%s6304%04X", text, crc16(text+"6304")) }
	if _, err := Parse(with(good)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to string
		want     Fault
	}{
		"other format":        {"000201", "000202", Format},
		"format not first":    {"000201010212", "010212000201", Format},
		"no format":           {"000201", "", Missing("00")},
		"initiation":          {"010212", "010213", Initiation},
		"no account":          {good[12:86], "", Missing("26")},
		"category":            {"52040000", "5203000", Category},
		"letters as category": {"52040000", "5204ABCD", Category},
		"no category":         {"52040000", "", Missing("52")},
		"no currency":         {"5303986", "", Missing("53")},
		"country":             {"5802BR", "5802US", Country},
		"no country":          {"5802BR", "", Missing("58")},
		"no city":             {"6008BRASILIA", "", Missing("60")},
		"empty city":          {"6008BRASILIA", "6000", Length},
		"no more":             {"62070503***", "", Missing("62")},
		"no id":               {"62070503***", "62070403***", TxID},
		"bad id":              {"62070503***", "62070503**1", TxID},
		"empty id":            {"62070503***", "62040500", TxID},
		"broken more":         {"62070503***", "62070504***", TLV},
		"broken recurrence":   {"62070503***", "62070503***80050001", TLV},
		"letters as id":       {"6008BRASILIA", "6A08BRASILIA", TLV},
		"letters as length":   {"6008BRASILIA", "60+8BRASILIA", TLV},
		"control character":   {"BRASILIA", "BRAS\x00LIA", Charset},
		"broken UTF-8":        {"BRASILIA", "BRAS\xffLIA", Charset},
		"zero":                {"5802BR", "54040.005802BR", Amount},
		"no decimals":         {"5802BR", "5402105802BR", Amount},
		"two URLs":            {"5802BR", "5802BR5802BR", TLV},
		"with a scheme":       {"2670", "2677", TLV},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		if text == good {
			t.Fatalf("%s changes nothing", name)
		}
		if got, err := Parse(with(text)); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v, want %s", name, got, err, c.want)
		}
	}
	for _, text := range []string{"", "6304", "63046007", "6304+007", "6304600 ", strings.Repeat("0", 600), "00020163040000"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q reads %+v", text, got)
		}
	}
	other := with(strings.Replace(good, "62070503***", "62070503***80150011com.example", 1))
	if got, err := Parse(other); err != nil || got.RecurrenceURL != "" {
		t.Errorf("with a template of another scheme: %+v, %v", got, err)
	}
}

func TestPlainNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"São João da Boa Vista": "Sao Joao da Boa Vista", "AÇAÍ & Cia.": "ACAI & Cia.", "": "", "Müller": "Muller"} {
		if got, ok := Plain(text); !ok || got != want {
			t.Errorf("%s is %s, %t", text, got, ok)
		}
	}
	for _, text := range []string{"Лавка", "店", "a\tb"} {
		if got, ok := Plain(text); ok {
			t.Errorf("%s is %s", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Input.Code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		// With the right sum, so that what is behind it is tried, too.
		for _, text := range []string{code, fmt.Sprintf("%s6304%04X", code, crc16(code+"6304"))} {
			c, err := Parse(text)
			if err != nil {
				if !errors.As(err, new(Fault)) {
					t.Errorf("%v", err)
				}
				continue
			}
			if !isPlain(c.Name + c.City + c.Description) {
				continue // it can be read, and would not be written
			}
			again, err := Build(c)
			if err != nil && !errors.Is(err, Length) {
				t.Fatalf("%q reads %+v, which is not written: %v", text, c, err)
			}
			if got, err := Parse(again); again != "" && (err != nil || *got != *c) {
				t.Errorf("%q reads %+v, and %q %+v, %v", text, c, again, got, err)
			}
		}
	})
}

func FuzzIdentifiers(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Input.Value)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if kind, err := KindOf(text); (kind == "") == (err == nil) || err == nil && !isPlain(text) {
			t.Errorf("%q is a key of kind %q, %v", text, kind, err)
		}
		if id, err := ParseEndToEndID(text); err == nil && (len(id.ISPB) != 8 || !IsReceivedID(text)) {
			t.Errorf("%q is of %q", text, id.ISPB)
		}
		if amount, err := Value(text); err == nil && amount.IsZero() {
			t.Errorf("%q is nothing", text)
		}
		_, _ = ParseReturnID(text)
	})
}
