package main

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/app"
)

type connectorsCommand struct {
	Name     string `arg:"" optional:"" name:"connector" help:"Only this one, with the settings that its terminals take."`
	Declared string `name:"connectors" placeholder:"DIR" help:"A folder of files *.json that declare more, as for \"sluice serve\"."`
	JSON     bool   `name:"json" help:"Print JSON: an object for each."`
}

// Run prints which providers there are and what each can do.
func (c connectorsCommand) Run(s *surroundings) error {
	all, err := app.Connectors(c.Declared)
	if err != nil {
		return err
	}
	settings := app.ConnectorSettings(c.Declared, c.Name)
	if c.Name != "" && settings == nil {
		return fmt.Errorf("there is no connector %q", c.Name)
	}
	var rows [][]string
	for i := range all {
		if c.Name != "" && all[i].Name != c.Name {
			continue
		}
		if c.JSON {
			if err := document(s.out, all[i]); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, app.AbilityCells(&all[i]))
	}
	if c.JSON {
		return nil
	}
	if err := table(s.out, app.AbilityHeads, rows); err != nil || c.Name == "" {
		return err
	}
	if _, err := fmt.Fprintln(s.out); err != nil {
		return err
	}
	rows = nil
	for _, set := range settings {
		need := ""
		if set.Needed {
			need = "needed"
		}
		rows = append(rows, []string{set.Name, need, set.Example, set.Text})
	}
	return table(s.out, []string{"setting", "", "example", "what it is"}, rows)
}
