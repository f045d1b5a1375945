package main

import (
	"context"
	"fmt"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
)

// mostParts is what can be divided among more nodes than anybody has; each part is a table at its node.
const mostParts = 1024

type migrateCommand struct {
	config.Common
	shortly
	Citus bool `name:"citus" help:"Lay the tables out on the nodes of a Citus, whose coordinator the database URL names; no server may work on them meanwhile."`
	Parts *int `name:"parts" placeholder:"N" help:"With --citus, how many parts the tables are divided into when they are laid out first; 32 if not said."`
	JSON  bool `name:"json" help:"Print the answer as a JSON object."`
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
	switch {
	case c.Parts != nil && !c.Citus:
		return fmt.Errorf("%w: --parts is for --citus", config.ErrInvalid)
	case c.Parts != nil && (*c.Parts < 1 || *c.Parts > mostParts):
		return fmt.Errorf("%w: --parts has to be a number from 1 to %d", config.ErrInvalid, mostParts)
	}
	b, err := load(s, c.settings(&c.Common), func(ctx context.Context, p app.Place) (*app.Installation, error) {
		p.Spread = c.Citus
		if c.Parts != nil {
			p.Parts = *c.Parts
		}
		return app.Migrate(ctx, p)
	})
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
