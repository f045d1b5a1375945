// Package kit writes the beginning of a connector: its folder, its double, its page and its line in the registry, with tests that fail for
// everything that is still missing. What it writes is in templates/.
//
// It works inside a checkout of the repository, changes nothing that is there but the registry, and calls nobody.
package kit

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// written says which template becomes which file; NAME stands for the connector's.
var written = []struct{ template, file string }{
	{"doc.go.tmpl", "internal/connector/NAME/doc.go"},
	{"connector.go.tmpl", "internal/connector/NAME/NAME.go"},
	{"config.go.tmpl", "internal/connector/NAME/config.go"},
	{"units.go.tmpl", "internal/connector/NAME/units.go"},
	{"declines.go.tmpl", "internal/connector/NAME/declines.go"},
	{"conformance_test.go.tmpl", "internal/connector/NAME/conformance_test.go"},
	{"published_test.go.tmpl", "internal/connector/NAME/published_test.go"},
	{"double.go.tmpl", "internal/double/NAME/double.go"},
	{"page.md.tmpl", "docs/connectors/NAME.md"},
}

const registry = "internal/app/connectors.go"

// New writes the beginning of a connector into the checkout that the folder belongs to and returns the files that it wrote or changed, by
// their path in the checkout. Where it fails nothing is left changed.
func New(dir, name string) ([]string, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	root, err := checkout(dir)
	if err != nil {
		return nil, err
	}
	changed := map[string][]byte{}
	var files []string
	for _, w := range written {
		file := strings.ReplaceAll(w.file, "NAME", name)
		if _, err := os.Stat(filepath.Join(root, file)); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is there already: %s is no new connector", file, name)
		}
		if changed[file], err = rendered(w.template, name); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	before, err := os.ReadFile(filepath.Join(root, registry))
	if err != nil {
		return nil, fmt.Errorf("read the registry: %w", err)
	}
	if changed[registry], err = registered(before, name); err != nil {
		return nil, err
	}
	files = append(files, registry)
	return files, write(root, files, changed, before)
}

func write(root string, files []string, changed map[string][]byte, before []byte) error {
	for i, file := range files {
		path := filepath.Join(root, file)
		err := os.MkdirAll(filepath.Dir(path), 0o755) //nolint:gosec // source code is for everybody
		if err == nil {
			err = os.WriteFile(path, changed[file], 0o644) //nolint:gosec // source code is for everybody
		}
		if err == nil {
			continue
		}
		for _, made := range files[:i] {
			_ = os.Remove(filepath.Join(root, made))
			_ = os.Remove(filepath.Dir(filepath.Join(root, made))) // if nothing else is in it
		}
		return errors.Join(fmt.Errorf("write %s: %w", file, err), os.WriteFile(filepath.Join(root, registry), before, 0o644)) //nolint:gosec // as above
	}
	return nil
}

func checkName(name string) error {
	for i, r := range name {
		if !('a' <= r && r <= 'z' || i > 0 && '0' <= r && r <= '9') {
			name = ""
			break
		}
	}
	if len(name) < 2 || len(name) > 32 || token.IsKeyword(name) {
		return errors.New("the name of a connector is that of a Go package: 2 to 32 lower-case letters and digits, beginning with a letter")
	}
	return nil
}

const module = "github.com/sluicepay/sluice"

// checkout is the root of the repository that the folder belongs to.
func checkout(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("folder %s: %w", dir, err)
	}
	for {
		mod, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module "+module+"\n")) {
			if _, err := os.Stat(filepath.Join(at, registry)); err == nil {
				return at, nil
			}
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is in no checkout of %s: a connector is written in its repository, or declared in a file, which needs none", dir, module)
		}
		at = filepath.Dir(at)
	}
}

// rendered is a template with the connector's name, formatted where it is code.
func rendered(name, connector string) ([]byte, error) {
	t, err := template.New(name).Delims("<<", ">>").ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, map[string]string{"Name": connector, "Title": strings.ToUpper(connector[:1]) + connector[1:]}); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	if !strings.HasSuffix(strings.TrimSuffix(name, ".tmpl"), ".go") {
		return out.Bytes(), nil
	}
	code, err := format.Source(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return code, nil
}

// registered is the registry with one more line.
func registered(before []byte, name string) ([]byte, error) {
	const imported = "\t\"" + module + "/internal/connector/sandbox\"\n"
	const listed = "\t\tsandbox.Type(),\n"
	text := string(before)
	if strings.Count(text, imported) != 1 || strings.Count(text, listed) != 1 {
		return nil, fmt.Errorf("%s is not as it was: the line for %s has to be written by hand", registry, name)
	}
	text = strings.Replace(text, imported, imported+"\t\""+module+"/internal/connector/"+name+"\"\n", 1)
	text = strings.Replace(text, listed, listed+"\t\t"+name+".Type(),\n", 1)
	code, err := format.Source([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", registry, err)
	}
	return code, nil
}
