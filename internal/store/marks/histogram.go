package marks

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A histogram tells how the last changes of the payments between two marks are spread over time: how many there are in each cell of
// 2^shift microseconds, where there are any. With it a window of changes that holds some of these payments and not others is counted
// without reading them; only what was changed in the very cell that a bound of the window cuts is looked up, in the index of changes.
//
// It holds for as long as none of these payments is changed: a mark that is widened loses its histogram (see Fold), and what was
// changed since the marks know the changes is read (see deepSpans).

// MostCells is how many cells a histogram has at most: their width is chosen so. It is set before a database is opened, by tests.
var MostCells = 128

// finest is the shift of the narrowest cells, of a second.
const finest = 20

// histogram is one, as it is stored: the number of the first cell, then for each cell how many payments it has and how far on the next
// one is.
type histogram struct {
	shift int64
	cells []byte
}

// histogramOf is that of these instants, in any order, at least one.
func histogramOf(instants []int64) histogram {
	sorted := slices.Sorted(slices.Values(instants))
	for shift := int64(finest); ; shift++ {
		cells := 1
		for i := 1; i < len(sorted) && cells <= MostCells; i++ {
			if sorted[i]>>shift != sorted[i-1]>>shift {
				cells++
			}
		}
		if cells <= MostCells || shift == 62 {
			return histogram{shift, cellsOf(sorted, shift)}
		}
	}
}

// cellsOf are the cells of that width in which instants lie that are in their order.
func cellsOf(sorted []int64, shift int64) (cells []byte) {
	for i := 0; i < len(sorted); {
		cell := sorted[i] >> shift
		if i == 0 {
			cells = binary.AppendVarint(cells, cell)
		} else {
			cells = binary.AppendUvarint(cells, uint64(cell-sorted[i-1]>>shift))
		}
		n := i
		for n < len(sorted) && sorted[n]>>shift == cell {
			n++
		}
		cells = binary.AppendUvarint(cells, uint64(n-i))
		i = n
	}
	return cells
}

// each hands over the cells in their order, until use says that it is enough.
func (h histogram) each(use func(cell, count int64) (more bool)) error {
	cell, n := binary.Varint(h.cells)
	rest := h.cells[max(n, 0):]
	for first := true; n > 0 && (first || len(rest) > 0); first = false {
		if !first {
			var step uint64
			if step, n = binary.Uvarint(rest); n <= 0 {
				break
			}
			cell += int64(step)
			rest = rest[n:]
		}
		var count uint64
		if count, n = binary.Uvarint(rest); n <= 0 {
			break
		}
		if rest = rest[n:]; !use(cell, int64(count)) {
			return nil
		}
	}
	if n <= 0 {
		return fmt.Errorf("a histogram of %d bytes is not understood", len(h.cells))
	}
	return nil
}

// below is how many of the payments were changed before the cell of that instant, and how many in it, if not all of it lies before.
func (h histogram) below(instant int64) (before, in int64, err error) {
	edge := instant >> h.shift
	err = h.each(func(cell, count int64) bool {
		if cell < edge {
			before += count
		} else if cell == edge && h.begins(instant) < instant {
			in = count
		}
		return cell < edge
	})
	return before, in, err
}

// within are the stretches of time in which those of the payments were changed that were changed from one instant on and before another.
func (h histogram) within(from, before int64) (parts [][2]int64, err error) {
	err = h.each(func(cell, _ int64) bool {
		begins := cell << h.shift
		ends := begins + 1<<h.shift
		switch last := len(parts) - 1; {
		case begins >= before:
			return false
		case ends <= from:
		case last >= 0 && parts[last][1] == begins:
			parts[last][1] = min(ends, before)
		default:
			parts = append(parts, [2]int64{max(begins, from), min(ends, before)})
		}
		return true
	})
	return parts, err
}

// begins is where the cell of that instant begins.
func (h histogram) begins(instant int64) int64 { return instant >> h.shift << h.shift }
