package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/built"
	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

// patience is how long a process may take to answer or to end before the test gives up.
const patience = 60 * time.Second

func TestMain(m *testing.M) { built.Main(m) }

// sluice returns the path of the freshly built binary.
func sluice(t testing.TB) string { return built.Path(t) }

// environment is what processes see: ours without settings of sluice, plus extra.
func environment(extra ...string) []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "SLUICE_") {
			env = append(env, entry)
		}
	}
	return append(env, extra...)
}

// process is one running binary. Its end is noticed whatever brings it about.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; valid once done is closed
}

// launch starts the binary with its standard error appended to the file log.
func launch(t testing.TB, log string, args ...string) *process {
	t.Helper()
	return launchBy(t, log, sluice(t), args...)
}

// launchBy is launch by another command, which becomes the binary.
func launchBy(t testing.TB, log, command string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(command, args...)
	cmd.Env = environment()
	return launchAs(t, log, cmd)
}

// launchAs is launch for a command that somebody else has made.
func launchAs(t testing.TB, log string, cmd *exec.Cmd) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := &process{cmd: cmd, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { p.kill() })
	return p
}

// kill ends the process at once, as a crash would, and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may be over already
	<-p.done
}

// terminate asks the process to stop.
func (p *process) terminate(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("SIGTERM: %v", err)
	}
}

// exit waits for the end and returns the exit code.
func (p *process) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("process %d does not end", p.cmd.Process.Pid)
	}
	var failed *exec.ExitError
	if p.err != nil && !errors.As(p.err, &failed) {
		t.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop is terminate and exit, and expects 0.
func (p *process) stop(t testing.TB) {
	t.Helper()
	p.terminate(t)
	if code := p.exit(t); code != 0 {
		t.Errorf("after SIGTERM: exit code %d, want 0", code)
	}
}

// awaitReady reads the ready file into v as soon as it is there, or fails with the end of the log.
func (p *process) awaitReady(t testing.TB, ready, log string, v any) {
	t.Helper()
	if err := p.readiness(ready, v); err != nil {
		t.Fatalf("%v; log:\n%s", err, tail(log))
	}
}

func (p *process) readiness(ready string, v any) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		raw, err := os.ReadFile(ready)
		if err == nil {
			return json.Unmarshal(raw, v)
		}
		select {
		case <-p.done:
			return fmt.Errorf("the process ended before it was ready: %w", p.err)
		default:
		}
	}
	return errors.New("the process is not ready in time")
}

func tail(path string) []byte {
	raw, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return raw[max(0, len(raw)-4000):]
}

// runOnce runs a command to its end and returns its output and exit code.
func runOnce(t testing.TB, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return runBy(t, sluice(t), env, args...)
}

// runBy is runOnce of another binary.
func runBy(t testing.TB, path string, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(path, args...)
	var out, fault bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(env...), &out, &fault
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("run %v: %v", args, err)
	}
	return out.String(), fault.String(), cmd.ProcessState.ExitCode()
}

// simulator is the provider as a process of its own, so that it outlives the servers that are killed.
type simulator struct {
	*process
	URL    string `json:"simulatorUrl"`
	APIKey string `json:"apiKey"`
	ledger string
	log    string
}

func startSimulator(t testing.TB, dir string) *simulator {
	t.Helper()
	s := &simulator{ledger: filepath.Join(dir, "ledger.ndjson"), log: filepath.Join(dir, "simulator.log")}
	ready := filepath.Join(dir, "simulator.json")
	s.process = launch(t, s.log, "simulator", "--listen", "127.0.0.1:0", "--ledger", s.ledger,
		"--api-key", "sandbox_e2e_0123456789", "--ready-file", ready)
	s.awaitReady(t, ready, s.log, s)
	return s
}

// server is the engine under test. start and kill it as often as wanted: address and data stay.
type server struct {
	*process
	args  []string
	data  string
	log   string
	ready string
	base  string
	facts readyFacts
	ahead time.Duration // of its clock: see program
}

// readyFacts is the content of the ready file.
type readyFacts struct {
	BaseURL      string `json:"baseUrl"`
	ShopID       string `json:"shopId"`
	APIKey       string `json:"apiKey"`
	SigningKey   string `json:"signingKey"`
	SimulatorURL string `json:"simulatorUrl"`
	PID          int    `json:"pid"`
}

