// Command sluice is the payment engine: one binary that serves the merchant APIs and
// the hosted page, keeps its database, and administers shops and keys. It contains no
// rules of its own: each subcommand is one file that parses, wires and prints.
//
// Read package app for how the parts are put together, serve.go for how they run.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/telemetry"
)

// version is set at build time.
var version = "dev"

type commands struct {
	Serve     serveCommand     `cmd:"" help:"Run the engine: merchant API, payment page and, with --demo, a demo shop and the simulator."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database up to date and stop."`
	Doctor    doctorCommand    `cmd:"" help:"Say what is not as it should be with the database: its schema, and the layout of its tables on a Citus."`
	Backup    backupCommand    `cmd:"" help:"Write keys and database into a new folder, while the server runs."`
	Restore   restoreCommand   `cmd:"" help:"Make a new installation of a backup, under a new epoch."`
	Vault     vaultCommands    `cmd:"" help:"See and rotate the keys by which secrets in the database are sealed."`
	Shop      shopCommands     `cmd:"" help:"Create, list, change and rename shops."`
	Key       keyCommands      `cmd:"" help:"Create, list and revoke API keys."`
	Terminal  terminalCommands `cmd:"" help:"Create, show, change and remove a shop's terminals: its accounts at providers."`
	Bins      binsCommands     `cmd:"" help:"Import and look into the table that tells where cards were issued."`
	Payment   paymentCommands  `cmd:"" help:"List and show payments, do what the merchant could, and correct what needs a human."`
	Link      linkCommands     `cmd:"" help:"Make, show and cancel payment links: addresses of payments to send to customers, and their QR codes."`
	Notice    noticeCommands   `cmd:"" help:"List, show and retry notices of providers that could not be booked."`
	Lists     listCommands     `cmd:"" help:"Check the counts by which pages of long lists are found."`
	Alarms    alarmCommands    `cmd:"" help:"See and acknowledge what a human has to look at."`
	Audit     auditCommands    `cmd:"" help:"See what people did to this installation, and verify that the record of it is whole."`
	Webhook   webhookCommands  `cmd:"" help:"See and steer deliveries to merchants' endpoints."`
	Listen    listenCommand    `cmd:"" help:"Follow the events of a shop and post them like webhooks to a developer's machine."`
	Simulator simulatorCommand `cmd:"" help:"Run the sandbox provider alone."`

	Connector  connectorCommands `cmd:"" help:"Begin a connector to another provider."`
	Connectors connectorsCommand `cmd:"" help:"Tell which providers there are, what each can do, and the settings of its terminals."`
	Version    versionCommand    `cmd:"" help:"Print the version."`

	Help        helpCommand       `cmd:"" help:"Tell about a command, as \"sluice help shop create\"."`
	Completion  completionCommand `cmd:"" help:"Print a script that completes command lines in a shell."`
	VersionFlag kong.VersionFlag  `name:"version" help:"Print the version."`
}

// surroundings are what every command is given instead of taking it.
type surroundings struct {
	ctx context.Context //nolint:containedctx // the command line parser hands over one value, and it ends with the process
	in  io.Reader       // standard input; nil for none
	out io.Writer
	err io.Writer
	env []string
}

func main() {
	private.Umask()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(os.Args[1:], &surroundings{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ()})
	stop()
	os.Exit(code)
}

// Exit codes: 0 done, 1 it did not work, 2 it was asked for wrongly, 3 it is not known yet whether it worked.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitNotKnown = 3
)

// errNotKnown ends a command whose effect is not known.
var errNotKnown = errors.New("the outcome is not known")

func run(args []string, s *surroundings) int {
	exited := -1
	parser, err := kong.New(&commands{}, kong.Name("sluice"), kong.Writers(s.out, s.err), kong.UsageOnError(), readInputs(s),
		kong.Description("Sluice, a payment engine that a business runs itself."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Exit(func(code int) { exited = code }),
		kong.Vars{"version": "sluice " + version})
	if err != nil {
		fmt.Fprintln(s.err, "sluice:", err)
		return exitFailed
	}
	explain(parser.Model.Node)
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help": // of a command that need not be complete
		args = append(slices.Clone(args[1:]), "--help")
	}
	chosen, err := parser.Parse(args)
	if exited >= 0 { // help was printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(s.err, "sluice: %s\nRun \"sluice --help\" for what it understands.\n", misread(err, args))
		return exitUsage
	}
	warnOfSecrets(s.err, args, chosen)
	if err := chosen.Run(s, parser); err != nil {
		fmt.Fprintln(s.err, "sluice:", telemetry.MaskSecrets(err.Error()))
		switch {
		case errors.Is(err, config.ErrInvalid):
			return exitUsage
		case errors.Is(err, errNotKnown):
			return exitNotKnown
		}
		return exitFailed
	}
	return 0
}

// helpCommand is here to be listed: run asks for the help of the words that follow it before they are read.
type helpCommand struct {
	Command []string `arg:"" optional:"" name:"command" help:"The command; all of them are listed without one."`
}

// Run is not reached.
func (helpCommand) Run() error { return nil }

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s *surroundings) error {
	_, err := fmt.Fprintln(s.out, "sluice", version)
	return err
}
