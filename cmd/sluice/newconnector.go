package main

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/kit"
)

type connectorCommands struct {
	Check connectorCheckCommand `cmd:"" help:"Say what is wrong with a file that declares a connector, and what it can do; with settings also what its provider answers to a call that moves nothing."`
	New   connectorNewCommand   `cmd:"" help:"Write the beginning of a connector into the checkout of the repository that you are in, with tests that fail for what is missing."`
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

type connectorCheckCommand struct {
	File     string `arg:"" help:"The file."`
	Settings string `name:"settings" placeholder:"@FILE" type:"input" secret:"" help:"A terminal's settings, as a JSON object from @FILE, from - for standard input, or from env:NAME: then the provider is asked."`
	Answer   string `name:"answer" placeholder:"@FILE" type:"input" help:"An answer of the provider that you have kept, from @FILE or from - for standard input: then the file's rules say what it proves, and why others do not fit. Nothing is sent."`
	Call     string `name:"call" default:"status" placeholder:"CALL" help:"The call that it answers, as the file names it: sale, hold, capture, status and so on, or notice."`
	For      string `name:"for" placeholder:"KIND" help:"What a question is about: deposit, capture, void, refund or payout; otherwise a deposit."`
	Status   int    `name:"http" default:"200" placeholder:"STATUS" help:"The HTTP status of the answer."`
	Key      string `name:"key" placeholder:"KEY" help:"Our key, where the answer tells more than one or none."`
}

// Run checks the file, all of it at once, and asks its provider where there are settings.
func (c connectorCheckCommand) Run(s *surroundings) error {
	t, err := app.DeclaredConnector(c.File)
	if err != nil {
		return err
	}
	can, err := t.Can()
	if err != nil {
		return err
	}
	if c.Answer != "" {
		return c.try(s)
	}
	if err := table(s.out, app.AbilityHeads, [][]string{app.AbilityCells(&can)}); err != nil || c.Settings == "" {
		return err
	}
	said, err := app.AskProvider(s.ctx, t, []byte(c.Settings))
	if err == nil {
		_, err = fmt.Fprintln(s.out, said)
	}
	return err
}

// try says what an answer proves.
func (c connectorCheckCommand) try(s *surroundings) error {
	said, err := app.TryAnswer(c.File, app.AnswerTrial{Call: c.Call, For: c.For, Key: c.Key, Status: c.Status, Body: []byte(c.Answer)})
	for _, line := range said {
		if _, err := fmt.Fprintln(s.out, line); err != nil {
			return err
		}
	}
	return err
}
