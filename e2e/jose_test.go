package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// joseFolder is where the npm package is installed. Where it cannot be had, and nobody insists, it is left out.
func joseFolder(t *testing.T) string {
	t.Helper()
	if folder := os.Getenv("SLUICE_TEST_JOSE"); folder != "" {
		return folder
	}
	cmd := exec.CommandContext(t.Context(), "../scripts/jose.sh", "path")
	var fault bytes.Buffer
	cmd.Stderr = &fault
	out, err := cmd.Output()
	if err == nil {
		return strings.TrimSpace(string(out))
	}
	setting.Missing(t, setting.Jose, "signed events are not verified with the npm package jose: ", err, ": ", fault.String())
	return ""
}

// verdict is what jose says of a token.
type verdict struct {
	OK      bool
	Code    string
	Payload map[string]any
	Header  map[string]any
}

// jose is a running process that verifies tokens.
type jose struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func startJose(t *testing.T, folder, keys string) *jose {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "node", filepath.Join(folder, "verify.mjs"), keys)
	cmd.Env, cmd.Stderr = environment(), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	return &jose{t, in, bufio.NewReader(out)}
}

func (j *jose) verify(tokens ...[]byte) []verdict {
	j.t.Helper()
	go func() {
		for _, token := range tokens {
			fmt.Fprintln(j.in, base64.StdEncoding.EncodeToString(token))
		}
	}()
	verdicts := make([]verdict, len(tokens))
	for i := range verdicts {
		line, err := j.out.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &verdicts[i])
		}
		if err != nil {
			j.t.Fatalf("answer of node: %v", err)
		}
	}
	return verdicts
}

// goVerify fetches the published keys, checks their form and verifies the token with a Go library.
func goVerify(t *testing.T, address string, token []byte) error {
	t.Helper()
	_, err := parseToken(publishedKeys(t, address), token)
	return err
}

// publishedKeys fetches the keys by which tokens are verified, and checks their form.
func publishedKeys(t testing.TB, address string) map[string]*ecdsa.PublicKey {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var set struct{ Keys []map[string]string }
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil || res.StatusCode != 200 || len(set.Keys) == 0 {
		t.Fatalf("keys: status %d, %v, %v", res.StatusCode, set, err)
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, k := range set.Keys {
		point := []byte{4}
		for _, name := range []string{"x", "y"} {
			raw, err := base64.RawURLEncoding.DecodeString(k[name])
			if err != nil {
				t.Fatal(err)
			}
			point = append(point, raw...)
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			t.Fatal(err)
		}
		keys[k["kid"]] = key
		delete(k, "x")
		delete(k, "y")
		if diff := cmp.Diff(map[string]string{"kty": "EC", "crv": "P-256", "kid": k["kid"], "alg": "ES256", "use": "sig"}, k); diff != "" {
			t.Errorf("published key (-want +got):\n%s", diff)
		}
	}
	return keys
}

// parseToken verifies a token with a Go library and returns its payload.
func parseToken(keys map[string]*ecdsa.PublicKey, token []byte) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithStrictDecoding()).ParseWithClaims(string(token), claims,
		func(t *jwt.Token) (any, error) {
			if key, ok := keys[fmt.Sprint(t.Header["kid"])]; ok {
				return key, nil
			}
			return nil, fmt.Errorf("no key %v", t.Header["kid"])
		})
	return claims, err
}

var tokenHeader = regexp.MustCompile(`^\{"alg":"ES256","exp":\d{10},"iat":\d{10},"kid":"\d-merchant-api","typ":"JWT"\}$`)

