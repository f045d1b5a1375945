package vault

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/instrument"
)

// KeyringFile is the name of the key file inside the data folder.
const KeyringFile = "keys.json"

// Keyring holds the independent keys of one installation. All nodes on one database
// need the same file; whoever loses it loses every API key and open checkout link.
type Keyring struct {
	// Epoch is the public name of the installation, part of every provider key. Restoring a backup gives it a new one.
	Epoch string
	// CheckedDatabase says that the database of this installation has to prove who it is. It is set in all keys but those
	// that a program made which did not ask for that yet.
	CheckedDatabase bool

	first       string // the epoch with which the keys were made: what is derived from them goes by it
	apiKeys     []byte
	fingerprint []byte
	checkout    []byte
}

type keyringFile struct {
	Epoch       string `json:"epoch"`
	First       string `json:"firstEpoch,omitempty"` // where it is another one
	APIKeys     string `json:"apiKeyHash"`
	Fingerprint string `json:"requestFingerprint"`
	Checkout    string `json:"checkoutToken"`
	Checked     bool   `json:"checkedDatabase,omitempty"`
}

// HashAPIKey is the keyed hash under which an API key is stored.
func (k Keyring) HashAPIKey(key string) []byte { return mac(k.apiKeys, []byte(key)) }

// Fingerprint is the keyed hash of a request, or of a part of it that must not be
// recoverable by trying, such as a card number.
func (k Keyring) Fingerprint(data []byte) []byte {
	h := hmac.New(sha256.New, k.fingerprint)
	h.Write(data)
	sum := h.Sum(nil)
	h.Write(make([]byte, sha256.BlockSize)) // it keeps the end of what it was given until then
	return sum
}

// CheckoutMAC authenticates the address of a checkout page.
func (k Keyring) CheckoutMAC(data []byte) []byte { return mac(k.checkout, data) }

// AuditMAC authenticates an entry of the record of what people did. Restoring a backup leaves it what it was.
func (k Keyring) AuditMAC(data []byte) []byte {
	return mac(mac(slices.Concat(k.apiKeys, k.fingerprint, k.checkout), []byte("sluice audit "+k.first)), data)
}

func mac(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

// SigningKey derives the P-256 key of that name. The same key ring and name always give
// the same key, so it is stored nowhere and every node has it; one name's key tells
// nothing about another's.
func (k Keyring) SigningKey(name string) (*ecdsa.PrivateKey, error) {
	secret := slices.Concat(k.apiKeys, k.fingerprint, k.checkout)
	var fault error
	for n := range 8 { // about one number in four billion is no key of the curve
		info := "signing key " + strconv.Itoa(n) + " " + name
		scalar, err := hkdf.Key(sha256.New, secret, []byte("sluice "+k.first), info, 32)
		if err != nil {
			return nil, fmt.Errorf("derive signing key %s: %w", name, err)
		}
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
		if err == nil {
			return key, nil
		}
		fault = err
	}
	return nil, fmt.Errorf("derive signing key %s: %w", name, fault)
}

// NewKeyring makes fresh keys from random.
func NewKeyring(random io.Reader) (Keyring, error) {
	var b [4 + 3*32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return Keyring{}, fmt.Errorf("read randomness: %w", err)
	}
	epoch := hex.EncodeToString(b[:4])
	return Keyring{
		Epoch: epoch, CheckedDatabase: true, first: epoch, apiKeys: b[4:36], fingerprint: b[36:68], checkout: b[68:100],
	}, nil
}

// Renewed returns the same keys for an installation that is restored from a backup: its epoch is new, so that no name which
// it gives an attempt from now on was given by what ran after the backup. API keys, open pages and the keys that verify
// tokens stay what they are. Its database has to prove who it is, whatever that of the installation of before had to.
func (k Keyring) Renewed(random io.Reader) (Keyring, error) {
	var b [4]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return Keyring{}, fmt.Errorf("read randomness: %w", err)
		}
		if epoch := hex.EncodeToString(b[:]); epoch != k.Epoch && epoch != k.first {
			k.Epoch, k.CheckedDatabase = epoch, true
			return k, nil
		}
	}
}

