// Package address reads the addresses that merchants give: where a customer goes after paying, and where a server posts
// to. It is the one rule for every merchant API, for a shop's settings and for the command line, and the only place that
// says why an address is refused. It looks at the text alone: where a name leads to is judged at each dial, by the networks
// that it names in network.go.
package address
