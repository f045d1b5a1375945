package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
)

// document prints a result as an indented JSON object, also where JSON was not asked for: for what is copied from it.
func document[R any](out io.Writer, result R) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(result)
}

// jsonResult prints a result for programs: of a list one object a line.
func jsonResult[R any](out io.Writer, result R) error {
	list, ok := any(result).(interface{ Lines() []any })
	if !ok {
		return document(out, result)
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, line := range list.Lines() {
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// saysMore tells people of what a list has left out.
func saysMore(errs io.Writer, result any) error {
	list, ok := result.(interface{ Cut() int })
	if !ok || list.Cut() == 0 {
		return nil
	}
	_, err := fmt.Fprintf(errs, "There are more: these are the first %d.\n", list.Cut())
	return err
}

// sentence prints a line about a result.
func sentence[R any](format string, facts func(R) []any) func(io.Writer, R) error {
	return func(out io.Writer, result R) error {
		_, err := fmt.Fprintf(out, format+"\n", facts(result)...)
		return err
	}
}

// listed prints a list as a table with a row for each thing.
func listed[T any](heads string, row func(*T) []string) func(io.Writer, admin.List[T]) error {
	return func(out io.Writer, l admin.List[T]) error {
		rows := make([][]string, len(l.Items))
		for i := range l.Items {
			rows[i] = row(&l.Items[i])
		}
		return table(out, strings.Split(heads, "|"), rows)
	}
}

const (
	tableWidth = 100
	cellGap    = 2
	foldIndent = 2
)

// table prints rows under their heads in columns. Where a row would be wider than the screen, each row is folded into
// as many lines as it takes, in columns all the same, so that nothing is cut and a row begins where its first cell does.
func table(out io.Writer, heads []string, rows [][]string) error {
	widths := make([]int, len(heads))
	for _, row := range append([][]string{heads}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], columnsOf(cell))
		}
	}
	breaks := folds(widths, screenWidth())
	var b strings.Builder
	for _, row := range append([][]string{heads}, rows...) {
		for i, cell := range row {
			b.WriteString(cell)
			last := i == len(row)-1
			switch {
			case last:
			case breaks[i+1]:
				b.WriteString("\n" + strings.Repeat(" ", foldIndent))
			default:
				b.WriteString(strings.Repeat(" ", widths[i]-columnsOf(cell)+cellGap))
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// folds tells before which columns a row goes on on another line.
func folds(widths []int, most int) []bool {
	breaks := make([]bool, len(widths))
	used := 0
	for i, w := range widths {
		switch {
		case i == 0:
			used = w
		case used+cellGap+w > most:
			breaks[i] = true
			used = foldIndent + w
		default:
			used += cellGap + w
		}
	}
	return breaks
}

// screenWidth is what the reader's shell says, and a hundred columns where it says nothing.
func screenWidth() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 40 {
		return n
	}
	return tableWidth
}

// shortTime is an instant in a table.
func shortTime(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format(time.DateTime)
}

// oneLine is text that came from outside, as a table shows it.
func oneLine(text string) string {
	quoted := fmt.Sprintf("%q", text)
	if plain := quoted[1 : len(quoted)-1]; plain == text {
		return text
	}
	return quoted
}
