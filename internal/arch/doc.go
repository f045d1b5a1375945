// Package arch holds the rules of the house as tests: which package may import which, what the pure packages must not
// touch, how long files and functions may get, what must be commented. It contains no code that the program runs.
//
// A rule that stands in somebody's way is changed here, with its reason, and nowhere worked around. Start at the table
// in imports_test.go; docs/ARCHITECTURE.md tells what the packages are for.
package arch
