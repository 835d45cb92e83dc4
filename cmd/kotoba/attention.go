package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/train"
)

// attentionKinds are the names of the kinds of attention for flags.
var attentionKinds = map[string]inspect.Kind{
	"encoder": inspect.EncoderSelf, "decoder": inspect.DecoderSelf, "cross": inspect.EncoderDecoder,
}

// attentionPicture is what the flags of inspect attention say.
type attentionPicture struct {
	path, target, kind string
	layer              int
	force              bool
}

func newInspectAttention() *cobra.Command {
	var p attentionPicture
	c := &cobra.Command{
		Use:   `attention RUN "text" -o FILE`,
		Short: "Show what a translation model attends to, head by head",
		Long: `attention translates a text and shows every attention of the model while it
does so: as a web page of all layers and heads that opens offline (.html), or as
heat maps of the heads of one layer (.png, .svg).`,
		Example: `  kotoba inspect attention demo "鍵 を 運ん だ 少女 たち は 親切 でし た 。" -o page.html
  kotoba inspect attention demo "鍵 を 運ん だ 少女 たち は 親切 でし た 。" -o cross.png --kind cross --layer 2`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return p.run(c, args[0], args[1]) },
	}
	f := c.Flags()
	f.StringVarP(&p.path, "out", "o", "", "file to write: .html, .png or .svg")
	f.StringVar(&p.target, "target", "", "show how the model puts out this text, not its own translation")
	f.StringVar(&p.kind, "kind", "cross", "attention of a picture: encoder, decoder or cross; recurrent models have cross alone")
	f.IntVar(&p.layer, "layer", 1, "layer of a picture, from 1")
	f.BoolVar(&p.force, "force", false, "replace a file that is there")
	return c
}

func (p *attentionPicture) run(c *cobra.Command, dir, text string) error {
	if p.path == "" {
		return errors.New("inspect attention needs -o: a file to write, .html, .png or .svg")
	}
	if err := cmp.Or(p.checkEnding(), checkNew(p.path, p.force), checkUTF8(text), checkUTF8(p.target)); err != nil {
		return err
	}
	kind, ok := attentionKinds[p.kind]
	if !ok {
		return fmt.Errorf("--kind is %q; want encoder, decoder or cross", p.kind)
	}
	if p.layer < 1 {
		return fmt.Errorf("--layer is %d; want at least 1", p.layer)
	}
	for _, flag := range []string{"kind", "layer"} {
		if p.ending() == ".html" && c.Flags().Changed(flag) {
			return fmt.Errorf("--%s is for pictures, and %s has all layers and heads; leave it out", flag, p.path)
		}
	}
	m, err := train.Open(dir)
	if err != nil {
		return err
	}
	source := m.Source.Encode(text)
	if n := m.MaxLength(); len(source) == 0 || len(source) >= n {
		return fmt.Errorf("the text has %d tokens; want 1 to %d", len(source), n-1)
	}
	target, translation := m.Target.Encode(p.target), ""
	if p.target == "" {
		hyps, err := m.System().Translate([]string{text}, m.Config.Decoding.Options())
		if err != nil {
			return err
		}
		target, translation = hyps[0][0].Tokens, hyps[0][0].Text
	}
	if n := m.MaxLength(); len(target) >= n {
		target = target[:n-1]
	}
	a, err := m.Attention(source, target)
	if err != nil {
		return err
	}
	if err := p.write(a, kind, c.ErrOrStderr()); err != nil {
		return err
	}
	if p.target == "" {
		fmt.Fprintln(c.OutOrStdout(), translation)
	}
	return nil
}

// write puts out the page or the picture, by the ending of the file's name.
func (p *attentionPicture) write(a inspect.Attention, kind inspect.Kind, w io.Writer) error {
	ending := p.ending()
	if ending == ".html" {
		return writeNew(p.path, p.force, a.WriteHTML)
	}
	figure, err := a.HeatMaps(kind, p.layer-1)
	if err != nil {
		return err
	}
	if ending == ".svg" {
		return writeNew(p.path, p.force, figure.WriteSVG)
	}
	if a.Numbered(kind) {
		fmt.Fprintln(w, "tokens are labelled by their numbers, as no font here has all of their characters; .svg and .html leave that to the viewer")
	}
	return writeNew(p.path, p.force, figure.WritePNG)
}

func (p *attentionPicture) ending() string { return strings.ToLower(filepath.Ext(p.path)) }

func (p *attentionPicture) checkEnding() error {
	if !slices.Contains([]string{".html", ".png", ".svg"}, p.ending()) {
		return fmt.Errorf("%s ends in neither .html, .png nor .svg", p.path)
	}
	return nil
}
