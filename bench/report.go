package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// line is one ratio of the table. No measured value stands without what it is compared with.
type line struct {
	Section string  `json:"section"`
	Name    string  `json:"name"`
	Value   string  `json:"value"`
	Against string  `json:"against"`
	Ratio   float64 `json:"ratio"`
	Mark    string  `json:"mark,omitempty"`
	Met     *bool   `json:"met,omitempty"`
}

// atLeast sets the mark to a ratio that is to be reached.
func (n line) atLeast(mark float64) line {
	met := n.Ratio >= mark
	n.Mark, n.Met = fmt.Sprintf("≥ %.3g", mark), &met
	return n
}

// atMost sets the mark to a ratio that is not to be exceeded.
func (n line) atMost(mark float64) line {
	met := n.Ratio <= mark
	n.Mark, n.Met = fmt.Sprintf("≤ %.3g", mark), &met
	return n
}

// report collects what a run has found.
type report struct {
	facts facts
	lines []line
	notes []string
	cells map[string][]sample
	live  io.Writer // told what is found of lists, which takes long; nil is nobody
}

func (r *report) add(n line) {
	r.lines = append(r.lines, n)
	if r.live != nil && n.Section == lists {
		fmt.Fprintf(r.live, "%s: %s, ratio %.2f to %s\n", n.Name, n.Value, n.Ratio, n.Against)
	}
}

func (r *report) note(text string) { r.notes = append(r.notes, text) }

// keep stores the samples behind the ratios, for the JSON file.
func (r *report) keep(found results) {
	if r.cells == nil {
		r.cells = map[string][]sample{}
	}
	for k, samples := range found {
		r.cells[fmt.Sprintf("%s, %s, %d connections", k.work, k.who, k.conns)] = samples
	}
}

// reportRates turns samples into ratios: within each round, and then the median of the rounds.
func (l *lab) reportRates(beds []*bed, found results) {
	l.report.keep(found)
	t := &tally{found, l.report}
	for _, b := range beds {
		for _, n := range connections {
			t.rate(comparison{"create", "creates", b.sluice(), "create", b.bareSQL(), "one commit each, " + b.bare.means(), n}, createMark(b, n))
			t.rate(comparison{"create", "creates", b.sluice(), "create", b.groupSQL(), "64 to a commit", n}, 0)
			t.rate(comparison{"create", "creates", b.sluice(), "create", whoMock, "which stores nothing", n}, mockMark(b, n))
		}
		for _, n := range connections {
			t.rate(comparison{"flow", "paid flows", b.sluice(), "flow", b.bareSQL(), "their rows in the same three commits", n}, flowMark(n))
			t.rate(comparison{"flow", "paid flows", b.sluice(), "final", b.bareSQL(), "their final rows in one commit", n}, flowMark(n))
			t.rate(comparison{"flow", "paid flows", b.sluice(), "flow", b.groupSQL(), "64 to a commit", n}, 0)
		}
		t.open(b, "create", "creates")
		t.open(b, "flow", "paid flows")
		for _, n := range connections {
			t.overhead(b, n)
		}
		for _, work := range []string{"create", "flow"} {
			t.processor(b, work)
		}
	}
}

// Marks are set at the most connections.
func createMark(b *bed, n int) float64 {
	switch {
	case n != mostConnections:
		return 0
	case b.srv.database == "":
		return 1.2
	default:
		return 0.5
	}
}

func mockMark(b *bed, n int) float64 {
	if n == mostConnections && b.srv.database == "" {
		return 1
	}
	return 0
}

func flowMark(n int) float64 {
	if n == mostConnections {
		return 0.3
	}
	return 0
}

// tally makes lines from samples.
type tally struct {
	found  results
	report *report
}

// comparison is two cells over the same number of connections.
type comparison struct {
	work, name, who, otherWork, other, how string
	conns                                  int
}

// pairs calls f with the samples of both cells, round by round, and returns the median of what it says.
func (t *tally) pairs(a, b key, f func(a, b sample) float64) (ratio float64, ok bool) {
	own, other := t.found[a], t.found[b]
	if len(own) == 0 || len(own) != len(other) {
		return 0, false
	}
	ratios := make([]float64, len(own))
	for i := range own {
		ratios[i] = f(own[i], other[i])
	}
	return median(ratios), true
}

// middle is the median of a figure of a cell.
func (t *tally) middle(k key, f func(sample) float64) float64 {
	values := make([]float64, 0, len(t.found[k]))
	for _, s := range t.found[k] {
		values = append(values, f(s))
	}
	return median(values)
}

func rateOf(s sample) float64 { return s.Rate }
func p50Of(s sample) float64  { return float64(s.P50) }
func p99Of(s sample) float64  { return float64(s.P99) }

// rate adds the ratio of two rates; a mark of 0 is none.
func (t *tally) rate(c comparison, mark float64) {
	own, other := key{c.work, c.who, c.conns}, key{c.otherWork, c.other, c.conns}
	ratio, ok := t.pairs(own, other, func(a, b sample) float64 { return a.Rate / b.Rate })
	if !ok {
		return
	}
	n := line{Section: "Rates", Name: fmt.Sprintf("%s, %s, %d connections", c.name, c.who, c.conns),
		Value: perSecond(t.middle(own, rateOf)), Against: fmt.Sprintf("%s, %s, %s", c.other, c.how, perSecond(t.middle(other, rateOf))), Ratio: ratio}
	if mark > 0 {
		n = n.atLeast(mark)
	}
	t.report.add(n)
}