// Store writes the keys into a folder that has none. The error is fs.ErrExist where it has.
func (k Keyring) Store(dir string) error { return k.write(filepath.Join(dir, KeyringFile)) }

// LoadKeyring reads the key file of a data folder, making it when there is none.
// Two processes that start together end up with the same keys.
func LoadKeyring(dir string, random io.Reader) (Keyring, error) {
	path := filepath.Join(dir, KeyringFile)
	k, err := readKeyring(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	fresh, err := NewKeyring(random)
	if err != nil {
		return Keyring{}, err
	}
	if err := fresh.write(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Keyring{}, err
	}
	return readKeyring(path)
}

// ReadKeyring reads the key file of a data folder; where there is none it says so and makes none.
func ReadKeyring(dir string) (Keyring, error) {
	return readKeyring(filepath.Join(dir, KeyringFile))
}

// write stores the keys durably under a name that does not exist yet.
func (k Keyring) write(path string) error {
	file := keyringFile{
		Epoch: k.Epoch, APIKeys: hex.EncodeToString(k.apiKeys), Fingerprint: hex.EncodeToString(k.fingerprint),
		Checkout: hex.EncodeToString(k.checkout), Checked: k.CheckedDatabase,
	}
	if k.first != k.Epoch {
		file.First = k.first
	}
	raw, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return fmt.Errorf("render keys: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keys-*")
	if err != nil {
		return fmt.Errorf("make key file: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when linked and removed below
	if _, err = tmp.Write(append(raw, '\n')); err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	if err := os.Link(tmp.Name(), path); err != nil { // fails when another process was first
		return fmt.Errorf("name key file: %w", err)
	}
	return nil
}

func readKeyring(path string) (Keyring, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Keyring{}, fmt.Errorf("read keys: %w", err)
	}
	var f keyringFile
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return Keyring{}, fmt.Errorf("key file %s: %w", path, err)
	}
	k := Keyring{Epoch: f.Epoch, CheckedDatabase: f.Checked, first: cmp.Or(f.First, f.Epoch)}
	for _, part := range []struct {
		name string
		text string
		into *[]byte
	}{{"apiKeyHash", f.APIKeys, &k.apiKeys}, {"requestFingerprint", f.Fingerprint, &k.fingerprint},
		{"checkoutToken", f.Checkout, &k.checkout}} {
		b, err := hex.DecodeString(part.text)
		if err != nil || len(b) != 32 {
			return Keyring{}, fmt.Errorf("key file %s: %s is not 64 hex digits", path, part.name)
		}
		*part.into = b
	}
	for _, epoch := range []string{k.Epoch, k.first} {
		if _, err := hex.DecodeString(epoch); err != nil || len(epoch) != 8 {
			return Keyring{}, fmt.Errorf("key file %s: an epoch is not 8 hex digits", path)
		}
	}
	return k, nil
}

// Proof tells this key ring apart from others without telling anything about the keys.
func (k Keyring) Proof() string {
	const what = "these keys belong to this database"
	h := sha256.New()
	for _, key := range [][]byte{k.apiKeys, k.fingerprint, k.checkout} {
		h.Write(mac(key, []byte(what+k.Epoch)))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// CardToken is the token under which a shop keeps a card of a customer: 32 letters and digits. The same card of the same customer has
// the same one, and nobody learns anything of a number by it who has not these keys.
func (k Keyring) CardToken(shop, customer string, number instrument.PAN) string {
	what := Place{Shop: shop, ID: customer, Kind: KindCard}.bound()
	sum := k.Fingerprint(append(what, number.Sum(k.Fingerprint)...))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:tokenBytes]))
}

// Alias is the name of a shop's customer for those who are to know the customer again and learn nothing else: 32 letters and digits.
func (k Keyring) Alias(shop, customer string) string {
	sum := k.Fingerprint(Place{Shop: shop, ID: customer, Kind: kindAlias}.bound())
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:tokenBytes]))
}

// kindAlias keeps aliases apart from all that is sealed.
const kindAlias Kind = "alias"

// tokenBytes are 32 digits to the base of 32.
const tokenBytes = 20
