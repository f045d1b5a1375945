package mint

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// draw calls use with bytes of chance until they are a private key; four billion to one are.
func draw(chance io.Reader, curve elliptic.Curve, use func([]byte) error) error {
	var err error
	for range 8 {
		raw := make([]byte, curve.Params().BitSize/8)
		if _, err := io.ReadFull(chance, raw); err != nil {
			return fmt.Errorf("reading chance: %w", err)
		}
		if err = use(raw); err == nil {
			return nil
		}
	}
	return errors.Join(errors.New("eight times in a row the bytes of chance were no key"), err)
}

// drawKey draws a key that signs. The standard library draws by a chance of its own, which nobody could repeat.
func drawKey(chance io.Reader, curve elliptic.Curve) (key *ecdsa.PrivateKey, err error) {
	err = draw(chance, curve, func(raw []byte) (err error) {
		key, err = ecdsa.ParseRawPrivateKey(curve, raw)
		return err
	})
	return key, err
}

// drawExchange draws a key for one exchange on P-256.
func drawExchange(chance io.Reader) (key *ecdh.PrivateKey, err error) {
	err = draw(chance, elliptic.P256(), func(raw []byte) (err error) {
		key, err = ecdh.P256().NewPrivateKey(raw)
		return err
	})
	return key, err
}

// publicText is base64 of a key's SubjectPublicKeyInfo.
func publicText(key *ecdsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // of a curve that is known
	}
	return base64.StdEncoding.EncodeToString(der)
}
