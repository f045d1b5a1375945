package vault_test

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/vault"
)

// safeOf is a safe with these master keys, which a test may change, and the clock's hand.
func safeOf(t *testing.T, masters *vault.Masters, now *time.Time) *vault.Safe {
	t.Helper()
	s, err := vault.NewSafe(func() (vault.Masters, error) { return *masters, nil }, func() time.Time { return *now })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newMaster(t *testing.T) vault.Master {
	t.Helper()
	m, err := vault.NewMaster(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newKey(t *testing.T, s *vault.Safe, number int, active time.Time) vault.DataKey {
	t.Helper()
	k, err := s.NewKey(rand.Reader, number)
	if err != nil {
		t.Fatal(err)
	}
	k.Active = active
	return k
}

var sealedAt = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestSealedOpensAtItsPlaceOnly(t *testing.T) {
	t.Parallel()
	masters, now := vault.Masters{newMaster(t)}, sealedAt
	s := safeOf(t, &masters, &now)
	place := vault.Place{Shop: "s1", ID: "t1", Kind: vault.KindTerminal}
	seal := func(s *vault.Safe, p vault.Place, text string) string {
		t.Helper()
		sealed, err := s.Seal(p, text)
		if err != nil {
			t.Error(err)
		}
		return sealed
	}
	if got := seal(s, place, "secret"); got != "secret" {
		t.Errorf("sealed as %q before there is a key", got)
	}
	if err := s.Learn([]vault.DataKey{newKey(t, s, 1, sealedAt)}); err != nil {
		t.Fatal(err)
	}
	sealed := seal(s, place, "secret")
	if strings.Contains(sealed, "secret") || !strings.HasPrefix(sealed, "sluice-sealed:1:") || sealed != seal(s, place, "secret") {
		t.Errorf("sealed as %q", sealed)
	}
	if id, ok := vault.SealedKey(sealed); !ok || !s.Current(sealed) || len(id) != vault.KeyIDLen {
		t.Errorf("it names the key %q, %t", id, ok)
	}
	if plain, err := s.Open(place, sealed); err != nil || plain != "secret" {
		t.Errorf("opened as %q, %v", plain, err)
	}
	if plain, err := s.Open(place, "in clear"); err != nil || plain != "in clear" || seal(s, place, "") != "" || s.Current("in clear") {
		t.Errorf("in clear: %q, %v", plain, err)
	}
	for _, elsewhere := range []vault.Place{
		{Shop: "s2", ID: "t1", Kind: vault.KindTerminal}, {Shop: "s1", ID: "t2", Kind: vault.KindTerminal},
		{Shop: "s1", ID: "t1", Kind: vault.KindRetired}, {Shop: "s1t", ID: "1", Kind: vault.KindTerminal}, {},
	} {
		if plain, err := s.Open(elsewhere, sealed); !errors.Is(err, vault.ErrSealed) || plain != "" {
			t.Errorf("opened at %+v: %q, %v", elsewhere, plain, err)
		}
	}
	last := sealed[len(sealed)-2:]
	for _, changed := range []string{
		strings.TrimSuffix(sealed, last) + "zz", sealed[:len(sealed)-8], sealed[:34], sealed + "!",
		strings.Replace(sealed, ":1:", ":2:", 1),
	} {
		if plain, err := s.Open(place, changed); err == nil {
			t.Errorf("%q opened as %q", changed, plain)
		}
	}
}

func TestAnotherNodesKeyIsLearnt(t *testing.T) {
	t.Parallel()
	masters, now := vault.Masters{newMaster(t)}, sealedAt
	one, other := safeOf(t, &masters, &now), safeOf(t, &masters, &now)
	first, second := newKey(t, one, 1, sealedAt), newKey(t, one, 2, sealedAt)
	waits := newKey(t, one, 3, time.Time{})
	if err := other.Learn([]vault.DataKey{first}); err != nil {
		t.Fatal(err)
	}
	if err := one.Learn([]vault.DataKey{first, second, waits}); err != nil {
		t.Fatal(err)
	}
	place := vault.Place{Shop: "s", ID: "i", Kind: vault.KindCredential}
	sealed, err := one.Seal(place, "x")
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := vault.SealedKey(sealed); id != second.ID {
		t.Errorf("sealed by %s, want the newest that is active, %s", id, second.ID)
	}
	if _, err := other.Open(place, sealed); !errors.Is(err, vault.ErrUnknownKey) {
		t.Errorf("opened without its key: %v", err)
	}
	if err := other.Learn([]vault.DataKey{first, second, waits}); err != nil {
		t.Fatal(err)
	}
	if plain, err := other.Open(place, sealed); err != nil || plain != "x" {
		t.Errorf("opened as %q, %v", plain, err)
	}
	if !other.Fresh() {
		t.Error("what was learnt just now is not fresh")
	}
	now = now.Add(vault.KeysFresh)
	if other.Fresh() {
		t.Error("what was learnt long ago is fresh")
	}
}

func TestTheMasterKeyIsReplaced(t *testing.T) {
	t.Parallel()
	old, fresh := newMaster(t), newMaster(t)
	here, there, now := vault.Masters{old}, vault.Masters{old}, sealedAt
	one, other := safeOf(t, &here, &now), safeOf(t, &there, &now)
	key := newKey(t, one, 1, sealedAt)
	here = vault.Masters{fresh, old}
	if err := one.Reread(); err != nil {
		t.Fatal(err)
	}
	rewrapped, err := one.Rewrap(rand.Reader, key)
	if err != nil || rewrapped.Master != fresh.ID || rewrapped.ID != key.ID || string(rewrapped.Wrapped) == string(key.Wrapped) {
		t.Fatalf("rewrapped as %+v, %v", rewrapped, err)
	}
	missing := new(vault.MissingMaster)
	if err := other.Learn([]vault.DataKey{rewrapped}); !errors.As(err, &missing) || missing.Key.Master != fresh.ID {
		t.Errorf("learnt without the master key: %v", err)
	}
	place := vault.Place{Shop: "s", ID: "i", Kind: vault.KindCredential}
	if sealed, err := other.Seal(place, "x"); !errors.Is(err, vault.ErrClosed) || sealed != "" {
		t.Errorf("sealed without a key as %q, %v", sealed, err)
	}
	there = vault.Masters{fresh} // by its operator, while it runs
	now = now.Add(time.Minute)
	if err := other.Learn([]vault.DataKey{rewrapped}); err != nil {
		t.Errorf("not learnt with the master key: %v", err)
	}
	damaged := rewrapped
	damaged.ID, damaged.Wrapped = "0123456789abcdef", append([]byte{1}, rewrapped.Wrapped[1:]...)
	if err := other.Learn([]vault.DataKey{damaged}); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("a damaged key: %v", err)
	}
}

func TestMasterFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := vault.ReadMasters(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	var wg sync.WaitGroup
	found := make([]string, 8)
	for i := range found {
		wg.Go(func() {
			keys, err := vault.LoadMasters(dir, rand.Reader)
			if err != nil || len(keys) != 1 {
				t.Errorf("loaded %v, %v", keys.IDs(), err)
				return
			}
			found[i] = keys[0].ID
		})
	}
	wg.Wait()
	for _, id := range found {
		if id != found[0] {
			t.Fatal("starters that came together have different keys")
		}
	}
	fresh := newMaster(t)
	if err := vault.PrependMaster(dir, fresh); err != nil {
		t.Fatal(err)
	}
	keys, err := vault.ReadMasters(dir)
	if err != nil || len(keys) != 2 || keys[0].ID != fresh.ID || keys[1].ID != found[0] {
		t.Errorf("the file has %v, %v", keys.IDs(), err)
	}
	if err := keys.Store(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key over keys: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, vault.MasterFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".master-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	const short = "77777777"
	for name, text := range map[string]string{"empty": "\n# nothing\n", "short": short, "no hex": strings.Repeat("7x", 32)} {
		if _, err := vault.ParseMasters(text); err == nil || strings.Contains(err.Error(), "777") || strings.Contains(err.Error(), "7x") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
