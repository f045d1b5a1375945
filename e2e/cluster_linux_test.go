package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/loopback"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// clusterConf is the configuration of each server of a cluster. What replicas need is what the page says: see documented.
const clusterConf = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
dynamic_shared_memory_type = mmap
max_connections = 100
shared_buffers = 64MB
wal_keep_size = 256MB
fsync = on
`

// documented is the block or command of the page for operators that begins so.
func documented(t *testing.T, begins string) string {
	t.Helper()
	for _, s := range snippets(t, "../docs/postgresql.md") {
		for _, text := range append([]string{s.text}, s.commands()...) {
			if strings.HasPrefix(text, begins) {
				return text
			}
		}
	}
	t.Fatalf("the page has no %s", begins)
	return ""
}

// cluster is a PostgreSQL server and, where it is given one, its synchronous replica. Both run as a user of no rights.
type cluster struct {
	bin, dir         string
	primary, replica *member
	entrance         *entrance
}

// member is one server of a cluster. It is killed with all its processes, as when its machine is lost.
type member struct {
	*process
	cluster                 *cluster
	name, data, port, wrote string
}

// newCluster starts a server without a database of ours; both names are among those whose confirmation its commits wait for
// where it is to have a replica.
func newCluster(t *testing.T, replicated bool) *cluster {
	t.Helper()
	storetest.New(t, store.Postgres) // where there is no PostgreSQL to test on, this is left out, too
	c := &cluster{bin: serverPrograms(t), dir: clusterDir(t)}
	conf := clusterConf
	if replicated {
		conf += documented(t, "synchronous_commit")
	}
	c.primary, c.replica = c.newMember(t, "one"), c.newMember(t, "two")
	c.run(t, "initdb", "-D", c.primary.data, "-A", "trust", "-U", "postgres", "--no-locale", "-E", "UTF8", "-N")
	file, err := os.OpenFile(filepath.Join(c.primary.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString(conf)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	c.entrance = newEntrance(t, c.primary.port)
	c.primary.serve(t)
	if replicated {
		c.build(t)
	}
	c.primary.ask(t, "CREATE DATABASE sluice")
	return c
}

// serverPrograms is the folder of the newest server that is here.
func serverPrograms(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(found, func(a, b string) int { return serverVersion(b) - serverVersion(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, filepath.Dir(path))
		}
	}
	for _, dir := range found {
		if _, err := os.Stat(filepath.Join(dir, "pg_basebackup")); err == nil && serverVersion(dir) >= 15 {
			return dir
		}
	}
	setting.Missing(t, setting.Programs, "there are no programs of a PostgreSQL server of version 15 or later")
	return ""
}

// serverVersion is the major version of the server in a folder, 0 for none.
func serverVersion(dir string) int {
	said, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	words := strings.Fields(string(said)) // postgres (PostgreSQL) 17.6 (Debian 17.6-0+deb13u1)
	if err != nil || len(words) < 3 {
		return 0
	}
	major, _ := strconv.Atoi(strings.SplitN(words[2], ".", 2)[0]) // 0 is none
	return major
}

// clusterDir is a folder that the servers' user can reach.
func clusterDir(t *testing.T) string {
	t.Helper()
	for _, parent := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		dir, err := os.MkdirTemp(parent, "e2e-pg-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Errorf("remove the servers' folder: %v", err)
			}
		})
		if os.Geteuid() != 0 {
			return dir
		}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		if commandOf("/", "test", "-w", dir).Run() == nil {
			return dir
		}
	}
	t.Fatal("the user who runs the servers can reach no folder for temporary files")
	return ""
}

func (c *cluster) newMember(t *testing.T, name string) *member {
	t.Helper()
	_, port, err := net.SplitHostPort(loopback.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	return &member{cluster: c, name: name, data: filepath.Join(c.dir, name), port: port, wrote: filepath.Join(c.dir, name+".log")}
}

// command is a program of the server's, as the user of no rights where we are root, whom servers refuse.
func (c *cluster) command(name string, args ...string) *exec.Cmd {
	args = append([]string{filepath.Join(c.bin, name)}, args...)
	if os.Geteuid() == 0 {
		return commandOf(c.dir, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Dir = environment(), c.dir
	return cmd
}

func (c *cluster) run(t *testing.T, name string, args ...string) {
	t.Helper()
	if said, err := c.command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said)
	}
}

// list is the URL that names both servers, of which one takes writes.
func (c *cluster) list(t *testing.T) string {
	t.Helper()
	return strings.NewReplacer("SLUICE_DATABASE=", "", "pay_serve", "postgres", "one.internal", "127.0.0.1:"+c.primary.port, "two.internal",
		"127.0.0.1:"+c.replica.port).Replace(documented(t, "SLUICE_DATABASE=")) + "&sslmode=disable"
}

// one is the URL of the address that is led to the primary.
func (c *cluster) one() string {
	return fmt.Sprintf("postgres://postgres@%s/sluice?sslmode=disable&target_session_attrs=read-write", c.entrance.address)
}

// standAlone loses the replica, and returns when more commits wait for it than the nodes have connections to write: they have
// stopped to wait for some.
func (c *cluster) standAlone(t *testing.T, nodes int) {
	t.Helper()
	c.replica.die(t)
	await(t, "commits that wait for a replica", 5*patience, func() bool {
		waiting, err := strconv.Atoi(c.primary.ask(t, "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
		return err == nil && waiting > 2*nodes
	})
}

// failOver loses the primary, has the replica take its place, and returns how long that took by itself.
func (c *cluster) failOver(t *testing.T) (promotion time.Duration) {
	t.Helper()
	c.primary.die(t)
	if !alive(c.replica.cmd.Process.Pid) {
		c.replica.serve(t)
	}
	began := time.Now()
	c.replica.ask(t, strings.Split(documented(t, "psql"), "'")[1])
	promotion = time.Since(began)
	c.primary, c.replica = c.replica, c.primary
	c.entrance.lead(c.primary.port)
	return promotion
}

// build makes the replica anew, a copy of the primary, and returns when commits wait for it.
func (c *cluster) build(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(c.replica.data); err != nil {
		t.Fatal(err)
	}
	quoted := strings.Split(documented(t, "pg_basebackup"), "'") // program, -D, folder, -d; what to connect to; the rest
	before, after := strings.Fields(quoted[0]), strings.Fields(quoted[2])
	before[2] = c.replica.data
	to := strings.NewReplacer("two.internal", "127.0.0.1 port="+c.primary.port, "replicator", "postgres").Replace(quoted[1])
	c.run(t, before[0], slices.Concat(before[1:], []string{to}, after, []string{"--no-sync"})...)
	c.replica.serve(t)
	looks := strings.Replace(documented(t, "SELECT application_name"), "application_name, state, sync_state", "COALESCE(MAX(sync_state), '')", 1)
	await(t, "the replica is a synchronous one", patience, func() bool { return c.primary.ask(t, looks) == "sync" })
}

// serve starts the server on its data and returns when it answers. A standby names itself by cluster_name.
func (m *member) serve(t *testing.T) {
	t.Helper()
	m.process = launchAs(t, m.wrote, m.cluster.command("postgres", "-D", m.data, "-p", m.port, "-c", "cluster_name="+m.name))
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		_, err := m.answer(t.Context(), "SELECT 'here'")
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server %s does not answer: %v; log:\n%s", m.name, err, tail(m.wrote))
		}
	}
}

// ask has the server answer one question by a text, in a connection of its own.
func (m *member) ask(t *testing.T, sql string) string {
	t.Helper()
	said, err := m.answer(t.Context(), sql)
	if err != nil {
		t.Fatalf("%s at the server %s: %v; log:\n%s", sql, m.name, err, tail(m.wrote))
	}
	return said
}

func (m *member) answer(ctx context.Context, sql string) (string, error) {
	conn, err := pgx.Connect(ctx, "postgres://postgres@127.0.0.1:"+m.port+"/postgres?sslmode=disable&connect_timeout=60")
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil || len(results) == 0 || len(results[0].Rows) == 0 {
		return "", err
	}
	return string(results[0].Rows[0][0]), nil
}

// die ends all processes of the server at once.
func (m *member) die(t *testing.T) {
	t.Helper()
	served := m.children(t)
	m.kill()
	for _, pid := range served {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have followed the first
	}
	await(t, "no process of the server is left", patience, func() bool {
		return !slices.ContainsFunc(served, alive)
	})
	m.forget()
}

// alive reports a process that is more than an entry which nobody has looked at yet.
func alive(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	state := bytes.TrimLeft(raw[bytes.LastIndexByte(raw, ')')+1:], " ")
	return err == nil && len(state) > 0 && state[0] != 'Z'
}

// children are the processes that serve its connections and do its work.
func (m *member) children(t *testing.T) (pids []int) {
	t.Helper()
	pid := strconv.Itoa(m.cmd.Process.Pid)
	raw, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		return nil // a kernel without: they end by themselves when they notice
	}
	for word := range strings.FieldsSeq(string(raw)) {
		child, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, child)
	}
	return pids
}

// forget gives back what a killed server leaves with the kernel: the segment by which it knows whether it still runs.
func (m *member) forget() {
	lines := bytes.Split(tail(filepath.Join(m.data, "postmaster.pid")), []byte("\n"))
	if len(lines) < 7 {
		return
	}
	if words := strings.Fields(string(lines[6])); len(words) == 2 {
		_ = exec.Command("ipcrm", "-m", words[1]).Run() // a few bytes, where there is no such program
	}
}

// entrance is one address in front of the servers, as a proxy or an address that moves is: it leads to the primary.
type entrance struct {
	address string
	port    atomic.Value // string
}

func newEntrance(t *testing.T, port string) *entrance {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	e := &entrance{address: l.Addr().String()}
	e.lead(port)
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go e.carry(from)
		}
	}()
	return e
}

func (e *entrance) lead(port string) { e.port.Store(port) }

// carry goes on with a connection until one end closes it.
func (e *entrance) carry(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", "127.0.0.1:"+e.port.Load().(string))
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(to, from) // its end is what counts
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
}
