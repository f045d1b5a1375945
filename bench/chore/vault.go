package chore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/vault"
)

// sealedCard is what of a card is sealed where a shop keeps it, and the place that it is bound to.
var (
	sealedCard  = "4000000000000408"
	sealedPlace = vault.Place{Shop: "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", ID: "k3vq7ctyl2a5ozd4hgm6wnx2bepjru5s", Kind: vault.KindCard}
)

// Vault compares sealing and opening a card by the vault with AES-GCM alone: the same key length, the same bytes, the same text around
// the ciphertext. Beyond that the vault derives its nonce from what it seals, and knows many keys.
func Vault() ([]Chore, error) {
	safe, err := openSafe()
	if err != nil {
		return nil, err
	}
	number, err := instrument.ParsePAN(sealedCard)
	if err != nil {
		return nil, err
	}
	packed := vault.Pack(&instrument.Card{Number: number})
	sealed, err := safe.SealOnly(sealedPlace, packed)
	if err != nil {
		return nil, err
	}
	bare, err := bareGCM()
	if err != nil {
		return nil, err
	}
	around := []byte("sluice" + sealedPlace.Shop + sealedPlace.ID + string(sealedPlace.Kind))
	seal := func() (string, error) {
		nonce := make([]byte, bare.NonceSize())
		_, err := rand.Read(nonce)
		return base64.RawURLEncoding.EncodeToString(bare.Seal(nonce, nonce, packed, around)), err
	}
	text, err := seal()
	if err != nil {
		return nil, err
	}
	return []Chore{
		{"a card sealed", "AES-256-GCM with a random nonce", func() error {
			_, err := safe.SealOnly(sealedPlace, packed)
			return err
		}, func() error {
			_, err := seal()
			return err
		}},
		{"a card opened", "AES-256-GCM alone", func() error {
			plain, err := safe.OpenOnly(sealedPlace, sealed)
			clear(plain)
			return err
		}, func() error {
			raw, err := base64.RawURLEncoding.DecodeString(text)
			if err != nil {
				return err
			}
			plain, err := bare.Open(nil, raw[:bare.NonceSize()], raw[bare.NonceSize():], around)
			clear(plain)
			return err
		}},
	}, nil
}

// openSafe is a safe with one key.
func openSafe() (*vault.Safe, error) {
	master, err := vault.NewMaster(rand.Reader)
	if err != nil {
		return nil, err
	}
	safe, err := vault.NewSafe(func() (vault.Masters, error) { return vault.Masters{master}, nil }, time.Now)
	if err != nil {
		return nil, err
	}
	key, err := safe.NewKey(rand.Reader, 1)
	if err != nil {
		return nil, err
	}
	key.Active = time.Now()
	return safe, safe.Learn([]vault.DataKey{key})
}

func bareGCM() (cipher.AEAD, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
