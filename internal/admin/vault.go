package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// VaultKey is a key that seals secrets in the database, or did. Nothing of the key itself is shown.
type VaultKey struct {
	ID      string           `json:"keyId"`
	State   string           `json:"state"` // SEALS, OPENS or WAITS
	Master  string           `json:"masterKeyId"`
	Created time.Time        `json:"created"`
	Active  time.Time        `json:"sealsFrom,omitzero"`
	Sealed  map[string]int64 `json:"sealed"` // secrets that need it, by what they are
}

// VaultPart is how far the sealing of one part of the database has come.
type VaultPart struct {
	Part     string    `json:"part"`
	Passes   int       `json:"passes"`
	Next     time.Time `json:"next,omitzero"`
	Unopened int       `json:"unopened,omitempty"` // secrets that cannot be opened, and stay as they are
	Fails    int       `json:"fails,omitempty"`
}

// VaultStatus says how the secrets of the database are kept.
type VaultStatus struct {
	MasterKeys []string         `json:"masterKeyIds"` // that the process has which answers; the first one wraps
	Keys       []VaultKey       `json:"keys"`
	Clear      map[string]int64 `json:"clear"`              // secrets that are not sealed yet
	WaitsFor   []string         `json:"waitsFor,omitempty"` // nodes that could not open anything
	Parts      []VaultPart      `json:"parts"`
	Done       bool             `json:"done"`   // everything is sealed by the key that seals
	Traces     bool             `json:"traces"` // of what stood there in clear may be left in the database's file
}

// errNoKeys says that an older installation has not been served since it was migrated.
var errNoKeys = errors.New("nothing is sealed yet: \"sluice serve\" makes the keys, and seals what is there")

// vaultStatus looks at all secrets. It needs the right ReadVault.
func (d *Desk) vaultStatus(ctx context.Context, _ Nothing) (VaultStatus, error) {
	s := VaultStatus{Clear: map[string]int64{}, Done: true}
	if d.c.DB.Safe() == nil {
		return s, errNoKeys
	}
	s.MasterKeys = d.c.DB.Safe().Masters()
	err := d.c.DB.View(ctx, func(tx *store.Tx) error {
		keys, err := tx.DataKeys().List()
		if err != nil {
			return err
		}
		s.Keys = vaultKeys(keys)
		counts, err := tx.Sealings().Count()
		if err != nil {
			return err
		}
		for _, c := range counts {
			s.count(c)
		}
		if s.WaitsFor, err = tx.Nodes().Old(); err != nil {
			return err
		}
		parts, err := tx.Sealings().List()
		for _, p := range parts {
			if p.Part == store.SealedFile {
				s.Traces = p.Round == 0 && d.c.DB.Kind() == store.SQLite
				continue
			}
			s.Parts = append(s.Parts, VaultPart{p.Part, p.Round, p.Due, p.Unopened, p.Fails})
			s.Done = s.Done && p.Round >= store.SealingDone && p.Unopened == 0
		}
		return err
	})
	return s, err
}

func vaultKeys(rows []vault.DataKey) []VaultKey {
	keys := make([]VaultKey, len(rows))
	seals := -1
	for i, k := range rows {
		keys[i] = VaultKey{k.ID, "WAITS", k.Master, k.Created, k.Active, map[string]int64{}}
		if !k.Active.IsZero() {
			keys[i].State, seals = "OPENS", i
		}
	}
	for i := range keys[:max(seals, 0)] { // also those that have been told to seal no more
		keys[i].State = "OPENS"
	}
	if seals >= 0 {
		keys[seals].State = "SEALS"
	}
	return keys
}

func (s *VaultStatus) count(c store.SealedCount) {
	at := slices.IndexFunc(s.Keys, func(k VaultKey) bool { return k.ID == c.Key })
	switch {
	case at >= 0:
		s.Keys[at].Sealed[c.Part] += c.Count
	case c.Key == "":
		s.Clear[c.Part] += c.Count
	default: // its key is gone
		s.Keys = append(s.Keys, VaultKey{ID: c.Key, State: "MISSING", Sealed: map[string]int64{c.Part: c.Count}})
	}
}

// VaultRotated is a key that seals from now on.
type VaultRotated struct {
	ID       string    `json:"keyId"`
	Replaces string    `json:"replaces"`
	Sealed   time.Time `json:"nothingElseIsNeededFrom"` // at the earliest: all has been sealed anew
	Gone     time.Time `json:"replacedIsRemovedFrom"`   // at the earliest
	Effect
}

// Made implements what the log names.
func (r VaultRotated) Made() string { return r.ID }