// TestTokensVerifyWithPublicLibraries: events of real payments are verified with two libraries of others, one of which
// fetches the keys by itself and keeps running while the key is replaced.
func TestTokensVerifyWithPublicLibraries(t *testing.T) {
	t.Parallel()
	folder := joseFolder(t)
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url, "--private-webhooks")
		s.start(t)
		r := newReceiver(t, nil, nil)
		shop := s.newHookShop(t, sim, object{"yandexPay": object{"callbackUrl": r.URL + "/pay/"}})
		node := startJose(t, folder, s.base+"/api/jwks")

		shop.pay(t, deposit("first", "20.00"))
		await(t, "the first event", patience, func() bool { return len(r.all()) > 0 })
		first := r.all()[0]
		checkToken(t, s, node, &first, "1-merchant-api")

		began := time.Now()
		var rotated struct{ KID, SignsFrom string }
		s.admin(t, &rotated, "webhook", "rotate-token-key", "--now")
		if rotated.KID != "2-merchant-api" {
			t.Fatalf("rotated: %+v", rotated)
		}
		var last hook
		n := 0
		await(t, "an event signed by the new key", patience, func() bool {
			n++
			shop.pay(t, deposit(fmt.Sprintf("later-%d", n), "1.00"))
			time.Sleep(300 * time.Millisecond)
			all := r.all()
			last = all[len(all)-1]
			head, _ := base64.RawURLEncoding.DecodeString(strings.Split(string(last.body), ".")[0])
			return strings.Contains(string(head), "2-merchant-api")
		})
		t.Logf("the new key signs after %s", time.Since(began).Round(time.Millisecond))
		checkToken(t, s, node, &last, "2-merchant-api")
		for _, h := range r.all() { // all of them are good, whichever key they were signed by
			if v := node.verify(h.body)[0]; !v.OK {
				t.Errorf("refused: %s: %s", v.Code, h.body)
			}
		}
		list := s.command(t, "webhook", "token-keys")
		for _, part := range []string{"1-merchant-api", "VERIFIES", "2-merchant-api", "SIGNS"} {
			if !strings.Contains(list, part) {
				t.Errorf("no %s in\n%s", part, list)
			}
		}
		alter(t, node, last.body)
		s.stop(t)
	})
}

// checkToken has both libraries verify a delivery, and looks at it as the contract describes it.
func checkToken(t *testing.T, s *server, node *jose, h *hook, kid string) {
	t.Helper()
	v := node.verify(h.body)[0]
	if !v.OK || v.Header["kid"] != kid || v.Payload["event"] != "ORDER_STATUS_UPDATED" {
		t.Errorf("jose says %+v of %s", v, h.body)
	}
	if err := goVerify(t, s.base+"/api/jwks", h.body); err != nil {
		t.Errorf("golang-jwt: %v", err)
	}
	head, _, _ := strings.Cut(string(h.body), ".")
	if raw, err := base64.RawURLEncoding.DecodeString(head); err != nil || !tokenHeader.Match(raw) {
		t.Errorf("header %s, %v", raw, err)
	}
	if iat, exp := v.Header["iat"], v.Header["exp"]; iat == nil || exp != iat.(float64)+300 {
		t.Errorf("iat %v, exp %v", iat, exp)
	}
	if h.path != "/pay/v1/webhook" || h.header.Get("User-Agent") != "YandexPay/1.0" ||
		h.header.Get("Content-Type") != "application/octet-stream" || h.header.Get("Signature") != "" {
		t.Errorf("posted to %s with %v", h.path, h.header)
	}
}

// alter flips each bit of a token once and presents each to jose. Bits of the last letter that no signature has are
// left out: they are the reader's to mind.
func alter(t *testing.T, node *jose, token []byte) {
	t.Helper()
	signature := func(b []byte) string {
		raw, _ := base64.RawURLEncoding.DecodeString(string(b[bytes.LastIndexByte(b, '.')+1:]))
		return string(raw)
	}
	var forged [][]byte
	for bit := range len(token) * 8 {
		f := bytes.Clone(token)
		f[bit/8] ^= 1 << (bit % 8)
		if bit/8 < len(token)-1 || signature(f) != signature(token) {
			forged = append(forged, f)
		}
	}
	began := time.Now()
	for i, v := range node.verify(forged...) {
		if v.OK {
			t.Errorf("jose accepts %s", forged[i])
		}
	}
	if len(forged) < len(token)*8-4 {
		t.Errorf("only %d of %d bits were flipped", len(forged), len(token)*8)
	}
	if !node.verify(token)[0].OK {
		t.Error("the token itself is refused")
	}
	t.Logf("%d altered tokens refused in %s", len(forged), time.Since(began).Round(time.Millisecond))
}
