package loopback_test

import (
	"net"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

func TestAddressesDifferAndCanBeListenedOnAgain(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 20 {
		address := loopback.Address(t)
		if seen[address] {
			t.Errorf("%s came twice", address)
		}
		seen[address] = true
		for range 2 {
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
