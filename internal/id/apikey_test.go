package id

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
)

// fixedKey has its checksum from another implementation of CRC-32, and must read for ever.
const fixedKey = "sk_test_0123456789ABCDEFGHIJabcdefghij0243ckmD"

func TestAPIKey(t *testing.T) {
	t.Parallel()
	s := NewSource(time.Now, seeded(1))
	form := regexp.MustCompile(`\Ask_(live|test)_[0-9A-Za-z]{38}\z`)
	seen := map[string]bool{}
	for i := range 1000 {
		live := i%2 == 0
		text := s.APIKey(live)
		if !form.MatchString(text) || strings.HasPrefix(text, "sk_live_") != live || seen[text] {
			t.Fatalf("key %q, live %t", text, live)
		}
		seen[text] = true
		key, err := ParseAPIKey(text)
		if err != nil || key.Reveal() != text || key.Live() != live || key.IsZero() {
			t.Fatalf("%q reads as %q, live %t: %v", text, key.Reveal(), key.Live(), err)
		}
		if key.Prefix() != text[:16] {
			t.Fatalf("Prefix = %q, want %q", key.Prefix(), text[:16])
		}
	}
}

func TestParseAPIKeyReadsKeysIssuedEarlier(t *testing.T) {
	t.Parallel()
	if key, err := ParseAPIKey(fixedKey); err != nil || key.Reveal() != fixedKey {
		t.Errorf("%q: %v", key.Reveal(), err)
	}
}

func TestParseAPIKeyRefuses(t *testing.T) {
	t.Parallel()
	good := NewSource(time.Now, seeded(2)).APIKey(true)
	for text, want := range map[string]error{
		"":                                   ErrAPIKey,
		"sk_live_":                           ErrAPIKey,
		good[:len(good)-1]:                   ErrAPIKey,
		good + "0":                           ErrAPIKey,
		" " + good[1:]:                       ErrAPIKey,
		"pk" + good[2:]:                      ErrAPIKey,
		"SK_LIVE_" + good[8:]:                ErrAPIKey,
		good[:20] + "-" + good[21:]:          ErrAPIKey,
		good[:20] + "\x00" + good[21:]:       ErrAPIKey,
		good[:20] + "é" + good[22:]:          ErrAPIKey,
		"sk_test_" + good[8:]:                ErrAPIKeyChecksum,
		good[:8] + strings.ToLower(good[8:]): ErrAPIKeyChecksum,
		"sk_test_" + strings.Repeat("0", 38): ErrAPIKeyChecksum,
		good[:len(good)-6] + "000000":        ErrAPIKeyChecksum,
	} {
		key, err := ParseAPIKey(text)
		if !errors.Is(err, want) || !key.IsZero() {
			t.Errorf("ParseAPIKey(%q) = %v, want %v", text, err, want)
		}
		if err != nil && len(text) > 10 && strings.Contains(err.Error(), text[8:16]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

func TestParseAPIKeyCatchesOneWrongCharacter(t *testing.T) {
	t.Parallel()
	good := NewSource(time.Now, seeded(3)).APIKey(false)
	for i := len(testScheme); i < len(good); i++ {
		for _, c := range []byte(letters) {
			changed := good[:i] + string(c) + good[i+1:]
			if _, err := ParseAPIKey(changed); (err == nil) != (changed == good) {
				t.Fatalf("%s, changed at %d to %s: %v", good, i, changed, err)
			}
		}
		if i > len(testScheme) && good[i] != good[i-1] {
			swapped := good[:i-1] + good[i:i+1] + good[i-1:i] + good[i+1:]
			if _, err := ParseAPIKey(swapped); err == nil {
				t.Fatalf("%s passes with two neighbours swapped: %s", good, swapped)
			}
		}
	}
}

func TestAPIKeyNeverPrintsItsSecret(t *testing.T) {
	t.Parallel()
	text := NewSource(time.Now, seeded(4)).APIKey(true)
	key, err := ParseAPIKey(text)
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Key    APIKey
		hidden APIKey
	}
	h := holder{key, key}
	values := map[string]any{
		"key": key, "pointer": &key, "slice": []APIKey{key}, "map": map[string]APIKey{"k": key}, "any": []any{key},
		"struct": h, "struct pointer": &h, "array": [1]APIKey{key}, "nested": struct{ in []holder }{[]holder{h}},
		"map key": map[APIKey]int{key: 1},
	}
	secret := text[16:]
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%+s", "%q", "%#q", "%x", "%X", "% x", "%d", "%c", "%U", "%T", "%t", "%p", "%20.50v", "%e"} {
			leakFree(t, name+" "+verb, fmt.Sprintf(verb, v), secret)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		leakFree(t, name+" slog", log.String(), secret)
		out, _ := json.Marshal(v) // what cannot be encoded cannot leak
		leakFree(t, name+" JSON", string(out), secret)
		out, _ = xml.Marshal(v)
		leakFree(t, name+" XML", string(out), secret)
	}
	out, err := json.Marshal(h)
	if want := `{"Key":"` + key.Prefix() + `"}`; err != nil || string(out) != want {
		t.Errorf("JSON = %s, %v, want %s", out, err, want)
	}
	for _, printed := range []string{fmt.Sprint(key), fmt.Sprintf("%#v", key), key.String(), key.GoString(), key.LogValue().String()} {
		if printed != key.Prefix() {
			t.Errorf("printed as %q, want %q", printed, key.Prefix())
		}
	}
}

func TestZeroAPIKeyPrintsNothing(t *testing.T) {
	t.Parallel()
	var key APIKey
	if key.Reveal() != "" || key.Prefix() != "" || key.Live() || !key.IsZero() || fmt.Sprintf("%v%#v%d", key, key, key) != "" {
		t.Errorf("zero key: %q %q %v", key.Reveal(), key.Prefix(), key)
	}
}

// leakFree looks for any four neighbouring characters of the secret, plain and in hexadecimal.
func leakFree(t *testing.T, what, printed, secret string) {
	t.Helper()
	lower := strings.ToLower(printed)
	for i := 0; i+4 <= len(secret); i++ {
		part := secret[i : i+4]
		if strings.Contains(printed, part) || strings.Contains(lower, fmt.Sprintf("%x", part)) || strings.Contains(lower, fmt.Sprintf("% x", part)) {
			t.Errorf("%s shows %q: %s", what, part, printed)
			return
		}
	}
}

func FuzzParseAPIKey(f *testing.F) {
	s := NewSource(time.Now, seeded(5))
	for _, text := range []string{s.APIKey(true), s.APIKey(false), fixedKey, "", "sk_live_", "sk_test_" + strings.Repeat("0", 38), strings.Repeat("é", 23)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseAPIKey(text)
		if err != nil {
			if !key.IsZero() || !errors.Is(err, ErrAPIKey) && !errors.Is(err, ErrAPIKeyChecksum) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if key.Reveal() != text || len(text) != keyLen || !strings.HasPrefix(text, key.Prefix()) {
			t.Fatalf("%q reads as %q", text, key.Reveal())
		}
		if body := text[:keyLen-keyCheck]; body+checksum(body) != text {
			t.Fatalf("%q has the checksum %q", text, checksum(body))
		}
	})
}
