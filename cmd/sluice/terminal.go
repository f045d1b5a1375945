package main

import (
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/admin"
)

type terminalCommands struct {
	Create terminalCreateCommand `cmd:"" help:"Create a terminal: an account of the shop at a provider."`
	List   terminalListCommand   `cmd:"" help:"List the terminals of a shop."`
}

type terminalCreateCommand struct {
	operator
	admin.CreateTerminal
}

// Run creates a terminal.
func (c *terminalCreateCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpCreateTerminal, c.CreateTerminal, document)
}

type terminalListCommand struct {
	operator
	admin.OfShop
}

// Run lists terminals.
func (c *terminalListCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListTerminals, c.OfShop,
		listed("TERMINAL|NAME|CONNECTOR|PRIORITY|ENABLED|METHODS", func(t *admin.Terminal) []string {
			return []string{t.ID, oneLine(t.Name), t.Connector, strconv.Itoa(t.Priority), strconv.FormatBool(t.Enabled), joined(t.Methods)}
		}))
}

// joined is a list of words in a table.
func joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ",")
}
