// Package setting reads what makes a test longer than usual, such as SLUICE_TEST_KILLS, from the environment. It owns no
// setting: each name stands in the test that it is for. Settings of the program itself are package config's.
package setting

import (
	"os"
	"strconv"
	"testing"
)

// Number returns the number above 0 that the environment has under that name, or the other one where it has none. Anything
// else fails the test.
func Number(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s is no number above 0", name, text)
	}
	return n
}
