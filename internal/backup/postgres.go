package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/store"
)

// ErrNoTools says that PostgreSQL's client programs are missing or too old.
var ErrNoTools = errors.New("PostgreSQL's client programs are needed")

// debian is where Debian keeps the programs of each version.
const debian = "/usr/lib/postgresql/*/bin"

var major = regexp.MustCompile(`\) (\d+)`)

// program is one of PostgreSQL's, of that version.
type program struct {
	path  string
	major int
}

// tool finds one of PostgreSQL's programs that is not older than the server: in the folder that is given, or in the search path
// and where Debian has it.
func tool(ctx context.Context, name, folder string, server int) (program, error) {
	candidates := []string{filepath.Join(folder, name)}
	if folder == "" {
		candidates, _ = filepath.Glob(filepath.Join(debian, name)) // the pattern is a constant
		slices.Reverse(candidates)
		if found, err := exec.LookPath(name); err == nil {
			candidates = append([]string{found}, candidates...)
		}
	}
	var seen []string
	for _, path := range candidates {
		out, err := exec.CommandContext(ctx, path, "--version").Output() //nolint:gosec // of the operator's choice
		if err != nil {
			continue
		}
		if v := major.FindSubmatch(out); v != nil {
			if n, err := strconv.Atoi(string(v[1])); err == nil && n >= server/10_000 {
				return program{path, n}, nil
			}
		}
		seen = append(seen, path+" ("+strings.TrimSpace(string(out))+")")
	}
	if len(seen) > 0 {
		return program{}, fmt.Errorf("%w: %s of version %d or later, as the server has; found only %s", ErrNoTools, name, server/10_000, strings.Join(seen, ", "))
	}
	return program{}, fmt.Errorf("%w: there is no %s of version %d or later; install the package postgresql-client-%d or name its folder",
		ErrNoTools, name, server/10_000, server/10_000)
}

// dump writes a PostgreSQL database into a file.
func (s Source) dump(ctx context.Context, m *Manifest, path string) (store.Inventory, error) {
	return s.DB.Export(ctx, func(at store.Snapshot) error {
		m.Server, m.Home = at.Server, at.Schema
		program, err := tool(ctx, "pg_dump", s.Tools, at.Server)
		if err != nil {
			return err
		}
		err = program.run(ctx, s.URL, s.DB.Checked(), filepath.Dir(path), "--format=custom", "--no-owner", "--no-privileges", "--no-password",
			"--snapshot="+at.ID, `--table="`+at.Schema+`".*`, "--file="+path)
		if err != nil {
			return err
		}
		if err := os.Chmod(path, 0o600); err != nil {
			return fmt.Errorf("dump: %w", err)
		}
		return sync(path)
	})
}

// load reads such a file into an empty database, all or nothing.
func (r *restoring) load(ctx context.Context, here store.Snapshot) error {
	m := &r.done.Manifest
	if here.Schema != m.Home {
		return fmt.Errorf("the backup's tables are in the schema %q, those of this database would be in %q", m.Home, here.Schema)
	}
	program, err := tool(ctx, "pg_restore", r.Tools, max(here.Server, m.Server))
	if err != nil {
		return err
	}
	return program.run(ctx, r.URL, true, r.draft, "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--no-password",
		"--dbname=service=sluice", filepath.Join(r.Dir, dumpFile))
}

// run starts one of the programs. How the server is reached, and the password, stand in a file for this user only: arguments
// can be read by everybody on the machine.
//
// checked is as in [store.ToolSettings].
func (p program) run(ctx context.Context, url string, checked bool, scratch string, args ...string) error {
	more, err := store.ToolSettings(url, checked, p.major)
	if err != nil {
		return err
	}
	service, password, err := serviceOf(url, p.major, more)
	if err != nil {
		return err
	}
	file := filepath.Join(scratch, ".service")
	if err := writeSynced(file, []byte(service)); err != nil {
		return err
	}
	defer func() { _ = os.Remove(file) }()           // the folder goes, too, if this fails
	cmd := exec.CommandContext(ctx, p.path, args...) //nolint:gosec // of the operator's choice
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PG") && !strings.HasPrefix(entry, "SLUICE_") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, "PGSERVICEFILE="+file, "PGSERVICE=sluice", "LC_ALL=C")
	var said bytes.Buffer
	cmd.Stderr = &said
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		text := strings.TrimSpace(said.String())
		if password != "" {
			text = strings.ReplaceAll(text, password, "***")
		}
		return fmt.Errorf("%s: %w: %s", filepath.Base(p.path), err, text)
	}
	return nil
}

// known are the settings of a URL that PostgreSQL's own programs take; others are those of our driver.
var known = []string{
	"host", "hostaddr", "port", "dbname", "user", "password", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword",
	"sslnegotiation", "sslsni", "sslcrl", "ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding", "require_auth",
	"connect_timeout", "target_session_attrs", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
	"tcp_user_timeout", "gssencmode", "krbsrvname", "options",
}

// since lists settings that the programs know from a version on; older ones refuse a file that has them.
var since = map[string]int{"require_auth": 16, "sslnegotiation": 17}

// serviceOf is a URL, with more settings, as a section of a service file for programs of that version.
func serviceOf(text string, major int, more map[string]string) (service, password string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", "", errors.New("the database URL is not understood") // its own error repeats the password
	}
	values := map[string]string{"dbname": strings.TrimPrefix(u.Path, "/"), "application_name": "sluice backup"}
	for key, all := range u.Query() {
		if slices.Contains(known, key) && major >= since[key] && len(all) > 0 {
			values[key] = all[len(all)-1]
		}
	}
	maps.Copy(values, more)
	var hosts, ports []string
	for at := range strings.SplitSeq(u.Host, ",") {
		one := url.URL{Host: at}
		if name := one.Hostname(); name != "" {
			hosts, ports = append(hosts, name), append(ports, one.Port())
		}
	}
	if len(hosts) > 0 {
		values["host"] = strings.Join(hosts, ",")
		if strings.Trim(strings.Join(ports, ""), " ") != "" {
			values["port"] = strings.Join(ports, ",")
		}
	}
	if u.User != nil {
		values["user"] = u.User.Username()
		if p, given := u.User.Password(); given {
			values["password"] = p
		}
	}
	var b strings.Builder
	b.WriteString("[sluice]\n")
	for _, key := range sortedKeys(values) {
		value := values[key]
		if strings.ContainsAny(value, "\r\n") {
			return "", "", fmt.Errorf("the database URL has a line break in %s", key)
		}
		if value != "" {
			b.WriteString(key + "=" + value + "\n")
		}
	}
	return b.String(), values["password"], nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
