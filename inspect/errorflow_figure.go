package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// NamedErrorFlow is an error flow among others of a picture.
type NamedErrorFlow struct {
	Name string `json:"name"`
	ErrorFlow
}

// ErrorFlowReport is a set of error flows to be compared.
type ErrorFlowReport []NamedErrorFlow

// Bounds of the scale of a picture, as powers of ten: a curve ends where it leaves them.
const leastDecade, mostDecade = -16, 16

// flowColors are the colours of curves, one after the other.
var flowColors = []color.RGBA{
	{0x24, 0x60, 0xbd, 0xff}, {0xd0, 0x3a, 0x2b, 0xff}, {0x1b, 0x8a, 0x5a, 0xff}, {0x8a, 0x4f, 0xb5, 0xff}, {0xb0, 0x7a, 0x10, 0xff},
}

// Figure returns a figure of how errors are scaled against the time lag: the median over
// positions, in a band from the lower to the upper twentieth, with a scale of powers of
// ten. What stays in the cells of an LSTM is a broken line.
func (r ErrorFlowReport) Figure() (Figure, error) {
	if len(r) == 0 {
		return Figure{}, errors.New("inspect: no error flow to draw")
	}
	p := newPlot()
	p.Title.Text = "Scale of the error carried back in time"
	p.X.Label.Text, p.Y.Label.Text = "time lag (steps)", "scale factor"
	grid := plotter.NewGrid()
	grid.Vertical.Color = color.RGBA{0xe3, 0xe7, 0xee, 0xff}
	grid.Horizontal.Color = grid.Vertical.Color
	p.Add(grid)
	for i, f := range r {
		if err := addFlow(p, f, flowColors[i%len(flowColors)]); err != nil {
			return Figure{}, fmt.Errorf("inspect: %s: %w", f.Name, err)
		}
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(whole), plot.TickerFunc(decades)
	p.Legend.Top, p.Legend.Left = false, true
	p.Legend.TextStyle.Font.Variant, p.Legend.TextStyle.Font.Size = "Sans", 10
	p.Legend.Padding, p.Legend.XOffs, p.Legend.YOffs = 3, 8, 8
	return Figure{width: 640, height: 420, draw: func(c draw.Canvas, _ medium) {
		p.Draw(draw.Crop(c, 10, -14, 10, -10))
	}}, nil
}

func addFlow(p *plot.Plot, f NamedErrorFlow, c color.RGBA) error {
	curve := func(of func(ErrorScale) float64) plotter.XYs {
		var xy plotter.XYs
		for _, s := range f.Lags {
			y := math.Log10(of(s)) // of 0 is -Inf
			xy = append(xy, plotter.XY{X: float64(s.Lag), Y: min(max(y, leastDecade), mostDecade)})
			if last := math.Log10(s.Median); min(y, last) < leastDecade || max(y, last) > mostDecade {
				break
			}
		}
		return xy
	}
	band := curve(func(s ErrorScale) float64 { return s.Low })
	high := curve(func(s ErrorScale) float64 { return s.High })
	for _, xy := range slices.Backward(high) {
		band = append(band, xy)
	}
	area, err := plotter.NewPolygon(band)
	if err != nil {
		return err
	}
	pale := c
	pale.A = 0x30
	area.Color, area.Width = color.NRGBA(pale), 0
	median, err := plotter.NewLine(curve(func(s ErrorScale) float64 { return s.Median }))
	if err != nil {
		return err
	}
	median.Color, median.Width = c, 1.8
	p.Add(area, median)
	p.Legend.Add(f.Name, median)
	if f.Lags[0].Carousel == 0 {
		return nil
	}
	inside, err := plotter.NewLine(curve(func(s ErrorScale) float64 { return s.Carousel }))
	if err != nil {
		return err
	}
	inside.Color, inside.Width, inside.Dashes = c, 1.4, []vg.Length{4, 3}
	p.Add(inside)
	p.Legend.Add(f.Name+": inside the cells", inside)
	return nil
}

// decades labels powers of ten, at most nine of them, and where less than two are in view
// twice and five times each, or the ends.
func decades(least, most float64) []plot.Tick {
	var ticks []plot.Tick
	if most-least < 2 {
		for d := math.Floor(least); d <= most; d++ {
			for _, m := range []float64{1, 2, 5} {
				if y := d + math.Log10(m); least <= y && y <= most {
					ticks = append(ticks, plot.Tick{Value: y, Label: fmt.Sprintf("%.0fe%+d", m, int(d))})
				}
			}
		}
		if len(ticks) < 2 {
			ticks = nil
			for _, y := range []float64{least, most} {
				ticks = append(ticks, plot.Tick{Value: y, Label: fmt.Sprintf("%.3g", math.Pow(10, y))})
			}
		}
		return ticks
	}
	step := math.Ceil((most - least) / 8)
	for d := math.Ceil(least/step) * step; d <= most; d += step {
		ticks = append(ticks, plot.Tick{Value: d, Label: fmt.Sprintf("1e%+d", int(d))})
	}
	return ticks
}

// whole labels whole numbers, at most ten of them: each 1, 2, 5, 10, 20, 50 ...
func whole(least, most float64) []plot.Tick {
	step := 1.0
	for k := 0; (most-least)/step > 9; k++ {
		step *= []float64{2, 2.5, 2}[k%3]
	}
	var ticks []plot.Tick
	for x := math.Ceil(least/step) * step; x <= most; x += step {
		ticks = append(ticks, plot.Tick{Value: x, Label: fmt.Sprintf("%.0f", x)})
	}
	return ticks
}

// Table returns the rows of a table for people: of each flow what its weights say, then
// the mean and the quantiles at growing lags, and of an LSTM what stays in its cells.
func (r ErrorFlowReport) Table() (head []string, rows [][]string) {
	head = []string{"", "units", "radius", "largest |w|", "bound a step", ""}
	var lags []int
	for i, s := range r[0].Lags {
		switch s.Lag {
		case 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000:
			lags = append(lags, i)
			head = append(head, fmt.Sprintf("%d back", s.Lag))
		}
	}
	for _, f := range r {
		first := []string{f.Name, fmt.Sprint(f.Units), "", "", ""}
		if f.SpectralRadius > 0 {
			for i, x := range []float64{f.SpectralRadius, f.LargestWeight, f.Bound} {
				first[2+i] = fmt.Sprintf("%.3g", x)
			}
		}
		for _, figure := range figures {
			if figure.name == carousel && f.Lags[0].Carousel == 0 {
				continue
			}
			row := slices.Concat(first, []string{figure.name})
			for _, i := range lags {
				row = append(row, fmt.Sprintf("%.2g", figure.of(f.Lags[i])))
			}
			rows, first = append(rows, row), make([]string, len(first))
		}
	}
	return head, rows
}

const carousel = "carousel"

// figures are what a table has of each lag.
var figures = []struct {
	name string
	of   func(s ErrorScale) float64
}{
	{"median", func(s ErrorScale) float64 { return s.Median }},
	{"5 %", func(s ErrorScale) float64 { return s.Low }},
	{"95 %", func(s ErrorScale) float64 { return s.High }},
	{"mean", func(s ErrorScale) float64 { return s.Mean }},
	{carousel, func(s ErrorScale) float64 { return s.Carousel }},
}

var flowTemplate = template.Must(template.New("flow").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Error flow</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }
table { border-collapse: collapse; margin: 1.5rem 0 } th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #e3e7ee }
th:first-child, td:first-child { text-align: left; white-space: nowrap } svg { max-width: 100%; height: auto }
</style>
<h1>Scale of the error carried back in time</h1>
{{.Picture}}
<table><tr>{{range .Head}}<th>{{.}}</th>{{end}}</tr>
{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</table>
<p>Each curve is the spectral norm of the Jacobian of the state at one time by that some steps before: the median over positions of
the text, in a band from the lower to the upper twentieth. A broken line is the part that stays in the cells of an LSTM. <em>Radius</em> is
the largest absolute eigenvalue of the recurrent weights; <em>bound a step</em> is n·w<sub>max</sub>·max f′: where it is below 1, an error must vanish; of a single logistic unit, where |w| is below 4. <em>Carousel</em> is what the broken line shows.</p>
</html>
`))

// WriteHTML writes a page with the figure and the table. It needs no other file.
func (r ErrorFlowReport) WriteHTML(w io.Writer) error {
	f, err := r.Figure()
	if err != nil {
		return err
	}
	var svg bytes.Buffer
	if err := f.WriteSVG(&svg); err != nil {
		return err
	}
	picture := svg.String()
	if at := bytes.Index(svg.Bytes(), []byte("<svg")); at > 0 {
		picture = picture[at:] // without the head of a file of its own
	}
	head, rows := r.Table()
	return flowTemplate.Execute(w, struct {
		Picture template.HTML
		Head    []string
		Rows    [][]string
	}{template.HTML(picture), head, rows}) //nolint:gosec // drawn here; names in it are escaped by the writer of SVG
}
