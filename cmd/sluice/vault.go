package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
)

type vaultCommands struct {
	Status       vaultStatusCommand       `cmd:"" help:"Show the keys, what is sealed by each, and how far sealing has come."`
	Rotate       vaultRotateCommand       `cmd:"" help:"Seal with a new key from now on, and all that is sealed anew."`
	RotateMaster vaultRotateMasterCommand `cmd:"" name:"rotate-master" help:"Wrap all keys by the first of the master keys."`
	Scrub        vaultScrubCommand        `cmd:"" help:"Rewrite the SQLite file, so that it keeps no traces of what stood there in clear."`
}

type vaultStatusCommand struct{ operator }

// Run shows the state.
func (c *vaultStatusCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpVaultStatus, admin.Nothing{}, showVault)
}

func showVault(out io.Writer, v admin.VaultStatus) error {
	rows := make([][]string, len(v.Keys))
	for i := range v.Keys {
		k := &v.Keys[i]
		rows[i] = []string{k.ID, k.State, k.Master, toMinute(k.Created), toMinute(k.Active), counted(k.Sealed)}
	}
	if err := table(out, strings.Split("KEY|STATE|MASTER KEY|CREATED|SEALS FROM|NEEDED BY", "|"), rows); err != nil {
		return err
	}
	rows = make([][]string, len(v.Parts))
	for i, p := range v.Parts {
		rows[i] = []string{p.Part, strconv.Itoa(p.Passes), toMinute(p.Next), strconv.Itoa(p.Unopened), strconv.Itoa(p.Fails)}
	}
	fmt.Fprintln(out)
	if err := table(out, strings.Split("PART|PASSES|NEXT|UNOPENED|FAILED", "|"), rows); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nmaster keys here: %s\nin clear: %s\n", strings.Join(v.MasterKeys, ", "), counted(v.Clear))
	for _, line := range []struct {
		say  bool
		text string
	}{
		{len(v.WaitsFor) > 0, "Nothing is sealed before these nodes of an older version have ended: " + strings.Join(v.WaitsFor, ", ")},
		{v.Done, "Everything is sealed by the key that seals."},
		{!v.Done, "Sealing goes on by itself while a server runs."},
		{v.Traces, "Traces of what stood there in clear may be left in the database's file: \"sluice vault scrub\" removes them once everything is sealed."},
	} {
		if line.say {
			fmt.Fprintln(out, line.text)
		}
	}
	return nil
}

func counted(by map[string]int64) string {
	var all []string
	for _, part := range slices.Sorted(maps.Keys(by)) {
		all = append(all, fmt.Sprintf("%d %s", by[part], part))
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

type vaultRotateCommand struct{ operator }

// Run makes a new key.
func (c *vaultRotateCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpRotateVault, admin.Nothing{}, func(out io.Writer, r admin.VaultRotated) error {
		_, err := fmt.Fprintf(out, "%s seals from now on, in place of %s\n"+
			"what is sealed already is sealed anew while a server runs, until %s at the earliest; \"sluice vault status\" shows how far it is\n"+
			"%s goes on opening; it is removed when nothing can need it any more, not before %s\n",
			r.ID, r.Replaces, r.Sealed.UTC().Format(time.RFC3339), r.Replaces, r.Gone.UTC().Format(time.RFC3339))
		return err
	})
}

type vaultRotateMasterCommand struct {
	operator
	admin.RotateMaster
}

// Run wraps the keys anew.
func (c *vaultRotateMasterCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpRotateMaster, c.RotateMaster, func(out io.Writer, r admin.MasterRotated) error {
		if _, err := fmt.Fprintf(out, "the master key %s wraps all keys; %d were wrapped by another before\n", r.Master, r.Rewrapped); err != nil {
			return err
		}
		if len(r.Before) == 0 {
			return nil
		}
		_, err := fmt.Fprintf(out, "nothing in the database needs %s any more; backups of before do: keep it with them, and take its line away here\n",
			strings.Join(r.Before, ", "))
		return err
	})
}

type vaultScrubCommand struct {
	operator
	admin.Scrub
}

// Run rewrites the file.
func (c *vaultScrubCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpScrub, c.Scrub, sentence("the %s file is rewritten and its log is empty", func(r admin.Scrubbed) []any {
		return []any{r.Database}
	}))
}
