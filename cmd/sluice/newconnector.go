package main

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/kit"
)

type connectorCommands struct {
	New connectorNewCommand `cmd:"" help:"Write the beginning of a connector into the checkout of the repository that you are in, with tests that fail for what is missing."`
}

type connectorNewCommand struct {
	Name string `arg:"" help:"What terminals will name it by: the name of a Go package, as acme."`
	In   string `name:"in" default:"." placeholder:"FOLDER" help:"A folder of the checkout."`
}

// Run writes the files and names them.
func (c connectorNewCommand) Run(s *surroundings) error {
	files, err := kit.New(c.In, c.Name)
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := fmt.Fprintln(s.out, f); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(s.out, "next: go test ./internal/connector/%s; docs/connectors.md says how to go on\n", c.Name)
	return err
}
