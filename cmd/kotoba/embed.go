package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// embedding is what the flags of embed and similar say.
type embedding struct {
	pooling   string
	normalize bool
	asJSON    bool
	npy       npyFile
}

func (f *embedding) add(c *cobra.Command) {
	c.Flags().StringVar(&f.pooling, "pooling", "", "mean of the tokens' vectors, max of them, or that of cls; without it, as the folder says, or mean")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
}

func newEmbed() *cobra.Command {
	var f embedding
	c := &cobra.Command{
		Use:   "embed DIR [TEXT...]",
		Short: "Print a vector for each text",
		Long: `embed prints a vector for each text given, or for each line of standard input:
pooled as the folder says, or else the mean of the vectors of its tokens, and of length 1
unless --normalize=false. DIR is a folder of a BERT model in the layout of Hugging Face;
where it is one of sentence-transformers, its prompt and lower case count.`,
		Example: `  kotoba embed minilm --json < sentences.txt
  kotoba embed minilm --npy vectors.npy < sentences.txt
  kotoba embed minilm "The weather is lovely today."`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.npy.check(); err != nil {
				return err
			}
			if f.npy.path == "" {
				w := newOutput(c)
				_, err := f.run(c, w, args, func(first int, some [][]tensor.Float) { f.print(w, first, some) })
				return err
			}
			vectors, dim, err := f.all(c, args)
			if err != nil {
				return err
			}
			return f.npy.write(vectors, dim)
		},
	}
	f.add(c)
	c.Flags().BoolVar(&f.normalize, "normalize", true, "make the length of each vector 1")
	f.npy.add(c)
	return c
}

// npyFile is a file that vectors go to instead of being printed.
type npyFile struct {
	path  string // "" for none
	force bool   // replace it
}

func (f *npyFile) add(c *cobra.Command) {
	c.Flags().StringVar(&f.path, "npy", "", "write the vectors to this file, in the format of NumPy, instead of printing them")
	c.Flags().BoolVar(&f.force, "force", false, "replace the file of --npy")
}

// check says, before there is work, whether the file can be written.
func (f npyFile) check() error {
	switch f.path {
	case "":
		return nil
	case stdinPath:
		return errors.New("--npy - names no file; name one, as standard output is for text")
	}
	return checkNew(f.path, f.force)
}

func (f npyFile) write(vectors [][]tensor.Float, dim int) error {
	return writeNew(f.path, f.force, func(w io.Writer) error { return data.WriteNPY(w, vectors, dim) })
}

// run passes the vectors of the texts in args, after the folder, or of stdin, to f, some
// at a time, and returns how many elements one has.
func (f embedding) run(c *cobra.Command, w output, args []string, each func(first int, vectors [][]tensor.Float)) (dim int, err error) {
	t, err := openTexts(c, args)
	if err != nil {
		return 0, err
	}
	pooling := t.Pooling
	if f.pooling != "" {
		pooling = pipeline.Pooling(f.pooling)
	}
	err = t.each(textsAtOnce, w, func(some []string) error {
		vectors, err := t.Embed(t.sequences(some, t.Sentence), pooling, f.normalize)
		if err == nil {
			each(t.n, vectors)
		}
		return err
	})
	return t.Network.Encoder.Dim, err
}

// all returns the vectors of all texts, and how many elements one has.
func (f embedding) all(c *cobra.Command, args []string) (vectors [][]tensor.Float, dim int, err error) {
	dim, err = f.run(c, newOutput(c), args, func(_ int, some [][]tensor.Float) { vectors = append(vectors, some...) })
	return vectors, dim, err
}

func (f embedding) print(w output, first int, vectors [][]tensor.Float) {
	for i, v := range vectors {
		if f.asJSON {
			w.json(struct {
				Index     int            `json:"index"` // of the text, from 0
				Embedding []tensor.Float `json:"embedding"`
			}{first + i, v})
			continue
		}
		fmt.Fprintln(w, strings.Trim(fmt.Sprint(v), "[]"))
	}
}

func newSimilar() *cobra.Command {
	f := embedding{normalize: true}
	c := &cobra.Command{
		Use:   "similar DIR [TEXT...]",
		Short: "Print how similar texts are to each other",
		Long: `similar prints the cosine of the vectors of each two of the texts given, or of the
lines of standard input: row i, column j is that of texts i and j.`,
		Example: `  kotoba similar minilm "The weather is lovely today." "It's so sunny outside!" "He drove to the stadium."`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			vectors, _, err := f.all(c, args)
			if err != nil {
				return err
			}
			w := newOutput(c)
			between, end := "", ""
			if f.asJSON {
				fmt.Fprint(w, "[")
				between, end = ",", "]\n"
			}
			row := make([]float64, len(vectors))
			for i, a := range vectors { // one by one, as there may be many
				for j, b := range vectors {
					row[j] = max(-1, min(pipeline.Dot(a, b), 1)) // but for rounding
				}
				if i > 0 {
					fmt.Fprint(w, between)
				}
				f.printRow(w, row)
				if err := w.flush(); err != nil {
					return err
				}
			}
			fmt.Fprint(w, end)
			return w.flush()
		},
	}
	f.add(c)
	return c
}

func (f embedding) printRow(w output, row []float64) {
	if f.asJSON {
		w.part(row)
		return
	}
	for _, x := range row {
		fmt.Fprintf(w, "%8.4f", x)
	}
	fmt.Fprintln(w)
}
