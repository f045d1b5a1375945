package vault

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// DataKey is a key that seals, as the database has it: wrapped by a master key.
type DataKey struct {
	Number  int    // 1, 2, … in the order in which they were made
	ID      string // what sealed texts name it by
	Master  string // id of the master key that wraps it
	Wrapped []byte
	Created time.Time
	Active  time.Time // it seals since then; zero while nothing is to be sealed yet
}

// MissingMaster is returned when a data key is wrapped by a master key that this process does not have.
type MissingMaster struct {
	Key     DataKey
	Present []string // ids of those that it has
}

// Error implements error.
func (m *MissingMaster) Error() string {
	return fmt.Sprintf("data key %s is wrapped by the master key %s, and there is only %s", m.Key.ID, m.Key.Master, strings.Join(m.Present, ", "))
}

const (
	// KeysFresh is how long a process seals by what it knows of data keys before it looks whether there is a newer one.
	KeysFresh = time.Second
	// KeysRecent is KeysFresh for what is sealed for minutes only, and often: no more than half of what the sealing waits for
	// before it looks for what was sealed meanwhile.
	KeysRecent = time.Minute
	// mastersFresh bounds how often the source of the master key is asked again for one that is missing.
	mastersFresh = 5 * time.Second
)

// Safe seals and opens what must not stand in a database in clear. It knows nothing of the database: whoever uses it has it
// learn the data keys that stand there. Safe for concurrent use.
type Safe struct {
	source func() (Masters, error)
	now    func() time.Time

	mu      sync.RWMutex
	masters Masters
	asked   time.Time // when the source was
	keys    map[string]*dataKey
	current *dataKey // nil while nothing is to be sealed yet
	closed  bool     // something is to be sealed, and none of the keys that may do it is known here
	read    time.Time
}

// NewSafe returns a safe without data keys. The source is asked for the master keys now, and again when one is missing, so that
// a running process takes up a new one.
func NewSafe(source func() (Masters, error), now func() time.Time) (*Safe, error) {
	masters, err := source()
	if err != nil {
		return nil, err
	}
	return &Safe{source: source, now: now, masters: masters, asked: now(), keys: map[string]*dataKey{}}, nil
}

// Masters lists the ids of the master keys, the one that wraps first.
func (s *Safe) Masters() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.masters.IDs()
}

// Reread asks the source for the master keys.
func (s *Safe) Reread() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reread()
}

func (s *Safe) reread() error {
	s.asked = s.now()
	masters, err := s.source()
	if err == nil {
		s.masters = masters
	}
	return err
}

// Learn takes up all data keys that the database has. What is known already stays known whatever becomes of its wrapping.
// Errors: *MissingMaster, ErrSealed. Keys that are all right are learnt all the same.
func (s *Safe) Learn(rows []DataKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fault error
	var newest int
	s.read, s.current, s.closed = s.now(), nil, false
	for _, row := range rows {
		key := s.keys[row.ID]
		if key == nil {
			var err error
			if key, err = s.unwrap(&row); err != nil {
				fault = err
				s.closed = s.closed || !row.Active.IsZero()
				continue
			}
			s.keys[row.ID] = key
		}
		if !row.Active.IsZero() && row.Number > newest {
			s.current, newest = key, row.Number
		}
	}
	s.closed = s.closed && s.current == nil
	return fault
}

// unwrap opens a data key by the master key that it names.
func (s *Safe) unwrap(row *DataKey) (*dataKey, error) {
	secret, err := s.secret(row)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return newDataKey(row.ID, secret)
}

func (s *Safe) secret(row *DataKey) ([]byte, error) {
	m, ok := s.masters.find(row.Master)
	if !ok && s.now().Sub(s.asked) >= mastersFresh {
		if err := s.reread(); err != nil {
			return nil, err
		}
		m, ok = s.masters.find(row.Master)
	}
	if !ok {
		return nil, &MissingMaster{*row, s.masters.IDs()}
	}
	secret, err := m.unwrap(row.ID, row.Wrapped)
	if err != nil {
		return nil, fmt.Errorf("data key %s: %w", row.ID, err)
	}
	return secret, nil
}

