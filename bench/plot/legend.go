package plot

import "unicode/utf8"

const (
	legendRow  = 16.0
	legendMark = 10.0 // from the mark to its name
	legendGap  = 18.0 // from a name to the next mark
)

// legend is the names of series, in rows above a chart: beside it they would have to be short.
type legend struct {
	names  []legendName
	height float64
}

type legendName struct {
	x, y        float64 // of the mark
	text, class string
}

// newLegend puts as many names into a row as fit.
func newLegend(all []Series) (l legend) {
	x := chartLeft
	runesMax := int((Width - right - x - legendMark) / runeWidth)
	for _, s := range all {
		text := clip(s.Name, runesMax)
		width := legendMark + runeWidth*float64(utf8.RuneCountInString(text))
		if l.height == 0 || x+width > Width-right {
			x = chartLeft
			l.height += legendRow
		}
		l.names = append(l.names, legendName{x, l.height - legendRow/2, text, s.Class})
		x += width + legendGap
	}
	return l
}

func (l *legend) draw(c *canvas) {
	for _, n := range l.names {
		c.dot(n.x, n.y, n.class, n.text)
		c.text(n.x+legendMark, n.y+4, "start", n.text)
	}
}
