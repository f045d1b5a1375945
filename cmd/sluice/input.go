package main

import (
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sluicepay/sluice/internal/config"
)

// secretTag marks the flags whose value is a secret.
const secretTag = "secret"

// readInputs has the parser read the flags of type:"input" from where the argument says.
func readInputs(s *surroundings) kong.Option {
	return kong.NamedMapper("input", kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		token := ctx.Scan.Peek()
		if token.Value == "-" { // a hyphen alone is no flag
			ctx.Scan.Pop()
		} else if err := ctx.Scan.PopValueInto("value", &token.Value); err != nil {
			return err
		}
		given, ok := token.Value.(string)
		if !ok {
			return fmt.Errorf("expected a text but got %v", token.Value)
		}
		text, err := config.ReadInput(given, s.env, s.in)
		if err != nil {
			return err
		}
		target.SetString(text)
		return nil
	}))
}

// warnOfSecrets says which secrets stand among the arguments. They are taken, as they always were, but every user of the
// machine can see them there.
func warnOfSecrets(w io.Writer, args []string, chosen *kong.Context) {
	said := map[string]bool{}
	for _, p := range chosen.Path {
		if p.Flag == nil || p.Resolved || said[p.Flag.Name] || !p.Flag.Tag.Has(secretTag) {
			continue
		}
		given, ok := argumentOf(args, "--"+p.Flag.Name)
		if !ok || !config.Literal(given) || !secretIn(given) {
			continue
		}
		said[p.Flag.Name] = true
		fmt.Fprintf(w, "sluice: warning: --%s holds a secret that every user of this machine can see among the arguments; "+
			"give @FILE or env:NAME instead and the text is read from there\n", p.Flag.Name)
	}
}

// argumentOf is what was given for a flag.
func argumentOf(args []string, flag string) (string, bool) {
	for i, a := range args {
		if a == "--" {
			break
		}
		if text, ok := strings.CutPrefix(a, flag+"="); ok {
			return text, true
		}
		if a == flag && i+1 < len(args) {
			return args[i+1], true
		}
	}
	return "", false
}

// secretIn reports whether a value is secret: an address is only if it holds a password.
func secretIn(given string) bool {
	u, err := url.Parse(given)
	if err != nil || u.Host == "" {
		return true
	}
	_, password := u.User.Password()
	return password || u.Query().Has("password")
}
