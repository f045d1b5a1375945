// Package checkout owns the hosted payment page: the pages that a customer sees between the shop and the bank, as
// server-rendered HTML that works without any script, with its own style and texts. It reads the form, checks it,
// gives the engine one command and shows what came of it. The few scripts that make it easier stand in scripts.go with the reason for each.
//
// It decides nothing about money or state, stores nothing, sets no cookie and knows no provider: the address of a
// page is the customer's only credential, and every form carries a nonce tied to the payment's state. What was right in a
// form with a fault stays in memory for minutes, see shelf.go.
//
// Read routes.go first: every address with its handler. Each page is one <noun_verb>.go with a template of that name;
// spelling.go and its neighbours read what customers write. The texts are those of words/LANGUAGE.txt; words_choose.go says who gets
// which, amount_figures.go how amounts are written.
package checkout
