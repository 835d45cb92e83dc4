package inspect

import (
	"bytes"
	"io"
	"regexp"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// resolution is that of PNG files, in dots per inch.
const resolution = 144

// Figure is a picture to be written as a PNG or SVG file.
type Figure struct {
	width, height vg.Length
	draw          func(draw.Canvas, medium)
}

// newPlot returns an empty plot in the lettering of all figures.
func newPlot() *plot.Plot {
	p := plot.New()
	for _, style := range []*text.Style{
		&p.Title.TextStyle,
		&p.X.Label.TextStyle, &p.X.Tick.Label,
		&p.Y.Label.TextStyle, &p.Y.Tick.Label,
	} {
		style.Font.Variant = "Sans"
	}
	p.Title.TextStyle.Font.Size = 12
	p.Title.Padding = 6
	p.X.Label.TextStyle.Font.Size, p.Y.Label.TextStyle.Font.Size = 11, 11
	return p
}

// medium is what a figure is written as.
type medium int

const (
	raster medium = iota // needs the glyphs of its text when it is drawn
	vector               // leaves text to who shows it
)

// WritePNG writes the figure as a PNG file. Labels with Chinese, Japanese or
// Korean characters need a font of the system that has them; where there is
// none, tokens are labelled by their numbers.
func (f Figure) WritePNG(w io.Writer) error {
	c := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(resolution))
	f.draw(draw.New(c), raster)
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// fontFamily finds the font of a text in an SVG file.
var fontFamily = regexp.MustCompile(`font-family:([^;]+);`)

// WriteSVG writes the figure as an SVG file. Its text shows in a font of the
// viewer.
func (f Figure) WriteSVG(w io.Writer) error {
	c := vgsvg.New(f.width, f.height)
	f.draw(draw.New(c), vector)
	var buf bytes.Buffer
	if _, err := c.WriteTo(&buf); err != nil {
		return err
	}
	const families = "font-family:'$1',Arial,'Hiragino Sans','Yu Gothic','Noto Sans CJK JP',sans-serif;"
	svg := fontFamily.ReplaceAll(buf.Bytes(), []byte(families))
	// Cells need not be square.
	svg = bytes.ReplaceAll(svg, []byte("<image "), []byte(`<image preserveAspectRatio="none" `))
	_, err := w.Write(svg)
	return err
}
