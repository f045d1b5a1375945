package main

import (
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/config"
)

func TestDescriptorsAreSharedOut(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		descriptors int
		config      config.Config
		want        limits
	}{
		{"many", 1 << 20, config.Config{}, limits{1 << 20, 8192, 2048, 1024}},
		{"usual", 20000, config.Config{}, limits{20000, 8192, 2048, 1024}},
		{"4096", 4096, config.Config{}, limits{4096, 2048, 512, 1024}},
		{"1024", 1024, config.Config{}, limits{1024, 512, 128, 256}},
		{"few", 90, config.Config{}, limits{90, 45, 16, 22}},
		{"hardly any", 20, config.Config{}, limits{20, 10, 10, 16}},
		{"unknown", 0, config.Config{}, limits{0, 1024, 256, 1024}},
		{"as set", 1024, config.Config{MaxConnections: 900, MaxConnectionsPerAddress: 5}, limits{1024, 900, 5, 62}},
		{"one address may have all", 1024, config.Config{MaxConnectionsPerAddress: 9000}, limits{1024, 512, 9000, 256}},
		{"unknown, as set", 0, config.Config{MaxConnections: 50000}, limits{0, 50000, 12500, 1024}},
	} {
		got, err := shareOut(tc.descriptors, &tc.config)
		if err != nil || got != tc.want {
			t.Errorf("%s: %+v, %v, want %+v", tc.name, got, err, tc.want)
		}
	}
	_, err := shareOut(1024, &config.Config{MaxConnections: 961})
	if err == nil || !strings.Contains(err.Error(), "961") || !strings.Contains(err.Error(), "1024") || !strings.Contains(err.Error(), "LimitNOFILE") {
		t.Errorf("more connections than there are descriptors: %v", err)
	}
}
