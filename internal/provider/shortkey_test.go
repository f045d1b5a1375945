package provider_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/provider"
)

func TestShortKeysAreReadBack(t *testing.T) {
	seen := map[string]string{}
	for _, key := range []string{
		"00000000-00000000000000000000000000000000-0", "ffffffff-ffffffffffffffffffffffffffffffff-46655", "7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-1",
		"7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-2", "7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-12", "00000001-0195a0e27cc17a3b8b1f0a4c5d6e7f80-35",
	} {
		short, err := provider.ShortKey(key)
		if err != nil || len(short) < 33 || len(short) > 35 || strings.Trim(short, "0123456789abcdefghijklmnopqrstuvwxyz") != "" || seen[short] != "" {
			t.Errorf("%s: %q, %v", key, short, err)
		}
		seen[short] = key
		if long, ok := provider.LongKey(short); !ok || long != key {
			t.Errorf("%s is read back as %q, %t", key, long, ok)
		}
		for _, other := range []string{strings.ToUpper(short) + "A", short[:31], short[:len(short)-1], short + "00000", "-" + short[1:], short[:31] + "-1", short[:31] + "0" + short[31:], " " + short} {
			if long, ok := provider.LongKey(other); ok {
				t.Errorf("%q is read as %s", other, long)
			}
		}
	}
	for _, other := range []string{strings.Repeat("z", 33), "c3e0e7a4e7f1469a9f782d3d4999343c", "7978c0c97ea847e78e8849634473c1f1"} {
		if long, ok := provider.LongKey(other); ok {
			t.Errorf("%s, which is somebody else's, is read as %s", other, long)
		}
	}
}

func TestOnlyKeysOfOursAreShortened(t *testing.T) {
	for _, key := range []string{
		"", "k", "7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80", "7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-", "7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80--1",
		"7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-01", "7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-+1", "7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-46656",
		"7E57AB1E-0195a0e27cc17a3b8b1f0a4c5d6e7f80-1", "7e57ab1-e0195a0e27cc17a3b8b1f0a4c5d6e7f80-1", "7e57ab1x-0195a0e27cc17a3b8b1f0a4c5d6e7f80-1",
		"+e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-1",
	} {
		if short, err := provider.ShortKey(key); !errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%q: %q, %v", key, short, err)
		}
	}
}
