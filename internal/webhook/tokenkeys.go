package webhook

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

const (
	// KeyLead is how long before it signs a new key is published: receivers keep what is
	// published for up to an hour.
	KeyLead = 24 * time.Hour
	// KeyKept is how long a key stays published after another has taken over.
	KeyKept = 48 * time.Hour
	// keysFresh is how old what a process knows of the keys may be.
	keysFresh = 5 * time.Second
	// hurry is how long a key is published before it signs when there is no time to lose:
	// every process has to have seen it.
	hurry = 2 * keysFresh
	// keysStale is how old it may be while the database cannot be asked.
	keysStale = time.Minute
)

// KeyRing is the keys of the installation that sign tokens. The database says which there
// are and when each is used; the keys themselves are derived. All processes on one
// database have the same ones. Safe for concurrent use.
type KeyRing struct {
	db     *store.DB
	derive func(name string) (*ecdsa.PrivateKey, error)
	random io.Reader
	now    func() time.Time

	mu   sync.Mutex
	rows []store.SigningKey // oldest first
	read time.Time          // when rows were read; zero for not yet
	made map[string]*ecdsa.PrivateKey
}

// NewKeyRing returns the keys of the database; derive makes the private key of a name and
// must give the same one in every process. A name holds random characters, so that who
// knows how keys are derived does not know the next. The first key is made when needed.
func NewKeyRing(db *store.DB, derive func(name string) (*ecdsa.PrivateKey, error), random io.Reader, now func() time.Time) *KeyRing {
	return &KeyRing{db: db, derive: derive, random: random, now: now, made: make(map[string]*ecdsa.PrivateKey)}
}

// Publish calls each with every key by which tokens can be verified now or soon, oldest
// first. Errors are those of the database.
func (k *KeyRing) Publish(ctx context.Context, each func(kid string, key *ecdsa.PublicKey)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.refresh(ctx); err != nil {
		return err
	}
	for i := range k.rows {
		if !Published(&k.rows[i], k.now()) {
			continue
		}
		key, err := k.key(&k.rows[i])
		if err != nil {
			return err
		}
		each(k.rows[i].KID, &key.PublicKey)
	}
	return nil
}

// Published reports whether the key is among those that receivers are shown.
func Published(key *store.SigningKey, now time.Time) bool {
	return key.Replaced.IsZero() || now.Before(key.Replaced.Add(KeyKept))
}

// Signs returns the number of the key that signs at that time, of all keys, oldest first.
func Signs(keys []store.SigningKey, now time.Time) int {
	number := 0
	for i := range keys {
		if i == 0 || !now.Before(keys[i].Active) {
			number = keys[i].Number
		}
	}
	return number
}

// signer returns the key that signs now.
func (k *KeyRing) signer(ctx context.Context) (kid string, key *ecdsa.PrivateKey, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.refresh(ctx); err != nil {
		return "", nil, err
	}
	number := Signs(k.rows, k.now())
	for i := range k.rows {
		if row := &k.rows[i]; row.Number == number {
			key, err = k.key(row)
			return row.KID, key, err
		}
	}
	return "", nil, errors.New("no signing key")
}

func (k *KeyRing) key(row *store.SigningKey) (*ecdsa.PrivateKey, error) {
	name := row.KID + " " + row.Salt
	if key := k.made[name]; key != nil {
		return key, nil
	}
	key, err := k.derive(name)
	if err != nil {
		return nil, err
	}
	k.made[name] = key
	return key, nil
}

// refresh reads the keys unless that was done a moment ago, and makes the first one.
func (k *KeyRing) refresh(ctx context.Context) error {
	now := k.now()
	age := now.Sub(k.read)
	if !k.read.IsZero() && age >= 0 && age < keysFresh {
		return nil
	}
	rows, err := k.load(ctx)
	switch {
	case err == nil:
		k.rows, k.read = rows, now
	case k.read.IsZero() || age < 0 || age >= keysStale:
		return fmt.Errorf("signing keys: %w", err)
	}
	return nil
}

func (k *KeyRing) load(ctx context.Context) ([]store.SigningKey, error) {
	var rows []store.SigningKey
	read := func(tx *store.Tx) (err error) {
		rows, err = tx.SigningKeys().List()
		return err
	}
	if err := k.db.View(ctx, read); err != nil || len(rows) > 0 {
		return rows, err
	}
	err := k.db.Update(ctx, func(tx *store.Tx) error {
		found, err := tx.SigningKeys().List()
		if rows = found; err == nil && len(rows) == 0 {
			var first store.SigningKey
			first, err = k.newKey(tx, 1, tx.Now())
			rows = []store.SigningKey{first}
		}
		return err
	})
	if errors.Is(err, store.ErrUnique) { // another process was first
		err = k.db.View(ctx, read)
	}
	return rows, err
}

func (k *KeyRing) newKey(tx *store.Tx, number int, active time.Time) (store.SigningKey, error) {
	made := store.SigningKey{Number: number, KID: fmt.Sprintf("%d-merchant-api", number), Created: tx.Now(), Active: active}
	var salt [16]byte
	if _, err := io.ReadFull(k.random, salt[:]); err != nil {
		return made, fmt.Errorf("read randomness: %w", err)
	}
	made.Salt = hex.EncodeToString(salt[:])
	tx.SigningKeys().Insert(&made)
	return made, nil
}

// stands reports whether what an earlier run made is there: no two keys have a salt in common.
func stands(rows []store.SigningKey, made *store.SigningKey) bool {
	return made.Salt != "" && slices.ContainsFunc(rows, func(r store.SigningKey) bool {
		return r.Salt == made.Salt && r.Active.Equal(made.Active)
	})
}

// ErrKeyWaits says that a new key is published already and waits for its time.
var ErrKeyWaits = errors.New("a new key is waiting already")

// Rotate publishes a new key, which takes over after KeyLead, and returns it. At once
// means within seconds; a key that waits then has its time brought forward, and one is
// made only if none waits. The old key stays published for KeyKept after that. Errors:
// ErrKeyWaits, those of the database.
func (k *KeyRing) Rotate(ctx context.Context, atOnce bool) (store.SigningKey, error) {
	if _, err := k.load(ctx); err != nil { // there must be one to replace
		return store.SigningKey{}, fmt.Errorf("signing keys: %w", err)
	}
	var newest, made store.SigningKey
	err := k.db.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.SigningKeys().List()
		if err != nil {
			return err
		}
		newest = rows[len(rows)-1]
		if stands(rows, &made) && tx.MaybeCommitted() {
			newest = made
			return nil
		}
		at := tx.Now().Add(KeyLead)
		if atOnce {
			at = tx.Now().Add(hurry)
		}
		switch waits := newest.Active.After(tx.Now()); {
		case !waits:
			tx.SigningKeys().Replace(newest.Number, at)
			made, err = k.newKey(tx, newest.Number+1, at)
			newest = made
		case !atOnce:
			return fmt.Errorf("%w: %s signs from %s on", ErrKeyWaits, newest.KID, newest.Active.Format(time.RFC3339))
		case at.Before(newest.Active) && len(rows) > 1:
			tx.SigningKeys().Hasten(newest.Number, at)
			newest.Active = at
			made = newest
		}
		return err
	})
	if err != nil {
		return store.SigningKey{}, fmt.Errorf("rotate: %w", err)
	}
	k.mu.Lock()
	k.read = time.Time{}
	k.mu.Unlock()
	return newest, nil
}
