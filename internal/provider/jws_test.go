package provider_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sluicepay/sluice/internal/provider"
)

// TestSignaturesAreReadByAnother: by a library that shares no code with what makes them.
func TestSignaturesAreReadByAnother(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []*pem.Block{{Type: "PRIVATE KEY", Bytes: whole}, {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}} {
		signer, err := provider.NewSigner(string(pem.EncodeToMemory(block)), "kid-1", nil)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.JWT(provider.NewObject(64).Text("iss", "us").Number("exp", 4_000_000_000))
		if err != nil {
			t.Fatal(err)
		}
		public := func(t *jwt.Token) (any, error) { return &key.PublicKey, nil }
		read, err := jwt.Parse(token, public, jwt.WithValidMethods([]string{"PS256"}), jwt.WithIssuer("us"))
		if err != nil || read.Header["kid"] != "kid-1" {
			t.Errorf("%v, %v", read, err)
		}
		body := []byte(`{"a": "ü"}`)
		detached, err := signer.Detached(func(o provider.Object) provider.Object { return o.Text("cty", "application/json") }, body)
		head, signature, apart := strings.Cut(detached, "..")
		if err != nil || !apart {
			t.Fatalf("%q, %v", detached, err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(signature)
		if err != nil {
			t.Fatal(err)
		}
		for text, good := range map[string]bool{string(body): true, string(body) + " ": false} {
			err := jwt.SigningMethodPS256.Verify(head+"."+base64.RawURLEncoding.EncodeToString([]byte(text)), raw, &key.PublicKey)
			if good != (err == nil) {
				t.Errorf("%q: %v", text, err)
			}
		}
		if text := fmt.Sprintf("%v %+v %#v %s", signer, signer, signer, signer); strings.Contains(text, key.D.String()) {
			t.Error("the key is printed")
		}
	}
	for _, text := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\ntopsecret\n-----END PRIVATE KEY-----", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("topsecret")}))} {
		if _, err := provider.NewSigner(text, "x", nil); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
