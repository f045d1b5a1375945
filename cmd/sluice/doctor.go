package main

import (
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
)

type doctorCommand struct {
	config.Common
	shortly
	JSON bool `name:"json" help:"Print the answer as a JSON object."`
}

// errNotWell ends a doctor that found something.
var errNotWell = errors.New("something is not as it should be")

// Run says what is not as it should be with the database. It changes nothing, and asks a server that works on it for nothing.
func (c *doctorCommand) Run(s *surroundings) error {
	settings, err := config.Load(c.settings(&c.Common), s.env)
	if err != nil {
		return err
	}
	place := placeFor(s, settings)
	found, err := app.Examine(s.ctx, &place)
	if err != nil {
		return err
	}
	if c.JSON {
		if found == nil {
			found = []app.Complaint{}
		}
		err = document(s.out, map[string]any{"complaints": found})
	} else {
		err = printComplaints(s, found)
	}
	if err == nil && len(found) > 0 {
		return errNotWell
	}
	return err
}

func printComplaints(s *surroundings, found []app.Complaint) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(s.out, "nothing is amiss")
		return err
	}
	for _, f := range found {
		if _, err := fmt.Fprintf(s.out, "%s\n  %s\n", f.What, f.Remedy); err != nil {
			return err
		}
	}
	return nil
}
