package main

import (
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/admin"
)

type terminalCommands struct {
	Create  terminalCreateCommand  `cmd:"" help:"Create a terminal: an account of the shop at a provider, which is asked first whether it takes the settings."`
	List    terminalListCommand    `cmd:"" help:"List the terminals of a shop."`
	Show    terminalShowCommand    `cmd:"" help:"Print a terminal with its settings, secrets masked."`
	Update  terminalUpdateCommand  `cmd:"" help:"Change a terminal. Payments under way go on, by the new settings; notices signed as the old ones say are still believed for a time."`
	Test    terminalTestCommand    `cmd:"" help:"Ask a terminal's provider, by a call that moves nothing, whether it takes the settings as they are."`
	Disable terminalDisableCommand `cmd:"" help:"Send no new payments to a terminal. What is under way there goes on: captures, refunds, status, notices."`
	Enable  terminalEnableCommand  `cmd:"" help:"Send payments to a terminal again."`
	Remove  terminalRemoveCommand  `cmd:"" help:"Remove a disabled terminal that no payment has ever used."`
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
			return []string{t.ID, oneLine(t.Name), t.Connector, strconv.Itoa(t.Priority), inUse(t), joined(t.Methods)}
		}))
}

func inUse(t *admin.Terminal) string {
	if !t.Removed.IsZero() {
		return "removed"
	}
	return strconv.FormatBool(t.Enabled)
}

type terminalShowCommand struct {
	operator
	admin.OfTerminal
}

// Run shows a terminal.
func (c *terminalShowCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpShowTerminal, c.OfTerminal, document)
}

type terminalUpdateCommand struct {
	operator
	admin.UpdateTerminal
}

// Run changes a terminal.
func (c *terminalUpdateCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpUpdateTerminal, c.UpdateTerminal, document)
}

type terminalTestCommand struct {
	operator
	admin.OfTerminal
}

// Run asks the provider.
func (c *terminalTestCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpTestTerminal, c.OfTerminal,
		sentence("terminal %s (%s): %s", func(t admin.TerminalTested) []any {
			word := "the provider takes its settings"
			if !t.Asked {
				word = "its settings can be read; the connector has no call that moves nothing, so the provider was not asked"
			}
			return []any{t.Terminal, oneLine(t.Name), word}
		}))
}

type terminalDisableCommand struct {
	operator
	admin.OfTerminal
}

// Run disables a terminal.
func (c *terminalDisableCommand) Run(s *surroundings) error {
	return switchTerminal(s, &c.operator, c.OfTerminal, false)
}

type terminalEnableCommand struct {
	operator
	admin.OfTerminal
}

// Run enables a terminal.
func (c *terminalEnableCommand) Run(s *surroundings) error {
	return switchTerminal(s, &c.operator, c.OfTerminal, true)
}

func switchTerminal(s *surroundings, o *operator, of admin.OfTerminal, enabled bool) error {
	return perform(s, o, admin.OpSwitchTerminal, admin.SwitchTerminal{OfTerminal: of, Enabled: enabled},
		sentence("terminal %s (%s) is %s", func(t admin.TerminalDetails) []any {
			word := "disabled: it takes no new payments and goes on with those that it has"
			if t.Enabled {
				word = "enabled"
			}
			return []any{t.ID, oneLine(t.Name), word}
		}))
}

type terminalRemoveCommand struct {
	operator
	admin.OfTerminal
}

// Run removes a terminal.
func (c *terminalRemoveCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpRemoveTerminal, c.OfTerminal,
		sentence("terminal %s (%s) is removed; its settings are kept until %s, for payments that were about to begin there",
			func(t admin.TerminalRemoved) []any { return []any{t.ID, oneLine(t.Name), shortTime(t.Erased)} }))
}

// joined is a list of words in a table.
func joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ",")
}
