package inspect

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// render writes a figure in both formats and returns the text in the SVG.
func render(t *testing.T, f Figure) (text string) {
	t.Helper()
	var raster, vector bytes.Buffer
	if err := f.WritePNG(&raster); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&raster)
	if err != nil {
		t.Fatal(err)
	}
	if want := int(f.width.Dots(resolution) + 0.5); img.Bounds().Dx() != want {
		t.Errorf("PNG is %d pixels wide, want %d", img.Bounds().Dx(), want)
	}
	if err := f.WriteSVG(&vector); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	decoder := xml.NewDecoder(&vector)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatalf("SVG is not well-formed: %v", err)
		}
		if data, ok := token.(xml.CharData); ok {
			b.Write(data)
			b.WriteByte(' ')
		}
	}
}

// heightOf returns how far down a text stands in the SVG of a figure.
func heightOf(t *testing.T, f Figure, text string) float64 {
	t.Helper()
	var svg strings.Builder
	if err := f.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	pattern := `<text x="[^"]*" y="([^"]*)" transform="[^"]*"\s*style="[^"]*">` + regexp.QuoteMeta(text) + `</text>`
	found := regexp.MustCompile(pattern).FindStringSubmatch(svg.String())
	if found == nil {
		t.Fatalf("no text %q in the figure", text)
	}
	y, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// Labels run down as the rows of the picture do.
func TestLabelsRunDown(t *testing.T) {
	f, err := sample().HeatMaps(EncoderDecoder, 0)
	if err != nil {
		t.Fatal(err)
	}
	if first, last := heightOf(t, f, "the"), heightOf(t, f, "slept"); first >= last {
		t.Errorf("query 0 is %v down and query 2 is %v down", first, last)
	}
	f, err = Positions(make2D(100, 7))
	if err != nil {
		t.Fatal(err)
	}
	if first, last := heightOf(t, f, "20"), heightOf(t, f, "80"); first >= last {
		t.Errorf("position 20 is %v down and position 80 is %v down", first, last)
	}
}

func make2D(rows, columns int) [][]float32 {
	m := make([][]float32, rows)
	for i := range m {
		m[i] = make([]float32, columns)
	}
	return m
}

// Pictures in an SVG fill their frames, whatever their shape.
func TestPicturesStretch(t *testing.T) {
	f, err := sample().HeatMaps(EncoderDecoder, 0)
	if err != nil {
		t.Fatal(err)
	}
	var svg strings.Builder
	if err := f.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	pictures := strings.Count(svg.String(), "<image ")
	if stretched := strings.Count(svg.String(), `<image preserveAspectRatio="none" `); pictures != 3 || stretched != 3 {
		t.Errorf("%d of %d pictures stretch, want 3 of 3", stretched, pictures)
	}
}

func TestHeatMapsShowHeadsAndTokens(t *testing.T) {
	for _, k := range []Kind{EncoderSelf, DecoderSelf, EncoderDecoder} {
		a := sample()
		f, err := a.HeatMaps(k, 1)
		if err != nil {
			t.Fatal(err)
		}
		text := render(t, f)
		queries, keys := a.tokens(k)
		for _, want := range append(append([]string{"head 1", "head 3", "layer 2"}, queries...), keys...) {
			if !strings.Contains(text, want) {
				t.Errorf("%s heat maps lack %q", k, want)
			}
		}
	}
}

// Rows run down from query 0 and columns right from key 0.
func TestPictureHasQueriesDownAndKeysAcross(t *testing.T) {
	img := shares.picture([][]float32{{0, 1, 0}, {0, 0, 0.5}}, 0)
	bounds := img.Bounds()
	cell := bounds.Dx() / 3
	if bounds.Dy() != 2*cell {
		t.Fatalf("picture is %v, want cells to be squares", bounds)
	}
	for _, c := range []struct {
		row, column int
		want        color.RGBA
	}{
		{0, 0, shares[0]}, {0, 1, shares[4]}, {1, 2, shares[2]}, {1, 1, shares[0]},
	} {
		for _, corner := range []int{0, cell - 1} {
			if got := img.At(c.column*cell+corner, c.row*cell+corner); got != c.want {
				t.Errorf("cell [%d][%d] is %v, want %v", c.row, c.column, got, c.want)
			}
		}
	}
}

func TestRampStaysWithinItsEnds(t *testing.T) {
	for value, want := range map[float64]color.RGBA{-3: signs[0], 0: signs[0], 0.5: signs[2], 1: signs[4], 7: signs[4]} {
		if got := signs.at(value); got != want {
			t.Errorf("at(%v) = %v, want %v", value, got, want)
		}
	}
}

func TestLetteringFallsBack(t *testing.T) {
	if l := letter([]string{"dog", "naïve", "–"}, raster); l.font.Variant != "Sans" || l.labels[0] != "dog" {
		t.Errorf("Latin labels are set in %+v as %q", l.font, l.labels)
	}
	unknown := []string{"dog", "\U000f0000"} // a private character that no font has
	if l := letter(unknown, raster); l.labels[0] != "1" || l.labels[1] != "2" {
		t.Errorf("labels without glyphs are %q, want numbers", l.labels)
	}
	if l := letter(unknown, vector); l.labels[1] != unknown[1] {
		t.Errorf("labels of an SVG are %q, want them as they are", l.labels)
	}
}

func TestPositions(t *testing.T) {
	encodings := make([][]float32, 100)
	for p := range encodings {
		encodings[p] = make([]float32, 64)
		for d := range encodings[p] {
			angle := float64(p) / math.Pow(10000, float64(d/2*2)/64)
			encodings[p][d] = float32(math.Sin(angle + float64(d%2)*math.Pi/2))
		}
	}
	f, err := Positions(encodings)
	if err != nil {
		t.Fatal(err)
	}
	text := render(t, f)
	for _, want := range []string{"position", "dimension", "20", "80", "-1"} {
		if !strings.Contains(text, want) {
			t.Errorf("the figure lacks %q", want)
		}
	}
	encodings[7] = encodings[7][:3]
	if _, err := Positions(encodings); err == nil || !strings.Contains(err.Error(), "position 7 has 3 dimensions, want 64") {
		t.Errorf("error is %v, want it to name the position", err)
	}
	if _, err := Positions(nil); err == nil {
		t.Error("no error for no positions")
	}
}

func TestTrainingCurve(t *testing.T) {
	nan := math.NaN()
	points := []CurvePoint{{10, 5, nan}, {20, 3, 12}, {30, 2, nan}, {40, 1.5, 60}}
	f, err := TrainingCurve(points)
	if err != nil {
		t.Fatal(err)
	}
	text := render(t, f)
	for _, want := range []string{"training loss", "validation BLEU", "step"} {
		if !strings.Contains(text, want) {
			t.Errorf("the figure lacks %q", want)
		}
	}
	f, err = TrainingCurve([]CurvePoint{{10, 5, nan}, {20, 3, nan}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(render(t, f), "BLEU") {
		t.Error("the figure has a panel for a BLEU that was not measured")
	}
	if _, err := TrainingCurve([]CurvePoint{{10, nan, nan}}); err == nil {
		t.Error("no error for a curve without values")
	}
}