// open adds the times at a fixed rate of arrivals next to those of the closed loop.
func (t *tally) open(b *bed, work, name string) {
	own, other := key{work + " open", b.sluice(), mostConnections}, key{work, b.sluice(), mostConnections}
	for _, p := range []struct {
		name string
		of   func(sample) float64
	}{{"p50", p50Of}, {"p99", p99Of}} {
		ratio, ok := t.pairs(own, other, func(a, b sample) float64 { return p.of(a) / p.of(b) })
		if !ok {
			return
		}
		t.report.add(line{Section: "Open loop",
			Name:  fmt.Sprintf("%s of %s, %s, %s arriving", p.name, name, b.sluice(), perSecond(t.middle(own, rateOf))),
			Value: millis(time.Duration(t.middle(own, p.of))),
			Against: fmt.Sprintf("%s of the closed loop of 64 connections, %s, at %s", p.name,
				millis(time.Duration(t.middle(other, p.of))), perSecond(t.middle(other, rateOf))),
			Ratio: ratio})
	}
}

// overhead adds what executing a payment takes beyond the provider's own time.
func (t *tally) overhead(b *bed, n int) {
	own, other := key{"execute", b.sluice(), n}, key{"execute", "simulator of " + b.sluice(), n}
	for _, p := range []struct {
		name string
		of   func(sample) float64
	}{{"p50", p50Of}, {"p99", p99Of}} {
		ratio, ok := t.pairs(own, other, func(a, b sample) float64 { return (p.of(a) - p.of(b)) / p.of(b) })
		if !ok {
			return
		}
		added := t.middle(own, p.of) - t.middle(other, p.of)
		t.report.add(line{Section: "Time added to the provider's", Name: fmt.Sprintf("%s of executing a payment less the call, %s, %d connections", p.name, b.sluice(), n),
			Value: millis(time.Duration(added)), Against: "the simulator asked directly, " + millis(time.Duration(t.middle(other, p.of))), Ratio: ratio})
	}
}

// processor adds the share of the machine that the server itself had, the database server and the load apart.
func (t *tally) processor(b *bed, work string) {
	k := key{work, b.sluice(), mostConnections}
	used := t.middle(k, func(s sample) float64 { return float64(s.CPU) })
	whole := t.middle(k, func(s sample) float64 { return float64(t.report.facts.Cores) * float64(time.Second) / s.Rate })
	if used == 0 || whole == 0 {
		return
	}
	t.report.add(line{Section: "Processor", Name: fmt.Sprintf("server's own time for one %s, %s, %d connections", work, b.sluice(), mostConnections),
		Value: micros(time.Duration(used)), Against: "all processors' time for one, " + micros(time.Duration(whole)), Ratio: used / whole})
}

func perSecond(rate float64) string { return fmt.Sprintf("%.0f/s", rate) }

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// markdown renders the report for people.
func (r *report) markdown() string {
	var b strings.Builder
	r.facts.markdown(&b)
	for _, note := range r.notes {
		fmt.Fprintf(&b, "**%s**\n\n", note)
	}
	section := ""
	for _, n := range r.sorted() {
		if n.Section != section {
			section = n.Section
			fmt.Fprintf(&b, "\n## %s\n\n| what | value | next to | ratio | mark | met |\n|---|---|---|---|---|---|\n", section)
		}
		met := ""
		if n.Met != nil {
			met = map[bool]string{true: "yes", false: "NO"}[*n.Met]
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.2f | %s | %s |\n", n.Name, n.Value, n.Against, n.Ratio, n.Mark, met)
	}
	return b.String()
}

// sorted returns the lines section by section, in the order in which the sections first came.
func (r *report) sorted() []line {
	var sections []string
	for _, n := range r.lines {
		if !slices.Contains(sections, n.Section) {
			sections = append(sections, n.Section)
		}
	}
	return slices.SortedStableFunc(slices.Values(r.lines), func(a, b line) int {
		return slices.Index(sections, a.Section) - slices.Index(sections, b.Section)
	})
}

// write stores the report as Markdown and as JSON, named by day and commit.
func (r *report) write(folder string) error {
	raw, err := json.MarshalIndent(struct {
		Facts facts               `json:"machine"`
		Notes []string            `json:"notes,omitempty"`
		Lines []line              `json:"ratios"`
		Cells map[string][]sample `json:"rounds,omitempty"`
	}{r.facts, r.notes, r.sorted(), r.cells}, "", "  ")
	if err != nil {
		return fmt.Errorf("render results: %w", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // results are for everybody
		return err
	}
	name := filepath.Join(folder, r.facts.Day+"-"+r.facts.Commit)
	if err := os.WriteFile(name+".json", append(raw, '\n'), 0o644); err != nil { //nolint:gosec // as above
		return err
	}
	return os.WriteFile(name+".md", []byte(r.markdown()), 0o644) //nolint:gosec // as above
}
