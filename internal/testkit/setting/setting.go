// Package setting reads what makes a test longer than usual, such as SLUICE_TEST_KILLS, from the environment. It owns no
// setting: each name stands in the test that it is for. Settings of the program itself are package config's.
package setting

import (
	"os"
	"strconv"
	"testing"
)

// Missing skips a test that lacks something here, or fails it where the environment has name=1: on a build machine that
// has it, a test that is skipped by mistake would not be noticed.
func Missing(t testing.TB, name string, why ...any) {
	t.Helper()
	if Required(name) {
		t.Fatal(append(why, " ("+name+"=1: it is required)")...)
	}
	t.Skip(append([]any{"not tested: "}, why...)...)
}

// Required reports that the environment has name=1. Parts of a test that lack something and are left out ask for it, and fail.
func Required(name string) bool { return os.Getenv(name) == "1" }

// Names for Missing of what several tests need.
const (
	// Strace is the program, and the right to attach it to processes of the same user.
	Strace = "SLUICE_TEST_STRACE_REQUIRED"
	// Root is the right to mount, to make networks and to be another user.
	Root = "SLUICE_TEST_ROOT_REQUIRED"
	// Programs are those of others that scripts/test.sh installs: curl, python3, fish, zsh and PostgreSQL's, of clients and of servers.
	Programs = "SLUICE_TEST_PROGRAMS_REQUIRED"
	// Jose is the npm package, and a Node.js for it.
	Jose = "SLUICE_TEST_JOSE_REQUIRED"
	// Axe is the npm package axe-core, which SLUICE_TEST_AXE names.
	Axe = "SLUICE_TEST_AXE_REQUIRED"
	// Chromium is a browser that SLUICE_TEST_CHROMIUM names.
	Chromium = "SLUICE_TEST_CHROMIUM_REQUIRED"
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
