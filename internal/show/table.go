package show

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// table aligns columns: numbers to the right, words to the left. text/tabwriter
// can do only one of them.
type table struct {
	head []column
	rows [][]string
}

type column struct {
	name string
	left bool
}

func left(name string) column  { return column{name, true} }
func right(name string) column { return column{name, false} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// lines are the table with its head, without trailing spaces.
func (t *table) lines() []string {
	names := make([]string, len(t.head))
	widths := make([]int, len(t.head))
	for i, c := range t.head {
		names[i], widths[i] = c.name, utf8.RuneCountInString(c.name)
	}
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var lines []string
	for _, row := range append([][]string{names}, t.rows...) {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString(" ")
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.head[i].left {
				b.WriteString(cell + pad)
			} else {
				b.WriteString(pad + cell)
			}
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

func (t *table) write(w io.Writer) error {
	_, err := io.WriteString(w, strings.Join(t.lines(), "\n")+"\n")
	return err
}

// drop takes columns out.
func (t *table) drop(names ...string) {
	for _, name := range names {
		i := slices.IndexFunc(t.head, func(c column) bool { return c.name == name })
		t.head = slices.Delete(t.head, i, i+1)
		for j := range t.rows {
			t.rows[j] = slices.Delete(t.rows[j], i, i+1)
		}
	}
}
