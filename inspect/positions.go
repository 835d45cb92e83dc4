package inspect

import (
	"fmt"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

// Positions returns a figure of position encodings: a row of colours for each
// position, from position 0 at the top, and a column for each dimension.
// Values are taken to lie in [-1, 1], as those of sines do. It reports an error
// where there is none or their numbers of dimensions differ.
func Positions(encodings [][]float32) (Figure, error) {
	if len(encodings) == 0 || len(encodings[0]) == 0 {
		return Figure{}, fmt.Errorf("inspect: no position encodings to draw")
	}
	dims := len(encodings[0])
	for i, e := range encodings {
		if len(e) != dims {
			return Figure{}, fmt.Errorf("inspect: position %d has %d dimensions, want %d as position 0", i, len(e), dims)
		}
	}
	return Figure{width: 680, height: 360, draw: func(c draw.Canvas, _ medium) {
		p := newPlot()
		p.Title.Text = "Position encoding"
		p.X.Label.Text, p.Y.Label.Text = "dimension", "position"
		p.X.Padding, p.Y.Padding = 0, 0
		p.X.Tick.Marker = every(dims, 0)
		p.Y.Tick.Marker = every(len(encodings), len(encodings))
		p.Add(plotter.NewImage(signs.picture(encodings, -1), 0, 0, float64(dims), float64(len(encodings))))
		bar := signs.colorBar(-1, 1)
		const barWidth = 56
		p.Draw(draw.Crop(c, 10, -barWidth-14, 10, -10))
		bar.Draw(draw.Crop(c, c.Max.X-c.Min.X-barWidth, -8, 45, -33))
	}}, nil
}

// every returns at most six ticks for the numbers up to n, at round steps. Where
// top is not 0 they are counted down from it.
func every(n, top int) plot.ConstantTicks {
	step := 1
	for i := 0; n > 6*step; i++ {
		step = step * [...]int{2, 5, 4}[i%3] / [...]int{1, 2, 2}[i%3] // 1, 2, 5, 10
	}
	var ticks plot.ConstantTicks
	for i := 0; i <= n; i += step {
		at := i
		if top > 0 {
			at = top - i
		}
		ticks = append(ticks, plot.Tick{Value: float64(at), Label: strconv.Itoa(i)})
	}
	return ticks
}
