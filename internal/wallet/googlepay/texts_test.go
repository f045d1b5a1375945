package googlepay_test

import (
	"strconv"
	"testing"
	"time"
)

func millis(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
