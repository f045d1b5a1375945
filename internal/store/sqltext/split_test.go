package sqltext

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                   nil,
		"-- nothing; at all":                 nil,
		"A":                                  {"A"},
		"A;":                                 {"A"},
		"A;\n\nB ;":                          {"A", "B"},
		"-- first; of two\nA, -- a; b\nc;B;": {"A, \nc", "B"},
		"A ';' , 'it''s; -- so' ; B \"x;\"\" y\"": {"A ';' , 'it''s; -- so'", "B \"x;\"\" y\""},
		"A 'never ends; B":                        {"A 'never ends", "B"},
	} {
		if got := Split(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
