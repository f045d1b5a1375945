package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/config"
)

type auditCommands struct {
	List   auditListCommand   `cmd:"" default:"withargs" help:"List what people did, newest first."`
	Show   auditShowCommand   `cmd:"" help:"Show one entry, with what was changed."`
	Verify auditVerifyCommand `cmd:"" help:"Read the whole record and say whether anything in it was changed, removed or moved."`
	Export auditExportCommand `cmd:"" help:"Print the whole record, oldest first, as JSON: one entry a line."`
}

type auditListCommand struct {
	operator
	admin.ListAudit
}

// Run lists entries.
func (c *auditListCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListAudit, c.ListAudit,
		listed("NUMBER|AT|WHO|ACT|PHASE|SHOP|WHAT", func(e *admin.AuditEntry) []string {
			return []string{
				strconv.FormatInt(e.Seq, 10), shortTime(e.At), oneLine(cmp.Or(e.Who, "–")), e.Act, string(e.Phase), cmp.Or(e.Shop, "–"), oneLine(whatWasDone(e)),
			}
		}))
}

// whatWasDone is an entry in a few words.
func whatWasDone(e *admin.AuditEntry) string {
	var words []string
	if e.Of != 0 {
		words = append(words, fmt.Sprintf("of %d", e.Of))
	}
	if e.Made != "" {
		words = append(words, "made "+e.Made)
	}
	for _, c := range e.Changes {
		words = append(words, c.Name)
	}
	if e.Error != "" {
		words = append(words, e.Error)
	}
	return strings.Join(words, ", ")
}

type auditShowCommand struct {
	operator
	admin.ShowAudit
}

// Run shows an entry.
func (c *auditShowCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpShowAudit, c.ShowAudit, document[admin.AuditEntry])
}

type auditVerifyCommand struct {
	operator
	Heads []string `name:"heads" type:"existingfile" placeholder:"FILE" help:"File with heads of the record that were written elsewhere: lines of a number and a hash, or of the server's log. The file in the data folder is always read."`
}

// errTampered ends a verification that found something.
var errTampered = errors.New("the record is not as it was written")

// Run verifies the record.
func (c *auditVerifyCommand) Run(s *surroundings) error {
	settings, err := config.Load(config.Flags{Common: c.Common}, s.env)
	if err != nil {
		return err
	}
	var wanted admin.VerifyAudit
	for _, name := range append(c.Heads, filepath.Join(settings.Data, admin.HeadsFile)) {
		if err := addHeads(&wanted, name); err != nil {
			return err
		}
	}
	var found admin.AuditVerified
	err = perform(s, &c.operator, admin.OpVerifyAudit, wanted, func(out io.Writer, r admin.AuditVerified) error {
		found = r
		return printVerified(out, &r)
	})
	if err == nil && len(found.Findings) > 0 {
		return errTampered
	}
	return err
}

// addHeads reads heads from a file; one that is not there has none.
func addHeads(to *admin.VerifyAudit, name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := to.Add(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func printVerified(out io.Writer, r *admin.AuditVerified) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%d entries, held against %d heads that were written elsewhere\n", r.Entries, r.Heads)
	if r.Head > 0 {
		fmt.Fprintf(&text, "head: %d %s\n", r.Head, r.Hash)
	}
	if len(r.Cut) > 0 {
		fmt.Fprintf(&text, "acts of which only the beginning is on record: %v\n", r.Cut)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&text, "- %d: %s\n", f.Seq, f.What)
	}
	if len(r.Findings) == 0 {
		text.WriteString("all of it is as it was written\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

type auditExportCommand struct {
	operator
}

// Run prints the record. It is always JSON.
func (c *auditExportCommand) Run(s *surroundings) error {
	c.JSON = true
	for from := int64(1); ; {
		page, err := ask(s, &c.operator, admin.OpExportAudit, admin.ExportAudit{From: from})
		if err != nil {
			return err
		}
		c.Quiet = true // it was said
		if len(page.Items) == 0 {
			return nil
		}
		if err := jsonResult(s.out, page); err != nil {
			return err
		}
		from = page.Items[len(page.Items)-1].Seq + 1
	}
}
