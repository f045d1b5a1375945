package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/declared"
	"github.com/sluicepay/sluice/internal/outbound"
)

// mostDeclared bounds a file that declares a connector, in bytes.
const mostDeclared = 1 << 20

// connectorTypes are the adapters of the program, and those that the files of a folder declare, *.json; empty for no folder. The error
// names all that is wrong with all files.
func connectorTypes(dir string) ([]connector.Type, error) {
	all := connectors()
	if dir == "" {
		return all, nil
	}
	files, err := filepath.Glob(filepath.Join(escaped(dir), "*.json"))
	if err == nil && len(files) == 0 {
		err = errors.New("there is no file *.json in it")
	}
	if err != nil {
		return nil, fmt.Errorf("connectors in %s: %w", dir, err)
	}
	var faults []error
	for _, file := range files {
		t, err := DeclaredConnector(file)
		if err == nil && slices.ContainsFunc(all, func(o connector.Type) bool { return o.Name == t.Name }) {
			err = fmt.Errorf("%s: there is a connector %s already", file, t.Name)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		all = append(all, t)
	}
	return all, errors.Join(faults...)
}

// escaped is a folder as a pattern that means that folder alone.
func escaped(dir string) string {
	var pattern []rune
	for _, r := range dir {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			pattern = append(pattern, '\\')
		}
		pattern = append(pattern, r)
	}
	return string(pattern)
}

// DeclaredConnector is the connector that a file declares. The error names all that is wrong with it, with lines.
func DeclaredConnector(file string) (connector.Type, error) {
	raw, err := readDeclared(file)
	if err != nil {
		return connector.Type{}, err
	}
	t, err := declared.Load(raw)
	if err != nil {
		return t, fmt.Errorf("%s:\n%w", file, err)
	}
	if _, err := t.Can(); err != nil {
		return t, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// TryAnswer judges an answer that was kept by the rules of such a file, and says what it proves: a line each.
func TryAnswer(file string, t AnswerTrial) ([]string, error) {
	raw, err := readDeclared(file)
	if err != nil {
		return nil, err
	}
	v, err := declared.Try(raw, t)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	var said []string
	for _, why := range v.Not {
		said = append(said, "does not fit: "+why)
	}
	if v.Line > 0 {
		said = append(said, fmt.Sprintf("fits: line %d", v.Line))
	}
	if len(v.Open) > 0 {
		said = append(said, "taken for granted, because only the request has it: "+strings.Join(v.Open, ", "))
	}
	return append(said, proved(&v)), nil
}

// AnswerTrial is an answer of a provider that somebody has kept.
type AnswerTrial = declared.Trial

// proved writes what an answer has proved.
func proved(v *declared.Verdict) string {
	f := &v.Fact
	if v.Err != nil {
		return "UNKNOWN: " + v.Err.Error()
	}
	if f.NotFound {
		return "NOT_FOUND: the provider has nothing under the key " + v.Key
	}
	said := []string{string(f.Class)}
	for _, one := range []struct{ name, value string }{
		{"key", v.Key}, {"id", f.ProviderRef}, {"amount", string(f.Echoed.Currency)}, {"code", string(f.Code)}, {"the provider's code", f.RawCode},
		{"page", f.Next.URL}, {"card", f.Instrument.CustomerAccountNumber},
	} {
		switch {
		case one.value == "":
		case one.name == "amount":
			said = append(said, fmt.Sprintf("amount %s %s", f.Echoed.Amount, f.Echoed.Currency))
		default:
			said = append(said, one.name+" "+one.value)
		}
	}
	if f.Credential != "" {
		said = append(said, "a credential to charge again")
	}
	return strings.Join(said, ", ")
}

func readDeclared(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > mostDeclared {
		err = fmt.Errorf("%s is longer than %d bytes", file, mostDeclared)
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("declared connector: %w", err)
	}
	return raw, nil
}

// AskProvider makes the call of a connector that moves nothing, by a terminal's settings, and says what came of it.
func AskProvider(ctx context.Context, t connector.Type, settings json.RawMessage) (string, error) {
	config, err := t.Parse(settings)
	if err != nil {
		return "", fmt.Errorf("settings: %w", err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: t.Loggable})
	defer client.CloseIdle()
	c, err := config.Open(connector.Deps{Client: client, Now: time.Now, Random: rand.Reader})
	if err != nil {
		return "", fmt.Errorf("open %s: %w", t.Name, err)
	}
	prober, ok := connector.As[connector.Prober](c)
	if !ok {
		return "the connector has no call that moves nothing: declare \"probe\"", nil
	}
	if err := prober.Probe(ctx); err != nil {
		return "", fmt.Errorf("the provider does not take these settings: %w", err)
	}
	return "the provider takes these settings", nil
}
