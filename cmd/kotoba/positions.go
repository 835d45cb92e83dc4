package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/nn"
)

// mostPositions bounds the sides of the table of positions.
const mostPositions = 1 << 14

// positionsPicture is what the flags of inspect positions say.
type positionsPicture struct {
	path           string
	force          bool
	positions, dim int
}

func newInspectPositions() *cobra.Command {
	var p positionsPicture
	c := &cobra.Command{
		Use:   "positions -o FILE",
		Short: "Draw the position encodings of the Transformer",
		Long: `positions draws the sines and cosines that tell a Transformer where a word
stands (Vaswani et al. 2017, section 3.5): a row for each position and a column
for each dimension, sines in the left half and cosines in the right.`,
		Example: `  kotoba inspect positions -o positions.png
  kotoba inspect positions -o positions.svg --positions 50 --dim 128`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.run() },
	}
	f := c.Flags()
	f.StringVarP(&p.path, "out", "o", "", "picture to write, .png or .svg")
	f.BoolVar(&p.force, "force", false, "replace a picture that is there")
	f.IntVar(&p.positions, "positions", 100, "positions, from 0")
	f.IntVar(&p.dim, "dim", 512, "dimensions, an even number")
	return c
}

func (p *positionsPicture) run() error {
	switch {
	case p.path == "":
		return errors.New("inspect positions needs -o: a file to draw to, .png or .svg")
	case p.positions < 1 || p.positions > mostPositions:
		return fmt.Errorf("--positions is %d; want 1 to %d", p.positions, mostPositions)
	case p.dim < 2 || p.dim > mostPositions || p.dim%2 != 0:
		return fmt.Errorf("--dim is %d; want an even number from 2 to %d", p.dim, mostPositions)
	}
	table := nn.Sinusoids(p.positions, p.dim)
	rows := make([][]float32, table.Rows())
	for i := range rows {
		rows[i] = make([]float32, table.Cols())
		for j, v := range table.Row(i) {
			rows[i][j] = float32(v)
		}
	}
	figure, err := inspect.Positions(rows)
	if err != nil {
		return err
	}
	return writeFigure(p.path, p.force, figure)
}

// writeFigure writes a figure in the format that the name of the file tells.
func writeFigure(path string, force bool, f inspect.Figure) error {
	write := f.WritePNG
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png":
	case ".svg":
		write = f.WriteSVG
	default:
		return fmt.Errorf("-o: %s ends in %q; want .png or .svg", path, ext)
	}
	if err := writeNew(path, force, write); err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	return nil
}
