package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

// options are the flags.
type options struct {
	quick    bool
	only     string
	seconds  float64
	rounds   int
	payments int
	dir      string
	keep     string
	on       string
	results  string
	binary   string
	noMock   bool
	profile  bool
	postgres string // from the environment
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := begin(ctx)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func begin(ctx context.Context) error {
	if len(os.Args) == 2 && os.Args[1] == posterWord {
		return bePoster(ctx, os.Stdin, os.Stdout)
	}
	return run(ctx, os.Args[1:], os.Stdout)
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "seconds instead of minutes: shows that everything works, measures nothing")
	f.StringVar(&o.only, "only", "", "parts to run, separated by commas, out of "+strings.Join(partNames(), ", "))
	f.Float64Var(&o.seconds, "seconds", 2.5, "time that each cell is measured for in each round")
	f.IntVar(&o.rounds, "rounds", 3, "rounds, in each of which every cell has its turn")
	f.IntVar(&o.payments, "payments", 1_000_050, "payments in the lists; the last page is where 50 are left")
	f.StringVar(&o.dir, "dir", "", "folder on a disk for temporary data (default: the system's)")
	f.StringVar(&o.keep, "keep", "", "folder on a disk where the filled databases of lists are kept, and found by a later run (default: thrown away)")
	f.StringVar(&o.on, "on", "", "the only database to measure on, sqlite or postgres (default: both)")
	f.StringVar(&o.results, "results", "", "folder for the table (default: bench/results, and nowhere with -quick)")
	f.StringVar(&o.binary, "binary", "", "measure this program rather than build one")
	f.BoolVar(&o.noMock, "no-mock", false, "leave stripe-mock out")
	f.BoolVar(&o.profile, "profile", false, "print how to profile the server, and do nothing else")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("no arguments are taken, but there is %q", f.Arg(0))
	}
	for _, name := range o.parts() {
		if !slices.Contains(partNames(), name) {
			return o, fmt.Errorf("-only: there is no part %q", name)
		}
	}
	if o.quick {
		o.seconds, o.rounds, o.payments = min(o.seconds, 0.4), 1, min(o.payments, 3_050)
	}
	if o.seconds <= 0 || o.rounds < 1 || o.payments < 2*pageSize {
		return o, errors.New("-seconds, -rounds and -payments must be larger")
	}
	o.postgres = os.Getenv(postgresEnv)
	if kind := store.Kind(o.on); o.on != "" && kind != store.SQLite && (kind != store.Postgres || o.postgres == "") {
		return o, fmt.Errorf("-on: there is no database %q", o.on)
	}
	return o, nil
}

// parts are the wanted parts, all where none is named.
func (o options) parts() []string {
	if o.only == "" {
		return partNames()
	}
	return strings.Split(o.only, ",")
}

func (o options) wants(part string) bool { return slices.Contains(o.parts(), part) }

// timing is that of each cell.
func (o options) timing() timing {
	count := time.Duration(o.seconds * float64(time.Second))
	return timing{warm: count / 8, count: count}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	opts, err := parse(args)
	if err != nil {
		return err
	}
	if opts.profile {
		fmt.Fprint(out, profileHelp)
		return nil
	}
	began := time.Now()
	l, err := newLab(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	l.report.facts, l.report.live = l.facts(ctx), out
	for _, p := range allParts() {
		if !p.wanted(opts) {
			continue
		}
		fmt.Fprintf(out, "%s: %s\n", time.Since(began).Round(time.Second), p.about)
		if err := p.run(l, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.about, err)
		}
	}
	l.report.facts.Lasted = time.Since(began).Round(time.Second).String()
	fmt.Fprint(out, "\n"+l.report.markdown())
	folder := opts.results
	if folder == "" && !opts.quick {
		folder = filepath.Join(l.root, "bench", "results")
	}
	if folder == "" {
		return nil
	}
	return l.report.write(folder)
}

const profileHelp = `The server has no profiling endpoint, on purpose: one that is reachable by mistake tells too much. Two ways do without.

perf, where it is installed (frame pointers are always there, symbols must not be stripped):

  go build -o /tmp/sluice ./cmd/sluice
  go run ./bench -binary /tmp/sluice -only create -rounds 1 -seconds 30 &
  perf record -g -p PID -- sleep 10 && perf report

pprof, by a build with one more file, which stays out of the tree:

  cat >/tmp/pprof.go <<'END'
  package main

  import (
  	"net/http"
  	_ "net/http/pprof"
  )

  func init() { go http.ListenAndServe("127.0.0.1:6060", nil) }
  END
  echo '{"Replace":{"'$PWD'/cmd/sluice/pprof.go":"/tmp/pprof.go"}}' >/tmp/overlay.json
  go build -overlay /tmp/overlay.json -o /tmp/sluice ./cmd/sluice
  go run ./bench -binary /tmp/sluice -only memory -seconds 30 &
  go tool pprof -top http://127.0.0.1:6060/debug/pprof/profile?seconds=20

Only one server at a time can have the port 6060: of the part "memory" they run one after another.
`
