package config_test

import (
	"errors"
	"testing"

	"github.com/sluicepay/sluice/internal/config"
)

// TestVariablesOfAServiceInKubernetes: what a cluster puts into every container for a Service of our name is passed over.
func TestVariablesOfAServiceInKubernetes(t *testing.T) {
	t.Parallel()
	got, err := config.Load(config.Flags{}, []string{
		"SLUICE_SERVICE_HOST=10.96.12.7", "SLUICE_SERVICE_PORT=8080", "SLUICE_SERVICE_PORT_HTTP=8080", "SLUICE_SERVICE_PORT_WEB_2=8081",
		"SLUICE_PORT=tcp://10.96.12.7:8080", "SLUICE_PORT_8080_TCP=tcp://10.96.12.7:8080", "SLUICE_PORT_8080_TCP_PROTO=tcp",
		"SLUICE_PORT_8080_TCP_PORT=8080", "SLUICE_PORT_8080_TCP_ADDR=10.96.12.7", "SLUICE_PORT_53_UDP=udp://10.96.12.7:53",
		"SLUICE_METRICS_SERVICE_HOST=fd00::7", "SLUICE_METRICS_PORT=tcp://[fd00::7]:9090", "SLUICE_METRICS_PORT_9090_TCP_ADDR=fd00::7",
		"SLUICE_LISTEN=:8080",
	})
	if err != nil || got.Listen != ":8080" {
		t.Errorf("listen on %q, %v", got.Listen, err)
	}
}

// TestOnlyWhatKubernetesWrites: a name alone does not make a variable one of the cluster's.
func TestOnlyWhatKubernetesWrites(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"SLUICE_PORT=8080", "SLUICE_PORT=", "SLUICE_PORT=:8080", "SLUICE_PORT=http://10.96.12.7:8080", "SLUICE_PORT=tcp://host:8080",
		"SLUICE_PORT_8080_TCP=tcp://10.96.12.7:8081", "SLUICE_PORT_8080_TCP=", "SLUICE_PORT_8080_TCP_PORT=80", "SLUICE_PORT_8080_TCP_PROTO=http",
		"SLUICE_PORT_8080_TCP_ADDR=host", "SLUICE_PORT_8080_TCP_HOST=10.96.12.7", "SLUICE_PORT_HTTP_TCP=tcp://10.96.12.7:80", "SLUICE_PORTS=tcp://10.96.12.7:80",
		"SLUICE_SERVICE_HOST=pay.example", "SLUICE_SERVICE_PORT=http", "SLUICE_SERVICE_PORT=65536", "SLUICE_SERVICE_ADDRESS=10.96.12.7", "SLUICE_SERVICE=10.96.12.7",
		"SLUICE_HOST=10.96.12.7", "SLUICE_SERVICE_HOST_=10.96.12.7",
	} {
		if _, err := config.Load(config.Flags{}, []string{entry}); !errors.Is(err, config.ErrInvalid) {
			t.Errorf("%s: got %v", entry, err)
		}
	}
}
