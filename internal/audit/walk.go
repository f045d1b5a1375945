package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicepay/sluice/internal/store"
)

// Finding is one thing that is not as it was written.
type Finding struct {
	Seq  int64  `json:"seq"` // the entry; one that is missing has the number that it would have
	What string `json:"what"`
}

// Report is what was found.
type Report struct {
	Entries  int64     `json:"entries"`
	Head     int64     `json:"head"`
	Hash     string    `json:"hash,omitempty"` // of the head
	Heads    int       `json:"heads"`          // that the record was held against
	Cut      []int64   `json:"withoutEnd"`     // acts of which only the beginning is on record, the first of them
	Findings []Finding `json:"findings"`       // the first of them; none: the record is as it was written
}

const (
	mostFindings = 100
	pageSize     = 500
)

// verification is a walk through the record.
type verification struct {
	mac     func([]byte) []byte
	report  Report
	last    Entry          // behind which the next has to be
	open    map[int64]bool // acts that have begun
	outside map[int64][]string
}

// Verify reads the whole record, oldest first, and holds it against its own head and against heads that were written elsewhere. It changes
// nothing. Entries that are added meanwhile are not looked at.
func (r *Record) Verify(ctx context.Context, heads []Head) (Report, error) {
	v := verification{mac: r.c.MAC, open: map[int64]bool{}, outside: map[int64][]string{}}
	for _, h := range heads {
		v.outside[h.Seq] = append(v.outside[h.Seq], h.Hash)
	}
	v.report.Heads = len(heads)
	var head Head
	var latest []Entry
	err := r.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		if latest, err = tx.Installation().Acts().Latest(Filter{Limit: 1}); err != nil {
			return err
		}
		head, err = headOf(tx)
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("read the head of the record: %w", err)
	}
	upTo := head.Seq
	if len(latest) > 0 {
		upTo = max(upTo, latest[0].Seq)
	}
	for from := int64(-1 << 62); from <= upTo; {
		page, err := r.page(ctx, from)
		if err != nil {
			return Report{}, err
		}
		if len(page) == 0 {
			break
		}
		for i := range page {
			if page[i].Seq <= upTo {
				v.entry(&page[i])
			}
		}
		from = page[len(page)-1].Seq + 1
	}
	v.end(head)
	return v.report, nil
}

func (r *Record) page(ctx context.Context, from int64) (page []Entry, err error) {
	err = r.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		page, err = tx.Installation().Acts().From(from, pageSize)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	return page, nil
}

func (v *verification) foundf(seq int64, format string, facts ...any) {
	if len(v.report.Findings) < mostFindings {
		v.report.Findings = append(v.report.Findings, Finding{seq, fmt.Sprintf(format, facts...)})
	}
}

func (v *verification) entry(e *Entry) {
	v.report.Entries++
	switch expected := v.last.Seq + 1; {
	case e.Seq < expected:
		v.foundf(e.Seq, "an entry with a number that there cannot be")
		return
	case e.Seq == expected+1:
		v.foundf(expected, "the entry is missing")
	case e.Seq > expected:
		v.foundf(expected, "the entries from %d to %d are missing", expected, e.Seq-1)
	}
	// What follows a gap is bound to what is gone: that it fits to nothing here says nothing of itself.
	if e.Seq == v.last.Seq+1 && e.Hash != bind(v.mac, v.last.Hash, e) {
		v.foundf(e.Seq, "the entry is not what was written here: it was changed, moved or made by somebody without the keys")
	}
	for _, hash := range v.outside[e.Seq] {
		if hash != e.Hash {
			v.foundf(e.Seq, "the entry is another than that of which the head was written elsewhere")
		}
	}
	v.last = *e
	v.phase(e)
}

// phase follows which acts have ended.
func (v *verification) phase(e *Entry) {
	var c Content
	if json.Unmarshal([]byte(e.Content), &c) != nil {
		return // its hash tells whether it was written so
	}
	if c.Phase == PhaseBegun {
		v.open[e.Seq] = true
	}
	delete(v.open, c.Of)
}

func (v *verification) end(head Head) {
	r := &v.report
	r.Head, r.Hash = head.Seq, head.Hash
	switch {
	case head.Seq > v.last.Seq:
		v.foundf(v.last.Seq+1, "the end is missing, entries up to %d: the head names that one", head.Seq)
	case head.Seq < v.last.Seq:
		v.foundf(head.Seq+1, "entries after the head, which names %d", head.Seq)
	case head.Hash != v.last.Hash:
		v.foundf(head.Seq, "the head names another entry of that number")
	}
	first, last := int64(0), int64(0)
	for seq := range v.outside {
		if seq > v.last.Seq && (first == 0 || seq < first) {
			first = seq
		}
		last = max(last, seq)
	}
	if first > 0 {
		v.foundf(v.last.Seq+1, "the end is missing, entries up to %d: their heads were written elsewhere", last)
	}
	r.Cut = firstOf(v.open)
}

// firstOf returns the lowest numbers, in order.
func firstOf(open map[int64]bool) []int64 {
	lowest := make([]int64, 0, len(open))
	for seq := range open {
		lowest = append(lowest, seq)
	}
	slices.Sort(lowest)
	return lowest[:min(len(lowest), mostFindings)]
}
