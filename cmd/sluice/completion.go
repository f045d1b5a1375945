package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" name:"shell" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help says how the script is used.
func (completionCommand) Help() string {
	return `bash: source <(sluice completion bash), in ~/.bashrc.

zsh: sluice completion zsh > "${fpath[1]}/_sluice", once.

fish: sluice completion fish > ~/.config/fish/completions/sluice.fish, once.`
}

// Run prints a script that completes command lines of this version.
func (c *completionCommand) Run(s *surroundings, parser *kong.Kong) error {
	write := map[string]func(io.Writer, []completed) error{"bash": writeBash, "zsh": writeZsh, "fish": writeFish}[c.Shell]
	return write(s.out, completions(parser))
}

// completed is what may follow the words of one command.
type completed struct {
	path  string // "" for the program, else as "shop create"
	help  string
	next  []option // commands below it, or the words its argument can be
	flags []option
}

// option is one word that may come next.
type option struct {
	name, help string
	takes      bool // a value follows this flag
	words      []string
	files      bool // its value is the name of a file or folder
}

// wordsOf are the values of flags that the command line takes as any text and something behind it checks.
var wordsOf = map[string][]string{"log-level": {"debug", "info", "warn", "error"}, "log-format": {"json", "text"}}

// completions returns every command of the program, itself first.
func completions(parser *kong.Kong) []completed {
	var all []completed
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		c := completed{path: path, help: firstSentence(n.Help)}
		for _, child := range n.Children {
			if !child.Hidden {
				c.next = append(c.next, option{name: child.Name, help: firstSentence(child.Help)})
			}
		}
		for _, arg := range n.Positional {
			for _, word := range wordsIn(arg) {
				c.next = append(c.next, option{name: word})
			}
		}
		for _, group := range n.AllFlags(true) {
			for _, f := range group {
				c.flags = append(c.flags, optionsOf(f)...)
			}
		}
		slices.SortFunc(c.flags, func(a, b option) int { return cmp.Compare(a.name, b.name) })
		all = append(all, c)
		for _, child := range n.Children {
			if !child.Hidden {
				walk(child, strings.TrimSpace(path+" "+child.Name))
			}
		}
	}
	walk(parser.Model.Node, "")
	return all
}

// optionsOf returns the spellings of a flag: itself, and --no-… where it can be denied.
func optionsOf(f *kong.Flag) []option {
	o := option{name: f.Name, help: firstSentence(f.Help), takes: !f.IsBool() && !f.IsCounter(), words: wordsIn(f.Value)}
	if words := wordsOf[f.Name]; o.takes && len(o.words) == 0 {
		o.words = words
	}
	o.files = o.takes && slices.Contains([]string{"PATH", "FILE", "DIR"}, f.PlaceHolder)
	if f.Tag.Negatable == "" {
		return []option{o}
	}
	return []option{o, {name: "no-" + f.Name, help: "Not: " + o.help}}
}

func wordsIn(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	words := strings.Split(v.Enum, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}

// firstSentence keeps the lists of words readable.
func firstSentence(help string) string {
	first, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(first, ".")
}

// quote makes one word of a text for any of the shells.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// names joins the names of those options that the choice takes.
func names(options []option, dash string, take func(*option) bool) string {
	var found []string
	for i := range options {
		if take == nil || take(&options[i]) {
			found = append(found, dash+options[i].name)
		}
	}
	return strings.Join(found, " ")
}

func takesValue(o *option) bool { return o.takes }

// print writes lines and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) linef(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
