package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const sample = `{"paymentType":"DEPOSIT","currency":"EUR",
 "customer":{"firstName":"John","lastName":"Doe","ip":"152.13.130.125","email":"john@example.com","phone":"44 02072243688"},
 "billingAddress":{"countryCode":"GB","city":"London","addressLine1":"221b Baker St, Marylebone","postalCode":"NW1 6XE"}}`

func TestDecodeReadsEveryKind(t *testing.T) {
	t.Parallel()
	doc, err := Decode([]byte(` {"t":true,"f":false,"n":null,"i":-0.5E+3,"s":"a\"\\\/\b\f\n\r\t\u0041\ud83d\ude00é",` +
		"\"a\":[1,\"x\",[],{}],\"o\":{\"\":1}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !doc.Get("t").True() || doc.Get("f").True() || doc.Get("f").Kind() != Bool {
		t.Error("booleans are not read")
	}
	if k := doc.Get("n").Kind(); k != Absent {
		t.Errorf("null has kind %d, want absent", k)
	}
	if got := doc.Get("i").Text(); got != "-0.5E+3" {
		t.Errorf("number literal %q", got)
	}
	if got, want := doc.Get("s").Text(), "a\"\\/\b\f\n\r\tA😀é"; got != want {
		t.Errorf("string %q, want %q", got, want)
	}
	if got := len(doc.Get("a").Members()); got != 4 {
		t.Errorf("%d elements, want 4", got)
	}
	if got := doc.Get("o").Get("").Text(); got != "1" {
		t.Errorf("member with an empty name is %q", got)
	}
}

func TestDecodeNamesAreCaseSensitive(t *testing.T) {
	t.Parallel()
	doc, err := Decode([]byte(`{"AMOUNT":1,"Amount":2}`))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Get("amount").Kind() != Absent {
		t.Error("amount was found under another spelling")
	}
	if doc.Get("AMOUNT").Text() != "1" || doc.Get("Amount").Text() != "2" {
		t.Error("names that differ in case are mixed up")
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	many := func(n int, last string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":0,`, i)
		}
		return "{" + b.String() + last + "}"
	}
	for _, c := range []struct{ name, text, reason string }{
		{"nothing", "", reasonEnd},
		{"white space only", " \n", reasonEnd},
		{"array", "[]", reasonObject},
		{"string", `"a"`, reasonObject},
		{"null", "null", reasonObject},
		{"byte order mark", "\uFEFF{}", reasonObject},
		{"second document", "{} {}", reasonTrailing},
		{"closing bracket too many", "{}}", reasonTrailing},
		{"repeated name", `{"a":1,"b":2,"a":3}`, reasonDuplicate},
		{"repeated name, spelled by escape", `{"a":1,"\u0061":3}`, reasonDuplicate},
		{"repeated name in an inner object", `{"c":{"a":1,"a":3}}`, reasonDuplicate},
		{"repeated name among many", many(100, `"k7":1`), reasonDuplicate},
		{"repeated name late among many", many(100, `"z":1,"z":2`), reasonDuplicate},
		{"name without quotes", `{a:1}`, reasonSyntax},
		{"comma at the end", `{"a":1,}`, reasonSyntax},
		{"comma at the end of an array", `{"a":[1,]}`, reasonSyntax},
		{"no comma", `{"a":1 "b":2}`, reasonSyntax},
		{"no value", `{"a":}`, reasonSyntax},
		{"no colon", `{"a" 1}`, reasonSyntax},
		{"NaN", `{"a":NaN}`, reasonSyntax},
		{"Infinity", `{"a":-Infinity}`, reasonSyntax},
		{"leading zero", `{"a":01}`, reasonSyntax},
		{"leading plus", `{"a":+1}`, reasonSyntax},
		{"no digit after the point", `{"a":1.}`, reasonSyntax},
		{"no digit before the point", `{"a":.5}`, reasonSyntax},
		{"no digit in the exponent", `{"a":1e}`, reasonSyntax},
		{"hexadecimal", `{"a":0x10}`, reasonSyntax},
		{"misspelt literal", `{"a":tru}`, reasonSyntax},
		{"upper-case literal", `{"a":True}`, reasonSyntax},
		{"comment", `{"a":1/**/}`, reasonSyntax},
		{"single quotes", `{'a':1}`, reasonSyntax},
		{"cut in a string", `{"a":"b`, reasonEnd},
		{"cut after a name", `{"a"`, reasonEnd},
		{"cut in an escape", `{"a":"\`, reasonEnd},
		{"cut in a literal", `{"a":tr`, reasonEnd},
		{"cut in an object", `{"a":1`, reasonEnd},
		{"unknown escape", `{"a":"\x41"}`, reasonEscape},
		{"bad hexadecimal escape", `{"a":"\u00g0"}`, reasonEscape},
		{"line end in a string", "{\"a\":\"b\nc\"}", reasonControl},
		{"line end after an escape", "{\"a\":\"\\n\n\"}", reasonControl},
		{"NUL in a string", "{\"a\":\"\x00\"}", reasonNUL},
		{"NUL between tokens", "{\x00}", reasonSyntax},
		{"escaped NUL", `{"a":"b\u0000"}`, reasonNUL},
		{"escaped NUL in a name", `{"\u0000":1}`, reasonNUL},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", reasonUTF8},
		{"overlong UTF-8", "{\"a\":\"\xc0\x80\"}", reasonUTF8},
		{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", reasonUTF8},
		{"invalid UTF-8 outside strings", "{\"a\":1\xff}", reasonUTF8},
		{"lone high surrogate", `{"a":"\ud83d"}`, reasonSurrogate},
		{"lone low surrogate", `{"a":"\ude00"}`, reasonSurrogate},
		{"two high surrogates", `{"a":"\ud83d\ud83d"}`, reasonSurrogate},
		{"high surrogate before another escape", `{"a":"\ud83d\n"}`, reasonSurrogate},
		{"33 levels of arrays", `{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}", reasonDepth},
		{"33 levels of objects", strings.Repeat(`{"a":`, 32) + "{}" + strings.Repeat("}", 32), reasonDepth},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Decode([]byte(c.text))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v, want a *SyntaxError", err)
			}
			if syntax.Reason != c.reason {
				t.Errorf("reason %q, want %q", syntax.Reason, c.reason)
			}
			if syntax.Offset < 0 || syntax.Offset > len(c.text) {
				t.Errorf("offset %d of %d bytes", syntax.Offset, len(c.text))
			}
		})
	}
}

func TestDecodeAccepts32Levels(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + "}",
		strings.Repeat(`{"a":`, 31) + "{}" + strings.Repeat("}", 31),
	} {
		if _, err := Decode([]byte(text)); err != nil {
			t.Error(err)
		}
	}
}

