package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sluicepay/sluice/internal/admin"
)

type binsCommands struct {
	Import binsImportCommand `cmd:"" help:"Read a table of card ranges from a CSV file, and use it from now on in place of the one before."`
	Show   binsShowCommand   `cmd:"" help:"Show which table is in use."`
	Find   binsFindCommand   `cmd:"" help:"Show what the table tells of cards whose number begins so."`
	Reset  binsResetCommand  `cmd:"" help:"Go back to the built-in table, which knows test numbers only."`
}

type binsImportCommand struct {
	operator
	File    string `arg:"" placeholder:"FILE.csv" help:"Headings, then a line for each range: first digits or two ends, country in two letters, perhaps type."`
	SkipBad bool   `name:"skip-bad" help:"Leave lines out that cannot be taken, and say how many they are. Otherwise nothing is imported then."`
}

// Run imports a file.
func (c *binsImportCommand) Run(s *surroundings) error {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	ranges, skipped, err := admin.NewImport(filepath.Base(c.File), file, c.SkipBad)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if skipped != nil {
		fmt.Fprintf(s.err, "sluice: warning: %v\n", skipped)
	}
	return perform(s, &c.operator, admin.OpImportRanges, ranges, showRanges)
}

type binsShowCommand struct{ operator }

// Run shows the table.
func (c *binsShowCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpShowRanges, admin.Nothing{}, showRanges)
}

func showRanges(out io.Writer, r admin.RangesShown) error {
	text := fmt.Sprintf("%d ranges of cards from %d countries, imported %s from %s\n", r.Spans, r.Countries, toMinute(r.Imported), oneLine(r.Source))
	if r.BuiltIn {
		text = fmt.Sprintf("%d ranges of cards from %d countries, built in: %s\n", r.Spans, r.Countries, r.Source)
	}
	if !r.InForce.IsZero() {
		text += fmt.Sprintf("all nodes use it from %s on\n", shortTime(r.InForce))
	}
	_, err := io.WriteString(out, text)
	return err
}

type binsFindCommand struct {
	operator
	admin.FindRange
}

// Run looks into the table.
func (c *binsFindCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpFindRange, c.FindRange, func(out io.Writer, f admin.RangeFound) error {
		_, err := fmt.Fprintf(out, "%s: country %s, type %s\n", f.Digits, cmp.Or(f.Country, "not known"), cmp.Or(string(f.Type), "not known"))
		return err
	})
}

type binsResetCommand struct{ operator }

// Run removes what was imported.
func (c *binsResetCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpResetRanges, admin.Nothing{}, showRanges)
}
