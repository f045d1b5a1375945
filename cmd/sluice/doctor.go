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
		err = document(s.out, found)
	} else {
		err = printExamination(s, &found)
	}
	if err == nil && len(found.Complaints) > 0 {
		return errNotWell
	}
	return err
}

func printExamination(s *surroundings, found *app.Examination) error {
	if len(found.Complaints) == 0 {
		_, err := fmt.Fprintf(s.out, "%s: nothing is amiss\n", found.Database)
		return err
	}
	_, err := fmt.Fprintf(s.out, "%s:\n", found.Database)
	for i, f := range found.Complaints {
		if err == nil {
			_, err = fmt.Fprintf(s.out, "- %s\n", f.What)
		}
		if last := i+1 == len(found.Complaints); err == nil && (last || found.Complaints[i+1].Remedy != f.Remedy) { // one for all before it
			_, err = fmt.Fprintf(s.out, "  %s\n", f.Remedy)
		}
	}
	return err
}