// Fresh reports whether the data keys were learnt a moment ago.
func (s *Safe) Fresh() bool { return s.younger(KeysFresh) }

// Recent reports whether they were learnt not long ago.
func (s *Safe) Recent() bool { return s.younger(KeysRecent) }

func (s *Safe) younger(than time.Duration) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	age := s.now().Sub(s.read)
	return !s.read.IsZero() && age >= 0 && age < than
}

// Expire has the data keys learnt again before the next thing is sealed.
func (s *Safe) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = time.Time{}
}

// ErrClosed says that nothing can be sealed: the master key of the data keys that seal is missing, or none seals yet.
var ErrClosed = errors.New("the data keys that seal cannot be opened here")

// Seal returns the text sealed for the place; an empty one stays empty. While no data key is active it is returned as it is:
// there may be programs on the database that cannot open anything. The error is ErrClosed.
func (s *Safe) Seal(p Place, plain string) (string, error) {
	s.mu.RLock()
	key, closed := s.current, s.closed
	s.mu.RUnlock()
	switch {
	case plain == "":
		return "", nil
	case closed:
		return "", ErrClosed
	case key == nil:
		return plain, nil
	}
	return key.seal(p, []byte(plain)), nil
}

// SealOnly returns the bytes sealed for the place, and never as they are: where nothing can be sealed the error is ErrClosed.
func (s *Safe) SealOnly(p Place, plain []byte) (string, error) {
	s.mu.RLock()
	key := s.current
	s.mu.RUnlock()
	if key == nil {
		return "", ErrClosed
	}
	return key.seal(p, plain), nil
}

// OpenOnly returns the bytes that were sealed for the place. What is in clear is refused. Errors: ErrUnknownKey, ErrSealed.
func (s *Safe) OpenOnly(p Place, text string) ([]byte, error) {
	id, sealed := SealedKey(text)
	if !sealed {
		return nil, ErrSealed
	}
	s.mu.RLock()
	key := s.keys[id]
	s.mu.RUnlock()
	if key == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownKey, id)
	}
	return key.open(p, text)
}

// Open returns the text that was sealed for the place. A text in clear is returned as it is: older programs wrote it so.
// Errors: ErrUnknownKey, ErrSealed.
func (s *Safe) Open(p Place, text string) (string, error) {
	if _, sealed := SealedKey(text); !sealed {
		return text, nil
	}
	plain, err := s.OpenOnly(p, text)
	return string(plain), err
}

// Current reports whether the text is as Seal would make it by now: nothing has to be done about it.
func (s *Safe) Current(text string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, sealed := SealedKey(text)
	return text == "" || s.current == nil && !s.closed || sealed && s.current != nil && id == s.current.id
}

// NewKey makes a data key with that number, wrapped by the first master key. It is not active.
func (s *Safe) NewKey(random io.Reader, number int) (DataKey, error) {
	var b [KeyIDLen/2 + 32]byte
	defer clear(b[:])
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return DataKey{}, fmt.Errorf("read randomness: %w", err)
	}
	key := DataKey{Number: number, ID: hex.EncodeToString(b[:KeyIDLen/2])}
	return key, s.wrap(random, &key, b[KeyIDLen/2:])
}

func (s *Safe) wrap(random io.Reader, key *DataKey, secret []byte) (err error) {
	s.mu.RLock()
	first := s.masters[0]
	s.mu.RUnlock()
	key.Master = first.ID
	key.Wrapped, err = first.wrap(random, key.ID, secret)
	return err
}

// Rewrap returns the data key wrapped by the first master key.
func (s *Safe) Rewrap(random io.Reader, key DataKey) (DataKey, error) {
	s.mu.Lock()
	secret, err := s.secret(&key)
	s.mu.Unlock()
	if err != nil {
		return key, err
	}
	defer clear(secret)
	return key, s.wrap(random, &key, secret)
}
