package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// tokenizerEncoding is what the flags of tokenizer encode say.
type tokenizerEncoding struct {
	model    string
	ids      bool
	sample   bool
	sampling tokenizer.Sampling
	seed     uint64
}

func newTokenizerEncode() *cobra.Command {
	var e tokenizerEncoding
	c := &cobra.Command{
		Use:   "encode --model FILE",
		Short: "Turn the lines of stdin into pieces or ids",
		Long: `encode cuts each line of stdin into pieces, with spaces between them, as the
vocabulary spells them: ▁ is a space, <unk> what the vocabulary lacks. --ids
prints their ids instead.

--sample draws the pieces of each line at random, which makes training more
robust. For unigram vocabularies --alpha is the exponent of the probabilities:
0 makes all ways to cut a line equally likely, 0.1 to 0.5 are usual (Kudo
2018). For bpe it is the share of merges left out (Provilkov et al. 2020).`,
		Example: `  kotoba tokenizer encode --model jaen.model < test.ja
  kotoba tokenizer encode --model jaen.model --ids < test.ja > test.ids
  kotoba tokenizer encode --model jaen.model --sample --alpha 0.2 --seed 7 < train.ja`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.run(c) },
	}
	f := c.Flags()
	f.StringVar(&e.model, "model", "", "file of the vocabulary")
	f.BoolVar(&e.ids, "ids", false, "print ids instead of pieces")
	f.BoolVar(&e.sample, "sample", false, "draw pieces at random")
	f.Float64Var(&e.sampling.Alpha, "alpha", 0.1, "how random, see above")
	f.IntVar(&e.sampling.NBest, "nbest", 0, "draw from so many of the likeliest ways, for unigram; 0 for all, at most "+strconv.Itoa(tokenizer.MaxNBest))
	f.Uint64Var(&e.seed, "seed", 1, "seed of the draws")
	return c
}

func (e *tokenizerEncoding) run(c *cobra.Command) error {
	t, err := loadTokenizer(e.model)
	if err != nil {
		return err
	}
	if err := checkApart(t, !e.ids); err != nil {
		return err
	}
	encode, err := e.encoder(c, t)
	if err != nil {
		return err
	}
	return transform(c, func(in *lines, dst []byte) ([]byte, error) {
		for i, id := range encode(in.text) {
			if i > 0 {
				dst = append(dst, ' ')
			}
			if e.ids {
				dst = strconv.AppendInt(dst, int64(id), 10)
			} else {
				dst = append(dst, t.Token(id)...)
			}
		}
		return dst, nil
	})
}

// encoder returns what turns text into ids, as the flags say.
func (e *tokenizerEncoding) encoder(c *cobra.Command, t tokenizer.Tokenizer) (func(string) []int32, error) {
	if !e.sample {
		for _, name := range []string{"alpha", "nbest", "seed"} {
			if c.Flags().Changed(name) {
				return nil, fmt.Errorf("--%s needs --sample", name)
			}
		}
		return t.Encode, nil
	}
	sampler, ok := t.(tokenizer.Sampler)
	if !ok {
		return nil, fmt.Errorf("--sample: a text has one segmentation only with %s; expected a vocabulary of unigram or BPE", e.model)
	}
	most := math.MaxFloat64
	if s, ok := t.(*tokenizer.SentencePiece); ok && s.Algorithm() == tokenizer.BPE {
		most = 1
		if c.Flags().Changed("nbest") {
			return nil, fmt.Errorf("--nbest: %s is bpe; expected a unigram vocabulary", e.model)
		}
	}
	switch a := e.sampling.Alpha; {
	case !(a >= 0 && a <= most):
		return nil, fmt.Errorf("--alpha is %v; want 0 or more, for bpe at most 1", a)
	case e.sampling.NBest < 0 || e.sampling.NBest > tokenizer.MaxNBest:
		return nil, fmt.Errorf("--nbest is %d; want 0 to %d", e.sampling.NBest, tokenizer.MaxNBest)
	}
	rng := rand.New(rand.NewPCG(e.seed, 0))
	return func(text string) []int32 { return sampler.Sample(text, e.sampling, rng) }, nil
}