// rotateVault makes a new key, which seals from now on, and has all that is sealed sealed anew. It needs the right RotateSecrets.
func (d *Desk) rotateVault(ctx context.Context, _ Nothing) (VaultRotated, error) {
	var made vault.DataKey
	var done VaultRotated
	if d.c.DB.Safe() == nil {
		return done, errNoKeys
	}
	err := d.c.DB.Update(ctx, func(tx *store.Tx) error {
		keys, err := tx.DataKeys().List()
		if err != nil {
			return err
		}
		newest := keys[len(keys)-1]
		if made.ID != "" && tx.MaybeCommitted() && slices.ContainsFunc(keys, func(k vault.DataKey) bool { return k.ID == made.ID }) {
			return nil
		}
		if newest.Active.IsZero() {
			old, err := tx.Nodes().Old()
			return errors.Join(err, fmt.Errorf("nothing is sealed yet, because nodes of an older version are alive: %s", strings.Join(old, ", ")))
		}
		if made, err = d.c.DB.Safe().NewKey(rand.Reader, newest.Number+1); err != nil {
			return err
		}
		tx.DataKeys().Insert(&made)
		tx.Sealings().Begin()
		done = VaultRotated{ID: made.ID, Replaces: newest.ID}
		done.Sealed, done.Gone = store.SealingEnds(tx.Now())
		return nil
	})
	if errors.Is(err, store.ErrUnique) {
		return done, errors.New("somebody else has rotated the keys at the same moment; nothing more was done")
	}
	done.Effect = d.effect()
	return done, err
}

// RotateMaster says which master key is to wrap.
type RotateMaster struct {
	Make bool `name:"make" help:"Make a new key first and put it before the others of master.key in the data folder. Only where that file is the master key and one node runs." json:"make,omitempty"`
}

// MasterRotated says which master key wraps, and what the others are good for.
type MasterRotated struct {
	Master    string   `json:"masterKeyId"`
	Rewrapped int      `json:"rewrapped"`        // data keys that another one wrapped before
	Before    []string `json:"before,omitempty"` // master keys that nothing in the database needs any more
}

// rotateMaster wraps all data keys by the first of the master keys. It needs the right RotateSecrets.
func (d *Desk) rotateMaster(ctx context.Context, c RotateMaster) (MasterRotated, error) {
	if d.c.DB.Safe() == nil {
		return MasterRotated{}, errNoKeys
	}
	if c.Make {
		if err := d.makeMaster(ctx); err != nil {
			return MasterRotated{}, err
		}
	}
	safe := d.c.DB.Safe()
	if err := safe.Reread(); err != nil {
		return MasterRotated{}, err
	}
	masters := safe.Masters()
	done := MasterRotated{Master: masters[0], Before: masters[1:]}
	err := d.c.DB.Update(ctx, func(tx *store.Tx) error {
		keys, err := tx.DataKeys().List()
		wrapped := 0
		for _, k := range keys {
			if err != nil || k.Master == masters[0] {
				continue
			}
			was := k.Master
			if k, err = safe.Rewrap(rand.Reader, k); err == nil {
				tx.DataKeys().Rewrap(&k, was)
				wrapped++
			}
		}
		done.Rewrapped = max(done.Rewrapped, wrapped) // a later run finds less where an earlier one stands
		return err
	})
	return done, err
}

// makeMaster puts a new key at the head of the data folder's file.
func (d *Desk) makeMaster(ctx context.Context) error {
	if d.c.MasterFolder == "" {
		return errors.New("the master key stands elsewhere than in the data folder: put the new one before it there, and give the command without --make")
	}
	members, err := view(ctx, d, func(tx *store.Tx) (store.Members, error) { return tx.Nodes().Members() })
	if err != nil {
		return err
	}
	if n := len(members.Nodes); n > 1 {
		return fmt.Errorf("%d nodes run: put a new key at the head of %s on all of them, and give the command without --make", n, vault.MasterFile)
	}
	made, err := vault.NewMaster(rand.Reader)
	if err != nil {
		return err
	}
	return vault.PrependMaster(d.c.MasterFolder, made)
}

// Scrub says whether a large file may be rewritten.
type Scrub struct {
	Large bool `name:"large" help:"Rewrite a file of more than 64 MiB, too. Payments wait meanwhile, and are answered 503 where that takes longer than five seconds: stop the server first." json:"large,omitempty"`
}

// Scrubbed is the outcome.
type Scrubbed struct {
	Database store.Kind `json:"database"`
}

// scrub rewrites the embedded database's file, so that no traces are left of what stood there in clear. It needs the right
// RotateSecrets.
func (d *Desk) scrub(ctx context.Context, c Scrub) (Scrubbed, error) {
	done := Scrubbed{d.c.DB.Kind()}
	if done.Database != store.SQLite {
		return done, errors.New("PostgreSQL rewrites its tables itself: give it VACUUM FULL shop, terminal, chain, attempt, see docs/vault.md")
	}
	most := int64(store.SmallFile)
	if c.Large {
		most = 0
	}
	err := d.c.DB.Scrub(ctx, most)
	if errors.Is(err, store.ErrLarge) {
		return done, fmt.Errorf("%w: stop the server and give the command again with --large", err)
	}
	if err == nil {
		err = d.scrubbed(ctx)
	}
	return done, err
}

// scrubbed records that no traces are left, if nothing stood in clear any more.
func (d *Desk) scrubbed(ctx context.Context) error {
	return d.c.DB.Update(ctx, func(tx *store.Tx) error {
		parts, err := tx.Sealings().List()
		file := slices.IndexFunc(parts, func(p store.Sealing) bool { return p.Part == store.SealedFile })
		done := !slices.ContainsFunc(parts, func(p store.Sealing) bool { return p.Part != store.SealedFile && p.Round < store.SealingDone })
		if err == nil && done && file >= 0 && parts[file].Round == 0 {
			tx.Sealings().Delay(&parts[file], 1, time.Time{})
		}
		return err
	})
}
