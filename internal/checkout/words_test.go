package checkout

import (
	"reflect"
	"testing"
)

// TestEveryLanguageIsComplete: a text that is missing would show as nothing.
func TestEveryLanguageIsComplete(t *testing.T) {
	t.Parallel()
	for tag, w := range languages {
		w := *w
		w.FormText = "payments have none"
		complete(t, tag, reflect.ValueOf(w))
	}
}

func complete(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	if v.Kind() != reflect.Struct {
		if v.IsZero() {
			t.Errorf("%s is empty", name)
		}
		return
	}
	for i := range v.NumField() {
		complete(t, name+"."+v.Type().Field(i).Name, v.Field(i))
	}
}

// TestBindingHasItsOwnWords: every text that differs where a card is only kept is the one that the pages take.
func TestBindingHasItsOwnWords(t *testing.T) {
	t.Parallel()
	for tag, w := range languages {
		own, taken := reflect.ValueOf(w.Binding), reflect.ValueOf(*w.forBinding())
		for i := range own.NumField() {
			name := own.Type().Field(i).Name
			if got := taken.FieldByName(name); !got.IsValid() || !got.Equal(own.Field(i)) {
				t.Errorf("%s: %s is %v", tag, name, got)
			}
		}
		if w.FormText != "" {
			t.Errorf("%s: the words of payments were changed", tag)
		}
	}
}
