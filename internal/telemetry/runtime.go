package telemetry

import (
	"fmt"
	"io"
	"runtime/metrics"
)

// runtimeMetrics are read from the Go runtime when the page is printed and cost nothing in between.
var runtimeMetrics = []struct{ source, name, kind, help string }{
	{"/sched/goroutines:goroutines", "go_goroutines", "gauge", "Goroutines that exist now."},
	{"/memory/classes/total:bytes", "go_memory_bytes", "gauge", "Memory that the runtime holds from the system."},
	{"/memory/classes/heap/objects:bytes", "go_heap_objects_bytes", "gauge", "Memory of live objects and those not yet swept."},
	{"/gc/cycles/total:gc-cycles", "go_gc_cycles_total", "counter", "Completed runs of the garbage collector."},
}

func writeRuntime(w io.Writer) {
	samples := make([]metrics.Sample, len(runtimeMetrics))
	for i, m := range runtimeMetrics {
		samples[i].Name = m.source
	}
	metrics.Read(samples)
	for i, m := range runtimeMetrics {
		if samples[i].Value.Kind() != metrics.KindUint64 {
			continue
		}
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", m.name, m.help, m.name, m.kind, m.name, samples[i].Value.Uint64())
	}
}
