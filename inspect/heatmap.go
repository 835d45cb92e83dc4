package inspect

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ramp is a colour scale: colours at equal distances from 0 to 1.
type ramp []color.RGBA

var (
	// shares runs from nothing, white, to all, dark blue.
	shares = ramp{
		{0xf7, 0xfa, 0xff, 0xff},
		{0xb5, 0xd3, 0xf3, 0xff},
		{0x62, 0x9f, 0xe0, 0xff},
		{0x24, 0x60, 0xbd, 0xff},
		{0x08, 0x22, 0x55, 0xff},
	}
	// signs runs from -1, blue, through white to +1, red.
	signs = ramp{
		{0x15, 0x3e, 0x7e, 0xff},
		{0x5b, 0x95, 0xc9, 0xff},
		{0xf7, 0xf7, 0xf5, 0xff},
		{0xdd, 0x72, 0x5c, 0xff},
		{0x8a, 0x12, 0x26, 0xff},
	}
)

// at returns the colour of a value, the nearest end for one outside [0, 1].
func (r ramp) at(value float64) color.RGBA {
	position := min(max(value, 0), 1) * float64(len(r)-1)
	i := min(int(position), len(r)-2)
	part := position - float64(i)
	mix := func(a, b uint8) uint8 {
		return uint8(math.Round(float64(a) + part*(float64(b)-float64(a))))
	}
	from, to := r[i], r[i+1]
	return color.RGBA{mix(from.R, to.R), mix(from.G, to.G), mix(from.B, to.B), 0xff}
}

// picture colours a matrix, low as 0 and 1 as 1, with row 0 at the top. Each
// cell is a square of pixels, so that it stays sharp when scaled.
func (r ramp) picture(matrix [][]float32, low float64) image.Image {
	const enough = 800 // pixels
	rows, columns := len(matrix), len(matrix[0])
	cell := 1 + enough/max(rows, columns)
	img := image.NewRGBA(image.Rect(0, 0, columns*cell, rows*cell))
	for y := range rows * cell {
		for x := range columns * cell {
			value := float64(matrix[y/cell][x/cell])
			img.SetRGBA(x, y, r.at((value-low)/(1-low)))
		}
	}
	return img
}

// colorBar returns a plot of the colour scale from low to high.
func (r ramp) colorBar(low, high float64) *plot.Plot {
	const steps = 256
	scale := make([][]float32, steps)
	for i := range scale {
		scale[i] = []float32{float32(steps-1-i) / (steps - 1)}
	}
	p := newPlot()
	p.Add(plotter.NewImage(r.picture(scale, 0), 0, low, 1, high))
	p.HideX()
	p.X.Padding, p.Y.Padding = 0, 0
	return p
}

// HeatMaps returns a figure of one layer of one kind of attention: a heat map
// for each head, with a row for each query and a column for each key. It
// reports an error where there is no such layer or the weights do not fit the
// tokens.
func (a Attention) HeatMaps(k Kind, layer int) (Figure, error) {
	if err := a.check(); err != nil {
		return Figure{}, err
	}
	w := a.weights(k)
	if layer < 0 || layer >= len(w) {
		if len(w) == 0 {
			return Figure{}, fmt.Errorf("inspect: the model has no attention of kind %s", k)
		}
		return Figure{}, fmt.Errorf("inspect: there is no layer %d of %s attention, counted from 1; want 1 to %d", layer+1, k, len(w))
	}
	queries, keys := a.tokens(k)
	heads := w[layer]
	columns := min(4, len(heads))
	rows := (len(heads) + columns - 1) / columns
	cell := vg.Length(min(18, max(7, 260/max(len(queries), len(keys)))))
	const label = 70 // room for labels and captions
	tileWidth := cell*vg.Length(len(keys)) + label
	tileHeight := cell*vg.Length(len(queries)) + label
	title := fmt.Sprintf("%s attention, layer %d", k, layer+1)
	return Figure{
		width:  max(tileWidth*vg.Length(columns), captionStyle().Width(title)) + 20,
		height: tileHeight*vg.Length(rows) + 40,
		draw: func(c draw.Canvas, m medium) {
			caption(c, title)
			grid := make([][]*plot.Plot, rows)
			for i := range grid {
				grid[i] = make([]*plot.Plot, columns)
			}
			for h, weights := range heads {
				grid[h/columns][h%columns] = headMap(h, weights, letter(queries, m), letter(keys, m), cell)
			}
			drawGrid(draw.Crop(c, 0, 0, 0, -28), grid)
		},
	}, nil
}

// Numbered says whether a PNG file has numbers in place of tokens, as no font here has
// their characters.
func (a Attention) Numbered(k Kind) bool {
	queries, keys := a.tokens(k)
	_, first := findLettering(queries)
	_, second := findLettering(keys)
	return !first || !second
}

// caption writes a title at the top of the canvas.
func caption(c draw.Canvas, title string) {
	c.FillText(captionStyle(), vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: c.Max.Y - 8}, title)
}

func captionStyle() text.Style {
	style := newPlot().Title.TextStyle
	style.Font.Size = 15
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	return style
}

// headMap returns the plot of one head.
func headMap(head int, weights [][]float32, queries, keys lettering, cell vg.Length) *plot.Plot {
	p := newPlot()
	p.Title.Text = fmt.Sprintf("head %d", head+1)
	rows, columns := float64(len(weights)), float64(len(weights[0]))
	p.Add(plotter.NewImage(shares.picture(weights, 0), -0.5, -0.5, columns-0.5, rows-0.5))
	label(&p.X, keys, cell, func(i int) float64 { return float64(i) })
	label(&p.Y, queries, cell, func(i int) float64 { return rows - 1 - float64(i) })
	p.X.Tick.Label.Rotation = math.Pi / 2
	p.X.Tick.Label.XAlign = text.XRight
	return p
}

// label puts a token at each cell of an axis.
func label(axis *plot.Axis, l lettering, cell vg.Length, at func(int) float64) {
	ticks := make(plot.ConstantTicks, len(l.labels))
	for i, token := range l.labels {
		ticks[i] = plot.Tick{Value: at(i), Label: token}
	}
	axis.Tick.Marker = ticks
	axis.Tick.Label.Handler = l.handler
	axis.Tick.Label.Font = l.font
	axis.Tick.Label.Font.Size = min(11, cell*0.75)
	axis.Tick.Label.YAlign = middle(axis.Tick.Label)
	// An unseen tick keeps the label off the map; rotated labels are set higher
	// by the depth of the font.
	axis.Tick.Length = axis.Tick.Label.FontExtents().Descent + 3
	axis.Tick.Color = color.Transparent
	axis.Width = 0
	axis.Padding = 0
}

// middle returns the alignment that centres text on its line. That of the plot
// library takes fonts for as tall as they say, which is too much for those with
// Chinese characters.
func middle(style text.Style) text.YAlignment {
	size := style.Font.Size
	return text.YAlignment((style.FontExtents().Ascent - 1.36*size) / style.Height("x"))
}

// drawGrid draws plots in rows and columns with their axes aligned.
func drawGrid(c draw.Canvas, grid [][]*plot.Plot) {
	tiles := draw.Tiles{
		Rows: len(grid), Cols: len(grid[0]),
		PadX: 12, PadY: 12, PadLeft: 10, PadRight: 10, PadBottom: 8, PadTop: 4,
	}
	for i, row := range plot.Align(grid, tiles, c) {
		for j, canvas := range row {
			if grid[i][j] != nil {
				grid[i][j].Draw(canvas)
			}
		}
	}
}
