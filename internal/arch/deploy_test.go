package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDeployedFilesAreTheOnesOnThePage: who copies from docs/production.md gets what is in deploy/.
func TestDeployedFilesAreTheOnesOnThePage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "production.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "deploy", "*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("deploy/ has %d files: %v", len(files), err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "\n"+string(text)+"```\n") {
			t.Errorf("docs/production.md does not quote deploy/%s as it is", filepath.Base(path))
		}
	}
}

var (
	metricRow    = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\w+) \\| (.*?) \\|")
	usedMetric   = regexp.MustCompile(`\b((?:sluice|go)_[a-z_]+)(?:\{([^}]*)\})?`)
	usedLabel    = regexp.MustCompile(`([a-z_]+)[!=]=?~?"`)
	groupedLabel = regexp.MustCompile(`by \(([a-z, ]+)\)`)
)

// TestAlertsAreAboutMetricsThatExist: a rule about a name that nothing has never fires.
func TestAlertsAreAboutMetricsThatExist(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{} // labels by name
	for _, row := range metricRow.FindAllStringSubmatch(string(page), -1) {
		labels := regexp.MustCompile("[a-z_]+").FindAllString(row[3], -1)
		known[row[1]] = labels
		if row[2] == "histogram" {
			known[row[1]+"_count"], known[row[1]+"_sum"], known[row[1]+"_bucket"] = labels, labels, append(labels, "le")
		}
	}
	rules, err := os.ReadFile(filepath.Join("..", "..", "deploy", "prometheus-rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	used := 0
	for rule := range strings.SplitSeq(string(rules), "- alert: ") {
		var all []string
		for _, m := range usedMetric.FindAllStringSubmatch(rule, -1) {
			labels, exists := known[m[1]]
			if used++; !exists {
				t.Errorf("%.30s: docs/metrics.md has no %s", rule, m[1])
			}
			all = append(all, labels...)
			for _, l := range usedLabel.FindAllStringSubmatch(m[2], -1) {
				if l[1] != "job" && !slices.Contains(labels, l[1]) {
					t.Errorf("%.30s: %s has no label %s", rule, m[1], l[1])
				}
			}
		}
		for _, by := range groupedLabel.FindAllStringSubmatch(rule, -1) {
			for l := range strings.SplitSeq(by[1], ",") {
				if !slices.Contains(all, strings.TrimSpace(l)) {
					t.Errorf("%.30s: grouped by %s, which its metrics do not have", rule, l)
				}
			}
		}
	}
	if used < 10 {
		t.Errorf("only %d metrics found in the rules: the test looks for the wrong thing", used)
	}
}
