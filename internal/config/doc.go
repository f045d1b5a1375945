// Package config owns the settings of the program: their names, defaults and meanings, where each may come from (a
// flag, an environment variable, a file) and what is wrong with them. All faults are reported at once, and a name that
// nobody knows is a fault, so a misspelt setting cannot be silently without effect.
//
// It opens nothing and starts nothing; cmd/sluice does. Start at Flags in flags.go, the one place to add a setting,
// then Load in sources.go. docs/config.md is printed from Flags.
package config
