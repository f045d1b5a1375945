package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluicepay/sluice/internal/audit"
	"github.com/sluicepay/sluice/internal/store"
)

// ListAudit says which entries of the record of acts to list.
type ListAudit struct {
	Shop  string `name:"shop" placeholder:"ID" help:"Only what was done to this shop." json:"shop,omitempty"`
	Below int64  `name:"before" placeholder:"N" help:"Only entries before this number: the last of a list goes on with it." json:"before,omitempty"`
	Limit int    `name:"limit" default:"50" placeholder:"N" help:"How many at most, 1 to 1000." json:"limit"`
}

// AuditEntry is one line of the record of acts.
type AuditEntry struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Act  string    `json:"act"`
	Who  string    `json:"who"`
	Shop string    `json:"shop,omitempty"`
	audit.Content
	Hash string `json:"hash"`
}

func auditShown(e *audit.Entry) AuditEntry {
	shown := AuditEntry{Seq: e.Seq, At: e.At, Act: e.Act, Who: e.Who, Shop: e.Shop, Hash: e.Hash}
	if json.Unmarshal([]byte(e.Content), &shown.Content) != nil {
		shown.Content = audit.Content{Error: "the entry cannot be read: see \"sluice audit verify\""}
	}
	return shown
}

// listAudit lists what people did, newest first. It needs the right ReadAudit.
func (d *Desk) listAudit(ctx context.Context, c ListAudit) (List[AuditEntry], error) {
	if c.Limit < 1 || c.Limit > mostListed {
		return List[AuditEntry]{}, fmt.Errorf("--limit: 1 to %d", mostListed)
	}
	found, err := view(ctx, d, func(tx *store.Tx) ([]audit.Entry, error) {
		return tx.Installation().Acts().Latest(audit.Filter{Shop: c.Shop, Below: c.Below, Limit: c.Limit + 1})
	})
	return bounded(found, c.Limit, auditShown), err
}

// ExportAudit says from which entry on.
type ExportAudit struct {
	From int64 `json:"from"`
}

// exportAudit lists a part of the record, oldest first. It needs the right ReadAudit.
func (d *Desk) exportAudit(ctx context.Context, c ExportAudit) (List[AuditEntry], error) {
	found, err := view(ctx, d, func(tx *store.Tx) ([]audit.Entry, error) { return tx.Installation().Acts().From(c.From, mostListed) })
	return listOf(found, auditShown), err
}

// ShowAudit names an entry.
type ShowAudit struct {
	Seq int64 `arg:"" name:"number" help:"The entry's number, as listed." json:"seq"`
}

// showAudit shows one entry. It needs the right ReadAudit.
func (d *Desk) showAudit(ctx context.Context, c ShowAudit) (AuditEntry, error) {
	found, err := view(ctx, d, func(tx *store.Tx) (audit.Entry, error) { return tx.Installation().Acts().Get(c.Seq) })
	if errors.Is(err, store.ErrNotFound) {
		return AuditEntry{}, fmt.Errorf("there is no entry %d; \"sluice audit list\" shows them", c.Seq)
	}
	return auditShown(&found), err
}

// HeadsFile is the file in a data folder that heads of the record are written to.
const HeadsFile = audit.HeadsFile

// VerifyAudit says what the record of acts is held against.
type VerifyAudit struct {
	Heads []audit.Head `json:"heads,omitempty"` // that were written elsewhere
}

// Add reads more heads, of a file of heads or of a log.
func (c *VerifyAudit) Add(in io.Reader) error {
	heads, err := audit.ReadHeads(in)
	c.Heads = append(c.Heads, heads...)
	return err
}

// AuditVerified is what was found.
type AuditVerified struct{ audit.Report }

// verifyAudit reads the whole record and says what is not as it was written. It needs the right ReadAudit.
func (d *Desk) verifyAudit(ctx context.Context, c VerifyAudit) (AuditVerified, error) {
	report, err := d.record.Verify(ctx, c.Heads)
	if err != nil {
		return AuditVerified{}, fmt.Errorf("verify the record of acts: %w", err)
	}
	return AuditVerified{report}, nil
}
