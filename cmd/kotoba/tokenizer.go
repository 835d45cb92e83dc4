package main

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

func newTokenizer() *cobra.Command {
	c := &cobra.Command{
		Use:   "tokenizer",
		Short: "Train vocabularies and turn text into their pieces and back",
		Long: `tokenizer trains a vocabulary, turns text into its pieces or ids, and these
back into text. Vocabularies of subwords are .model files of SentencePiece, or a
vocab.txt of BERT's WordPiece; those of words are lists, a word a line.`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	c.AddCommand(newTokenizerTrain(), newTokenizerEncode(), newTokenizerDecode())
	return c
}

// vocabularyTypes are the names that --type takes.
const (
	typeUnigram   = "unigram"
	typeBPE       = "bpe"
	typeWordPiece = "wordpiece"
	typeWords     = "words"
)

// tokenizerTraining is what the flags of tokenizer train say.
type tokenizerTraining struct {
	in    []string
	model string
	kind  string
	force bool
	soft  bool
	cased bool
	opt   tokenizer.TrainOptions
}

func newTokenizerTrain() *cobra.Command {
	t := tokenizerTraining{opt: tokenizer.DefaultTrainOptions()}
	t.opt.Special = tokenizer.Special{Pad: 0, Unknown: 1, Begin: 2, End: 3}
	c := &cobra.Command{
		Use:   "train --in FILE --model FILE",
		Short: "Make a vocabulary from text",
		Long: `train makes a vocabulary from text, a sentence a line. Ids 0 to 3 of subwords
are <pad>, <unk>, <s> and </s>. A list of words has them in the order <unk>,
<s>, </s>, <pad>, and then at most as many words as --vocab leaves room for,
the most frequent first. That of wordpiece is a vocab.txt, with
tokenizer_config.json beside it: their folder is the --tokenizer of
pretrain-data. The same text gives the same vocabulary on any number of threads.`,
		Example: `  kotoba tokenizer train --in train.ja --in train.en --model jaen.model --vocab 8000
  kotoba tokenizer train --in train.en --model en.model --type bpe --vocab 4000 --byte-fallback
  kotoba tokenizer train --in ptb.train.txt --model ptb.words --type words --vocab 10000
  mkdir own && kotoba tokenizer train --in corpus.txt --model own/vocab.txt --type wordpiece --vocab 8000`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return t.run(c) },
	}
	f := c.Flags()
	f.StringArrayVar(&t.in, "in", nil, "file of text, - for stdin; may be given several times")
	f.StringVar(&t.model, "model", "", "file to write the vocabulary to")
	f.StringVar(&t.kind, "type", typeUnigram, "unigram, bpe or wordpiece for subwords, or words")
	f.IntVar(&t.opt.VocabSize, "vocab", t.opt.VocabSize, "entries of the vocabulary, symbols among them")
	f.BoolVar(&t.soft, "soft-vocab-limit", false, "be content with fewer entries where the text yields no more")
	f.Float64Var(&t.opt.CharacterCoverage, "character-coverage", t.opt.CharacterCoverage,
		"share of the text's characters that pieces cover")
	f.BoolVar(&t.opt.ByteFallback, "byte-fallback", false, "spell unknown characters by 256 pieces for bytes")
	f.StringSliceVar(&t.opt.UserDefined, "user-symbols", nil, "symbols that are always one piece, with commas between")
	f.BoolVar(&t.cased, "cased", false, "keep capitals and accents, of wordpiece; for Japanese, whose dakuten are accents: が would become か")
	f.BoolVar(&t.force, "force", false, "replace a vocabulary that is there")
	return c
}

func (t *tokenizerTraining) run(c *cobra.Command) error {
	if err := t.check(c); err != nil {
		return err
	}
	text, err := openCorpus(c, t.in)
	if err != nil {
		return err
	}
	defer text.close()
	trained, err := t.train(text.sentences)
	if err := cmp.Or(text.err, err); err != nil {
		return fmt.Errorf("--in %s: %w", strings.Join(t.in, " "), err)
	}
	if err := trained.Save(t.model); err != nil {
		return fmt.Errorf("--model: %w; make room, or name another file", err)
	}
	out := newOutput(c)
	fmt.Fprintf(out, "%s: %d entries, %s\n", t.model, trained.Len(), t.kind)
	if n := trained.Len(); n < t.opt.VocabSize {
		fmt.Fprintf(c.ErrOrStderr(), "the text yields no more than %d of the %d entries asked for\n", n, t.opt.VocabSize)
	}
	return out.flush()
}

func (t *tokenizerTraining) train(sentences iter.Seq[string]) (tokenizer.Tokenizer, error) {
	switch t.kind {
	case typeWords:
		return tokenizer.TrainWords(sentences, tokenizer.WordsOptions{MaxSize: t.opt.VocabSize})
	case typeWordPiece:
		return tokenizer.TrainWordPiece(sentences, tokenizer.WordPieceTrainOptions{
			VocabSize: t.opt.VocabSize, Normalization: tokenizer.WordPieceOptions{Cased: t.cased},
		})
	}
	return tokenizer.Train(sentences, t.opt)
}

// check says which flags are missing or do not go together.
func (t *tokenizerTraining) check(c *cobra.Command) error {
	if len(t.in) == 0 || t.model == "" {
		return errors.New("tokenizer train needs --in and --model: text to learn from, and the file to write")
	}
	switch t.kind {
	case typeUnigram:
		t.opt.Algorithm = tokenizer.Unigram
	case typeBPE:
		t.opt.Algorithm = tokenizer.BPE
	case typeWordPiece, typeWords:
		for _, name := range []string{"character-coverage", "byte-fallback", "user-symbols", "soft-vocab-limit"} {
			if c.Flags().Changed(name) {
				return fmt.Errorf("--%s is not for --type %s; leave it out, or take unigram or bpe", name, t.kind)
			}
		}
	default:
		return fmt.Errorf("--type is %q; want unigram, bpe, wordpiece or words", t.kind)
	}
	if t.kind == typeWordPiece && filepath.Base(t.model) != "vocab.txt" {
		return fmt.Errorf("--model is %q; want vocab.txt in a folder of its own, as a WordPiece vocabulary is kept", t.model)
	}
	if t.cased && t.kind != typeWordPiece {
		return errors.New("--cased is for --type wordpiece; other vocabularies keep capitals always")
	}
	if t.opt.VocabSize < 1 {
		return fmt.Errorf("--vocab is %d; want at least 1", t.opt.VocabSize)
	}
	if err := stdinOnce(t.in...); err != nil {
		return err
	}
	t.opt.HardVocabLimit = !t.soft
	t.opt.Threads = par.Threads()
	if err := checkNew(t.model, t.force); err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	return nil
}

// corpus is text in several files.
type corpus struct {
	files []*lines
	err   error // of reading them
}

// openCorpus opens all files, so that one that is missing shows at once.
func openCorpus(c *cobra.Command, paths []string) (*corpus, error) {
	text := &corpus{}
	for _, path := range paths {
		in, err := openLines(path, c.InOrStdin())
		if err != nil {
			text.close()
			return nil, fmt.Errorf("--in: %w", err)
		}
		text.files = append(text.files, in)
	}
	return text, nil
}

// sentences yields the lines of all files, up to an error.
func (t *corpus) sentences(yield func(string) bool) {
	for _, in := range t.files {
		for in.next() {
			if !yield(in.text) {
				return
			}
		}
		if t.err = in.err; t.err != nil {
			return
		}
	}
}

func (t *corpus) close() {
	for _, in := range t.files {
		in.close()
	}
}
