// Command decoders adds to each generated Go client in the folders that it is given a table of the functions that read
// its answers, by operation in lower case: generators name and hide them as they like.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var decoder = regexp.MustCompile(`(?m)^func ((?:decode|Parse)(\w+)Response)\((?:resp|rsp) \*http\.Response\)`)

func main() {
	for _, folder := range os.Args[1:] {
		if err := add(folder); err != nil {
			fmt.Fprintln(os.Stderr, "decoders:", err)
			os.Exit(1)
		}
	}
}

func add(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return err
	}
	var table strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, found := range decoder.FindAllStringSubmatch(string(text), -1) {
			fmt.Fprintf(&table, "\t%q: func(r *http.Response) (any, error) { return %s(r) },\n", strings.ToLower(found[2]), found[1])
		}
	}
	if table.Len() == 0 {
		return fmt.Errorf("no function that reads an answer is in %s", folder)
	}
	text := fmt.Sprintf("package %s\n\nimport \"net/http\"\n\n// Decoders are by operation.\nvar Decoders = map[string]func(*http.Response) (any, error){\n%s}\n",
		filepath.Base(folder), table.String())
	return os.WriteFile(filepath.Join(folder, "decoders.go"), []byte(text), 0o600)
}
