package main

import (
	"strconv"

	"github.com/sluicepay/sluice/internal/admin"
)

type listCommands struct {
	Check listCheckCommand `cmd:"" help:"Count all payments again that were counted, and have what is wrong made anew."`
}

type listCheckCommand struct {
	operator
	admin.CheckLists
}

// Run counts again.
func (c *listCheckCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpCheckLists, c.CheckLists,
		listed("SHOP|NAME|MARKS|STATE", func(f *admin.ListCheck) []string {
			state := "right"
			if f.Wrong {
				state = "was wrong, is counted again"
			}
			return []string{string(f.Shop), oneLine(f.Name), strconv.Itoa(f.Marks), state}
		}))
}
