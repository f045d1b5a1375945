package store

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestAPlainObjectIsReadAsAnyOther: what is read without the JSON package is what that reads, and whatever else is left to it.
func TestAPlainObjectIsReadAsAnyOther(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	parts := []string{`{`, `}`, `"`, `:`, `,`, `"a"`, `"b":"c"`, `"a":""`, `\`, ` `, `x`, `é`, `{"a":"b"}`, `{"a":"b","c":"d"}`}
	plain := 0
	for range 50_000 {
		text := ""
		for range r.IntN(8) {
			text += parts[r.IntN(len(parts))]
		}
		got := map[string]string{}
		if !plainObject(text, func(name, value string) bool { got[name] = value; return true }) {
			continue
		}
		plain++
		var want map[string]string
		if err := json.Unmarshal([]byte(text), &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is read as %v, want %v, %v", text, got, want, err)
		}
	}
	if plain < 100 {
		t.Errorf("only %d of the texts were plain ones", plain)
	}
	for _, text := range []string{"", "{", "{}", `{"a"}`, `{"a":"b"`, `{"a":"b"}x`, `{"a":"b",}`, `{"a":1}`, `{"a":"\u0041"}`} {
		if plainObject(text, func(string, string) bool { return true }) {
			t.Errorf("%q is no plain object", text)
		}
	}
}