// tokenizerDecoding is what the flags of tokenizer decode say.
type tokenizerDecoding struct {
	model  string
	pieces bool
}

func newTokenizerDecode() *cobra.Command {
	var d tokenizerDecoding
	c := &cobra.Command{
		Use:   "decode --model FILE",
		Short: "Turn ids or pieces on the lines of stdin into text",
		Example: `  kotoba tokenizer decode --model jaen.model < test.ids
  kotoba tokenizer encode --model jaen.model < test.ja | kotoba tokenizer decode --model jaen.model --pieces`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return d.run(c) },
	}
	c.Flags().StringVar(&d.model, "model", "", "file of the vocabulary")
	c.Flags().BoolVar(&d.pieces, "pieces", false, "the lines hold pieces")
	c.Flags().Bool("ids", true, "the lines hold ids")
	c.MarkFlagsMutuallyExclusive("ids", "pieces")
	return c
}

func (d *tokenizerDecoding) run(c *cobra.Command) error {
	t, err := loadTokenizer(d.model)
	if err != nil {
		return err
	}
	if err := checkApart(t, d.pieces); err != nil {
		return err
	}
	var ids []int32
	return transform(c, func(in *lines, dst []byte) ([]byte, error) {
		ids = ids[:0]
		// Only U+0020 separates: pieces may hold other white space.
		for field := range strings.SplitSeq(in.text, " ") {
			if field == "" {
				continue
			}
			id, err := d.parse(in, t, field)
			if err != nil {
				return dst, err
			}
			ids = append(ids, id)
		}
		return append(dst, t.Decode(ids)...), nil
	})
}

// parse returns the id that a field of a line stands for.
func (d *tokenizerDecoding) parse(in *lines, t tokenizer.Tokenizer, field string) (int32, error) {
	if d.pieces {
		id, ok := t.ID(field)
		if !ok {
			return 0, in.errorf("%q is not a piece of %s; encode with the same vocabulary", field, d.model)
		}
		return id, nil
	}
	id, err := strconv.ParseInt(field, 10, 32)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		return 0, in.errorf("%q is not an id; expected numbers, or pieces with --pieces", field)
	case err != nil || id < 0 || id >= int64(t.Len()):
		return 0, in.errorf("id %s is outside %s, a vocabulary of %d; expected 0 to %d", field, d.model, t.Len(), t.Len()-1)
	}
	return int32(id), nil
}

// checkApart refuses pieces of a vocabulary among which the space is one, as spaces are what
// tells them apart.
func checkApart(t tokenizer.Tokenizer, pieces bool) error {
	if _, ok := t.(*tokenizer.Characters); ok && pieces {
		return errors.New("the vocabulary is of characters, the space among them, which cannot be told apart by spaces; use ids")
	}
	return nil
}

func loadTokenizer(path string) (tokenizer.Tokenizer, error) {
	if path == "" {
		return nil, errors.New("no vocabulary; name its file by --model")
	}
	t, err := tokenizer.Load(path)
	if err != nil {
		return nil, fmt.Errorf("--model: %w; make one with kotoba tokenizer train", err)
	}
	return t, nil
}

// transform prints, for each line of stdin, the line that f appends. It holds
// output back only while more input is at hand.
func transform(c *cobra.Command, f func(in *lines, dst []byte) ([]byte, error)) error {
	in, out := newLines("stdin", c.InOrStdin()), newOutput(c)
	in.raw = true // a vocabulary with bytes writes all of them
	var line []byte
	for in.next() {
		var err error
		if line, err = f(in, line[:0]); err != nil {
			return cmp.Or(err, out.flush())
		}
		_, _ = out.Write(append(line, '\n')) // flush tells of errors
		if in.waits() {
			if err := out.flush(); err != nil {
				return err
			}
		}
	}
	return cmp.Or(in.err, out.flush())
}