// newServer prepares a server on a data folder in dir; database is a URL or empty for SQLite.
func newServer(t testing.TB, dir, database string, args ...string) *server {
	t.Helper()
	s := &server{
		data: filepath.Join(dir, "data"), log: filepath.Join(dir, "server.log"), ready: filepath.Join(dir, "ready.json"),
	}
	s.base = "http://" + loopback.Address(t)
	s.args = append([]string{"serve", "--listen", strings.TrimPrefix(s.base, "http://"), "--data", s.data,
		"--ready-file", s.ready, "--log-level", "debug"}, args...)
	if database != "" {
		s.args = append(s.args, "--database", database)
	}
	return s
}

// start runs the server and returns once it answers.
func (s *server) start(t testing.TB) {
	t.Helper()
	_ = os.Remove(s.ready) // one that was killed left its file behind
	command, env := s.program(t)
	cmd := exec.Command(command, s.args...)
	cmd.Env = environment(env...)
	s.process = launchAs(t, s.log, cmd)
	s.awaitReady(t, s.ready, s.log, &s.facts)
}

// program is the binary, and what a process of it is told where its clock is to be ahead of ours.
func (s *server) program(t testing.TB) (path string, env []string) {
	t.Helper()
	if s.ahead == 0 {
		return sluice(t), nil
	}
	return built.Clocked(t), []string{"TEST_CLOCK=" + time.Now().Add(s.ahead).Format(time.RFC3339Nano)}
}

// admin runs an administrative command on the server's data and decodes its answer.
func (s *server) admin(t testing.TB, v any, args ...string) {
	t.Helper()
	args = s.arguments(args...)
	out, fault, code := runOnce(t, nil, args...)
	if code != 0 {
		t.Fatalf("sluice %v: exit code %d\n%s", args, code, fault)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatalf("sluice %v: %v in %s", args, err, out)
	}
}

// arguments are those of an administrative command on the server's data.
func (s *server) arguments(args ...string) []string {
	args = append(args, "--data", s.data)
	if at := indexOf(s.args, "--database"); at >= 0 {
		args = append(args, s.args[at:at+2]...)
	}
	return args
}

func indexOf(list []string, want string) int {
	for i, s := range list {
		if s == want {
			return i
		}
	}
	return -1
}

// newShop makes, by the command line and while the server runs, a shop with a terminal at the simulator.
func (s *server) newShop(t testing.TB, sim *simulator) *client {
	t.Helper()
	return s.newShopAt(t, sim, 0)
}

// newImpatientShop is newShop with a limit for provider calls, 0 for the usual one. Leases last little longer.
func (s *server) newImpatientShop(t testing.TB, sim *simulator, limit time.Duration) *client {
	t.Helper()
	return s.newShopAt(t, sim, limit)
}

// newUntriedShop is newShop for a server that is to have no connection to the provider yet.
func (s *server) newUntriedShop(t testing.TB, sim *simulator) *client {
	t.Helper()
	return s.newShopAt(t, sim, 0, "--no-trial")
}

func (s *server) newShopAt(t testing.TB, sim *simulator, limit time.Duration, flags ...string) *client {
	t.Helper()
	return s.newShopSet(t, sim, limit, "{}", flags...)
}

// newShopSet is newShopAt with settings of the shop.
func (s *server) newShopSet(t testing.TB, sim *simulator, limit time.Duration, set string, flags ...string) *client {
	t.Helper()
	var shop struct{ ShopID, APIKey, SigningKey string }
	s.admin(t, &shop, "shop", "create", "--settings", set, "--name", "Shop "+strconv.FormatInt(time.Now().UnixNano(), 36))
	settings, err := json.Marshal(object{"url": sim.URL, "apiKey": sim.APIKey, "timeoutMs": limit.Milliseconds()})
	if err != nil {
		t.Fatal(err)
	}
	var terminal struct{ TerminalID, TerminalName string }
	s.admin(t, &terminal, append([]string{"terminal", "create", "--shop", shop.ShopID, "--name", "sandbox", "--connector", "sandbox",
		"--settings", string(settings)}, flags...)...)
	if shop.APIKey == "" || terminal.TerminalID == "" {
		t.Fatalf("shop %+v, terminal %+v", shop, terminal)
	}
	return newClient(s.base, shop.APIKey)
}

// shortDir is a folder with a short name: the path of a socket in it may not be long.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the test's folder: %v", err)
		}
	})
	return dir
}

// onEach runs fn on a fresh database of either kind; url is empty for SQLite. Both run at the same time.
func onEach(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		fn(t, d.Options(func(o *store.Options) { o.Migrate = false }).URL)
	})
}