func TestDecodeErrorsHoldNothingOfTheDocument(t *testing.T) {
	t.Parallel()
	const secret = "4000000000000408"
	for _, text := range []string{
		`{"` + secret + `":1,"` + secret + `":2}`, `{"a":"` + secret + `" x`, `{"a":` + secret + `x}`, `{"a":"` + secret,
	} {
		if _, err := Decode([]byte(text)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("error %v", err)
		}
	}
}

// plain turns a value into what encoding/json would make of it, numbers being json.Number.
func plain(v *Value) any {
	switch v.Kind() {
	case Bool:
		return v.True()
	case Number:
		return json.Number(v.Text())
	case String:
		return v.Text()
	case Array:
		list := make([]any, 0, len(v.Members()))
		for i := range v.Members() {
			list = append(list, plain(&v.Members()[i].Value))
		}
		return list
	case Object:
		object := make(map[string]any)
		for i := range v.Members() {
			object[v.Members()[i].Name] = plain(&v.Members()[i].Value)
		}
		return object
	}
	return nil
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		sample, `{}`, `{"a":[1,2.5e-3,"x",null,true,{"b":[]}]}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`, `{"a":1,"a":2}`,
		`{"a":1}x`, "{\"a\":\"\xff\"}", `{"a":"\u0000"}`, `[1]`, `{"a":NaN}`, `{"a":1e400}`, `{"a":"\u00e9\/"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := Decode(body)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("error of type %T", err)
			}
			return
		}
		if !utf8.Valid(body) {
			t.Fatal("accepted invalid UTF-8")
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		var want map[string]any
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if dec.More() {
			t.Fatal("accepted data after the document")
		}
		if diff := cmp.Diff(any(want), plain(got)); diff != "" {
			t.Fatalf("read differently (-encoding/json +ours):\n%s", diff)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(sample)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}
