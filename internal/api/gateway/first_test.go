package gateway

import (
	"strings"
	"testing"
)

func TestFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"жжж", 3, "жжж"}, {"жжжж", 3, "жжж"}, {"aжbж", 2, "aж"},
		{strings.Repeat("ж", 300), maxReference, strings.Repeat("ж", 256)},
	} {
		if got := first(c.text, c.most); got != c.want {
			t.Errorf("first(%.20q, %d) = %.20q", c.text, c.most, got)
		}
	}
}
