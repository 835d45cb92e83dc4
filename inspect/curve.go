package inspect

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// CurvePoint is the state of training at one step.
type CurvePoint struct {
	// Step counts updates of the weights.
	Step int
	// Loss is the training loss in nats for each token, and BLEU the score on
	// the validation part. Each is NaN where it was not measured.
	Loss, BLEU float64
}

// TrainingCurve returns a figure of the loss and of the validation BLEU over
// the steps of training. It reports an error where neither was measured.
func TrainingCurve(points []CurvePoint) (Figure, error) {
	loss := measured(points, func(p CurvePoint) float64 { return p.Loss })
	bleu := measured(points, func(p CurvePoint) float64 { return p.BLEU })
	var grid [][]*plot.Plot
	for _, panel := range []struct {
		name   string
		curve  plotter.XYs
		color  color.RGBA
		marked bool
	}{
		{"training loss (nats per token)", loss, color.RGBA{0x24, 0x60, 0xbd, 0xff}, false},
		{"validation BLEU", bleu, color.RGBA{0xd0, 0x5a, 0x2b, 0xff}, true},
	} {
		if len(panel.curve) == 0 {
			continue
		}
		p, err := panelOf(panel.name, panel.curve, panel.color, panel.marked)
		if err != nil {
			return Figure{}, fmt.Errorf("inspect: %s: %w", panel.name, err)
		}
		p.X.Min, p.X.Max = 0, float64(points[len(points)-1].Step)
		grid = append(grid, []*plot.Plot{p})
	}
	if len(grid) == 0 {
		return Figure{}, fmt.Errorf("inspect: no loss and no BLEU in %d points of a training curve", len(points))
	}
	grid[len(grid)-1][0].X.Label.Text = "step"
	return Figure{width: 560, height: 30 + 230*vg.Length(len(grid)), draw: func(c draw.Canvas, _ medium) {
		drawGrid(c, grid)
	}}, nil
}

// measured returns the points that have a value.
func measured(points []CurvePoint, value func(CurvePoint) float64) plotter.XYs {
	var curve plotter.XYs
	for _, p := range points {
		if v := value(p); !math.IsNaN(v) {
			curve = append(curve, plotter.XY{X: float64(p.Step), Y: v})
		}
	}
	return curve
}

// panelOf returns the plot of one curve, with a dot at each point if marked.
func panelOf(name string, curve plotter.XYs, c color.RGBA, marked bool) (*plot.Plot, error) {
	p := newPlot()
	p.Title.Text = name
	grid := plotter.NewGrid()
	grid.Vertical.Color = color.RGBA{0xe3, 0xe7, 0xee, 0xff}
	grid.Horizontal.Color = grid.Vertical.Color
	line, dots, err := plotter.NewLinePoints(curve)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = c, 1.6
	dots.Color, dots.Shape, dots.Radius = c, draw.CircleGlyph{}, 2.6
	p.Add(grid, line)
	if marked {
		p.Add(dots)
	}
	p.Y.Min = 0
	return p, nil
}
