package main

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
)

type migrateCommand struct {
	config.Common
	shortly
	JSON bool `name:"json" help:"Print the answer as a JSON object."`
}

// shortly is for commands that open no installation of others and have nothing to say but their answer.
type shortly struct {
	Quiet bool `name:"quiet" short:"q" help:"Say nothing on standard error but what goes wrong."`
}

// settings are what was given, with what -q means for the log.
func (s *shortly) settings(c *config.Common) config.Flags {
	given := *c
	if s.Quiet {
		given.LogLevel = "error"
	}
	return config.Flags{Common: given}
}

// Run brings the database up to date. Opening it does the work.
func (c *migrateCommand) Run(s *surroundings) error {
	b, err := load(s, c.settings(&c.Common), app.Migrate)
	if err != nil {
		return err
	}
	_ = b.Close() // what it did is committed
	if c.JSON {
		return document(s.out, map[string]string{"database": b.Kind()})
	}
	_, err = fmt.Fprintf(s.out, "the %s database is up to date\n", b.Kind())
	return err
}
