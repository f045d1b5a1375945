package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/vault"
)

// sealedCard is what of a card is sealed where a shop keeps it, and the place that it is bound to.
var (
	sealedCard  = "4000000000000408"
	sealedPlace = vault.Place{Shop: "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", ID: "k3vq7ctyl2a5ozd4hgm6wnx2bepjru5s", Kind: vault.KindCard}
)

// chore is something that is done again and again.
type chore struct {
	name, against string
	ours, bare    func() error
}

// measureVault compares sealing and opening a card by the vault with AES-GCM alone: the same key length, the same bytes, the same text
// around the ciphertext. Beyond that the vault derives its nonce from what it seals, and knows many keys.
func (l *lab) measureVault(ctx context.Context) error {
	chores, err := vaultChores()
	if err != nil {
		return err
	}
	return l.measureChores(ctx, "Vault", chores)
}

// measureChores does each as often as it can, ours and bare in turns.
func (l *lab) measureChores(ctx context.Context, section string, chores []chore) error {
	share := l.opts.timing().count / 8
	for _, c := range chores {
		var ratios, rates []float64
		for range max(l.opts.rounds, 1) {
			ours, err := pace(ctx, share, c.ours)
			if err != nil {
				return err
			}
			bare, err := pace(ctx, share, c.bare)
			if err != nil {
				return err
			}
			ratios, rates = append(ratios, ours/bare), append(rates, ours)
		}
		slices.Sort(ratios)
		slices.Sort(rates)
		l.report.add(line{
			Section: section, Name: c.name, Value: perSecond(rates[len(rates)/2]), Against: c.against, Ratio: ratios[len(ratios)/2],
		})
	}
	return nil
}

// vaultChores are the same twice: by the vault, and by AES-GCM alone.
func vaultChores() ([]chore, error) {
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
	return []chore{
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

// pace is how often something can be done in a second.
func pace(ctx context.Context, lasts time.Duration, do func() error) (float64, error) {
	const between = 256 // looks at the clock
	done, began := 0, time.Now()
	for took := time.Duration(0); took < lasts; took = time.Since(began) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		for range between {
			if err := do(); err != nil {
				return 0, err
			}
		}
		done += between
	}
	return float64(done) / time.Since(began).Seconds(), nil
}
