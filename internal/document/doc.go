// Package document checks the numbers of government documents by the rules of their countries: how long they are, of what
// they are made, which parts can be in them, and their check digits. It is pure, and keeps nothing.
//
// [Check] is all of it. A number that is refused cannot be right; where a rule is known to be broken by numbers that are in
// use, it is taken with a doubt. One that no rule is known for is held to the length of the contract. Read check.go, then kinds.go, the table.
package document
