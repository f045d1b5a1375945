package telemetry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/golden"
)

func TestGoldenMetricsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Metrics\n\nPrinted from `internal/telemetry/metrics.go` by `make golden`; do not edit.\n\n" +
		"`--metrics-listen ADDR` serves these at `/metrics` in the Prometheus text format, on an address that only the\n" +
		"machine itself can reach, unless `--metrics-listen-anywhere` is set; `/healthz` and `/readyz` are answered there too. Labels take values from small fixed sets; past " + fmt.Sprint(maxSeries) +
		" combinations of one metric, new ones\nare counted under the value `" + overflow + "`.\n\n" +
		"| Metric | Kind | Labels | Meaning |\n|---|---|---|---|\n")
	for _, f := range NewMetrics().families {
		labels := "–"
		if len(f.labels) > 0 {
			labels = "`" + strings.Join(f.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, f.kind, labels, f.help)
	}
	for _, m := range runtimeMetrics {
		fmt.Fprintf(&b, "| `%s` | %s | – | %s |\n", m.name, m.kind, m.help)
	}
	golden.Check(t, "../../docs/metrics.md", []byte(b.String()))
}
