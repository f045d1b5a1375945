// Package admin is the operator's hand: what operators can do with an installation, beyond what merchants can by
// their APIs. It owns what each act checks, changes and answers, who may do it and how it is logged. It prints nothing
// and knows no flags, sockets or pages: the command line shows what it returns, and a back office can show the same.
//
// An act is a method of Desk, out of reach by itself, that takes one plain struct and returns another; in operation.go it gets the name under
// which it travels from a command to the serving process, and the right that it needs. To add one, write the method
// with its two structs, give it a line among the operations and one in All; cmd/sluice then calls it by ask, wherever
// a server runs. Results hold no secrets but for acts that make some, and a result that is a list is a List.
//
// Read operation.go first, then shops.go as an example.
package admin
