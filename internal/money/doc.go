// Package money owns exact amounts and the list of currencies that a payment may be made in.
//
// It does not own limits, rounding rules, conversion or fees: those belong to the packages that decide about
// payments. An Amount carries no currency; whoever holds one keeps its Currency beside it. Nothing here uses
// floating point, and nothing here rounds but Times, to the decimals that it is told: a value that cannot be held exactly is
// refused.
//
// Read amount.go for the type and its arithmetic, times.go for rates and shares, then parse.go and format.go for its texts, then currency.go.
package money
