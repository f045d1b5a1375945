package telemetry

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxLabels = 2
	// maxSeries bounds the combinations of label values of one metric. Later ones are counted under overflow.
	maxSeries = 500
	overflow  = "other"
)

// registry keeps metrics in the order of their declaration and prints them in the Prometheus text format. It is small
// enough to be ours: the common client library would add 2.6 MB to the program for the same page of text.
type registry struct {
	families []*family
}

// family is one metric with all its label combinations.
type family struct {
	name, kind, help string
	labels           []string
	buckets          []float64 // upper bounds of a histogram in seconds, ascending

	mu     sync.RWMutex // guards the map only; series are atomic
	series map[[maxLabels]string]*series
}

type series struct {
	value  atomic.Int64   // count, or sum of a histogram in nanoseconds
	counts []atomic.Int64 // one for each bucket and one beyond
}

// Counter counts up from 0.
type Counter struct{ family *family }

// Gauge is a whole number that goes up and down.
type Gauge struct{ family *family }

// Histogram counts durations in buckets.
type Histogram struct{ family *family }

func (r *registry) counter(name, help string, labels ...string) *Counter {
	return &Counter{r.add(&family{name: name, kind: "counter", help: help, labels: labels})}
}

func (r *registry) gauge(name, help string, labels ...string) *Gauge {
	return &Gauge{r.add(&family{name: name, kind: "gauge", help: help, labels: labels})}
}

func (r *registry) histogram(name, help string, buckets []float64, labels ...string) *Histogram {
	return &Histogram{r.add(&family{name: name, kind: "histogram", help: help, buckets: buckets, labels: labels})}
}

func (r *registry) add(f *family) *family {
	if len(f.labels) > maxLabels {
		panic("telemetry: too many labels: " + f.name)
	}
	f.series = make(map[[maxLabels]string]*series)
	if len(f.labels) == 0 && f.kind == "counter" {
		f.at(nil) // shown from the start, as 0
	}
	r.families = append(r.families, f)
	return f
}

// at returns the series for the label values, which must be as many as the labels declared.
func (f *family) at(values []string) *series {
	if len(values) != len(f.labels) {
		panic("telemetry: wrong number of labels: " + f.name)
	}
	var key [maxLabels]string
	copy(key[:], values)
	f.mu.RLock()
	s := f.series[key]
	f.mu.RUnlock()
	if s != nil {
		return s
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.series) >= maxSeries && f.series[key] == nil {
		for i := range values {
			key[i] = overflow
		}
	}
	if s = f.series[key]; s == nil {
		s = &series{counts: make([]atomic.Int64, len(f.buckets)+1)}
		f.series[key] = s
	}
	return s
}

// Inc adds one under the label values, given in the order of their declaration.
func (c *Counter) Inc(values ...string) { c.family.at(values).value.Add(1) }

// Add adds n, which must not be negative.
func (c *Counter) Add(n int64, values ...string) { c.family.at(values).value.Add(n) }

// Reach sets the count of a source that keeps the total itself; such a counter is not also added to.
func (c *Counter) Reach(total int64, values ...string) { c.family.at(values).value.Store(total) }

// Set sets the number under the label values.
func (g *Gauge) Set(n int64, values ...string) { g.family.at(values).value.Store(n) }

// Clear takes the gauge off the page until it is set again: nothing is better than an old number.
func (g *Gauge) Clear() {
	g.family.mu.Lock()
	defer g.family.mu.Unlock()
	clear(g.family.series)
}

// Observe counts one duration under the label values.
func (h *Histogram) Observe(d time.Duration, values ...string) {
	s := h.family.at(values)
	i, _ := slices.BinarySearch(h.family.buckets, d.Seconds())
	s.counts[i].Add(1)
	s.value.Add(d.Nanoseconds())
}

// Handler serves the metrics as text. It belongs on a listener of its own that only this machine can reach.
func (r *registry) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = r.WriteText(w) // the reader is gone; there is nobody to tell
	})
	return mux
}

// WriteText prints every metric in the Prometheus text format, followed by a few figures of the Go runtime.
func (r *registry) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, f := range r.families {
		f.write(b)
	}
	writeRuntime(b)
	return b.Flush()
}

func (f *family) write(w io.Writer) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
	f.mu.RLock()
	defer f.mu.RUnlock()
	keys := make([][maxLabels]string, 0, len(f.series))
	for k := range f.series {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [maxLabels]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	for _, k := range keys {
		s, labels := f.series[k], f.labelText(k)
		switch f.kind {
		case "histogram":
			f.writeHistogram(w, s, labels)
		default:
			fmt.Fprintf(w, "%s%s %d\n", f.name, braces(labels), s.value.Load())
		}
	}
}

func (f *family) writeHistogram(w io.Writer, s *series, labels string) {
	var total int64
	for i := range s.counts {
		total += s.counts[i].Load()
		bound := math.Inf(1)
		if i < len(f.buckets) {
			bound = f.buckets[i]
		}
		le := `le="` + strconv.FormatFloat(bound, 'g', -1, 64) + `"`
		if labels != "" {
			le = labels + "," + le
		}
		fmt.Fprintf(w, "%s_bucket{%s} %d\n", f.name, le, total)
	}
	fmt.Fprintf(w, "%s_sum%s %s\n%s_count%s %d\n", f.name, braces(labels), seconds(s.value.Load(), 1e9), f.name, braces(labels), total)
}

func (f *family) labelText(values [maxLabels]string) string {
	var b strings.Builder
	for i, name := range f.labels {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(name + `="` + labelEscaper.Replace(values[i]) + `"`)
	}
	return b.String()
}

var labelEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func braces(labels string) string {
	if labels == "" {
		return ""
	}
	return "{" + labels + "}"
}

func seconds(v int64, unit float64) string {
	return strconv.FormatFloat(float64(v)/unit, 'g', -1, 64)
}

// statusLabel avoids an allocation for every answer: all usual statuses are below 600.
func statusLabel(status int) string {
	if status < 100 || status > 599 {
		return overflow
	}
	return strconv.Itoa(status)
}
