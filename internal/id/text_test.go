package id

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"
)

const sample = "0192f3a4b5c67123892a0b1c2d3e4f50"

func TestValid(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		sample:                             true,
		strings.Repeat("0", 32):            true,
		"96365a23dca04a5a9bcbb0031e7b06ac": true, // version 4
		"":                                 false,
		sample[:31]:                        false,
		sample + "0":                       false,
		strings.ToUpper(sample):            false,
		sample[:31] + "g":                  false,
		sample[:31] + "/":                  false,
		sample[:31] + ":":                  false,
		sample[:31] + "`":                  false,
		sample[:31] + "\x00":               false,
		sample[:30] + "é":                  false,
		Dashed(sample):                     false,
	} {
		if Valid(text) != want {
			t.Errorf("Valid(%q) = %t", text, !want)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		encode(0, 0):                            0,
		encode(1_795_000_000_123_456, 99):       1_795_000_000_123_456,
		encode(maxMicros, counterTop-1):         maxMicros,
		"0000000000017001" + "8000000000000000": 1001,
		"00000000000173e7" + "bfffffffffffffff": 1999,
	} {
		if got, ok := Time(text); !ok || !got.Equal(time.UnixMicro(want)) {
			t.Errorf("Time(%s) = %v, %t, want %d us", text, got, ok, want)
		}
	}
	for name, text := range map[string]string{
		"empty":             "",
		"version 4":         "96365a23dca04a5a9bcbb0031e7b06ac",
		"other variant":     "00000000000170017000000000000000",
		"last variant":      "0000000000017001c000000000000000",
		"1000 microseconds": "00000000000173e88000000000000000",
		"a floor":           Floor(noon),
		"upper case":        strings.ToUpper(encode(noon.UnixMicro(), 1<<60)),
	} {
		if got, ok := Time(text); ok {
			t.Errorf("%s: Time(%q) = %v", name, text, got)
		}
	}
}

func TestDashes(t *testing.T) {
	t.Parallel()
	const dashed = "0192f3a4-b5c6-7123-892a-0b1c2d3e4f50"
	if got := Dashed(sample); got != dashed {
		t.Errorf("Dashed = %q, want %q", got, dashed)
	}
	for _, same := range []string{"", "x", dashed, strings.ToUpper(sample)} {
		if got := Dashed(same); got != same {
			t.Errorf("Dashed(%q) = %q", same, got)
		}
	}
	for _, spelled := range []string{dashed, strings.ToUpper(dashed)} {
		if got, ok := Undashed(spelled); !ok || got != sample {
			t.Errorf("Undashed(%q) = %q, %t, want %q", spelled, got, ok, sample)
		}
	}
	for _, bad := range []string{
		"", sample, "{" + dashed + "}", "urn:uuid:" + dashed, dashed[:35], dashed + "0", dashed[:35] + "g",
		"0192f3a4b-5c6-7123-892a-0b1c2d3e4f50", "0192f3a4-b5c6-7123-892a-0b1c2d3e4f5-", "-192f3a4-b5c6-7123-892a-0b1c2d3e4f50",
		strings.Replace(dashed, "-", "_", 1), "0192f3a4-b5c6-7123-892a-0b1c2d3e4Å0",
	} {
		if got, ok := Undashed(bad); ok || got != "" {
			t.Errorf("Undashed(%q) = %q, %t", bad, got, ok)
		}
	}
}

func TestReadTakesEverySpelling(t *testing.T) {
	t.Parallel()
	shown := AsVersion4(sample)
	for _, spelled := range []string{sample, shown, Dashed(sample), Dashed(shown)} {
		for _, text := range []string{spelled, strings.ToUpper(spelled)} {
			if got, ok := Read(text); !ok || got != sample {
				t.Errorf("Read(%q) = %q, %t, want %q", text, got, ok, sample)
			}
		}
	}
	for _, bad := range []string{"", "x", sample[1:], sample + "0", "{" + Dashed(sample) + "}", sample[:31] + "g", "urn:uuid:" + Dashed(sample)} {
		if got, ok := Read(bad); ok || got != "" {
			t.Errorf("Read(%q) = %q, %t", bad, got, ok)
		}
	}
}

func TestVersion4Spelling(t *testing.T) {
	t.Parallel()
	s := NewSource(time.Now, rand.Reader)
	for range 1000 {
		made, _ := s.New()
		shown := AsVersion4(made)
		if shown[12] != '4' || strings.IndexByte("89ab", shown[16]) < 0 || shown[:12]+shown[13:] != made[:12]+made[13:] {
			t.Fatalf("%s is shown as %s", made, shown)
		}
		if FromVersion4(shown) != made || FromVersion4(made) != made || AsVersion4(shown) != shown {
			t.Fatalf("%s and %s are not the same", made, shown)
		}
	}
	for _, text := range []string{"", "x", strings.Repeat("f", 32), strings.Repeat("0", 31), "0123456789ab7def0123456789abcdeF"} {
		if AsVersion4(text) != text || FromVersion4(text) != text {
			t.Errorf("%q is changed", text)
		}
	}
}
