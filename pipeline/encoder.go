// Package pipeline uses trained encoders: from text to vectors, masked words, labels and
// answers. What its results hold is what the pipelines of Hugging Face's transformers
// return.
package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Encoder is a BERT network with its vocabulary, ready for use. It is safe for concurrent
// use.
type Encoder struct {
	Network   *bert.Network
	Tokenizer *tokenizer.WordPiece
	Labels    []string     // of the classifier, nil where it has no names
	Problem   bert.Problem // what the classifier's numbers are
	Choices   bool         // the classifier's score is of one choice among several
	Pooling   Pooling      // what the folder asks for
	// NullThreshold is [bert.Folder.NullThreshold], for [AnswerOptions].
	NullThreshold *float64
	MaxLength     int // longest sequence, in tokens, [CLS] and [SEP] among them

	folder  *bert.Folder
	cleanUp bool                 // of the spaces of decoded text
	cutAt   int                  // longest sequence of a sentence, as the folder has it; 0: MaxLength
	prompt  string               // before each sentence
	lower   *tokenizer.WordPiece // of sentences, in lower case; nil for Tokenizer
}

// Open maps a folder in the layout of Hugging Face: see [bert.Map].
func Open(dir string) (*Encoder, error) {
	f, tok, err := load(dir, bert.Map)
	if err != nil {
		return nil, err
	}
	e := &Encoder{
		Network: f.Network, Tokenizer: tok, Labels: f.Labels, Problem: f.Problem, Choices: f.Choices, NullThreshold: f.NullThreshold,
		MaxLength: f.Network.Encoder.MaxLength, folder: f,
	}
	if err := e.readSettings(dir); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	e.Network.Pack()
	return e, nil
}

// Close lets go of the folder that Open has mapped; the encoder must not be used any more.
func (e *Encoder) Close() error { return e.folder.Close() }

// Shorten makes the encoder cut texts at some tokens, 3 at least, where it takes more; 0
// leaves it as it is. It is to come before use.
func (e *Encoder) Shorten(tokens int) error {
	switch {
	case tokens < 0 || tokens == 1 || tokens == 2:
		return fmt.Errorf("pipeline: texts are to be cut at %d tokens; want at least 3 (data.max_length), or 0", tokens)
	case tokens > 0:
		e.MaxLength = min(tokens, e.MaxLength)
	}
	return nil
}

// Load reads the network and the tokenizer of a folder, for training.
func Load(dir string) (*bert.Network, *tokenizer.WordPiece, error) {
	f, tok, err := load(dir, bert.Open)
	if err != nil {
		return nil, nil, err
	}
	return f.Network, tok, nil
}

// load reads a folder in the layout of Hugging Face whose weights and tokenizer are of one
// model.
func load(dir string, open func(dir string) (*bert.Folder, error)) (*bert.Folder, *tokenizer.WordPiece, error) {
	f, err := open(dir)
	if err != nil {
		return nil, nil, err
	}
	tok, err := tokenizer.LoadWordPiece(dir)
	if err == nil {
		err = f.CheckVocabulary(tok.Len())
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, tok, nil
}

// Input is a sequence for the encoder: [CLS] text [SEP], or [CLS] text [SEP] pair [SEP]
// (Devlin et al. 2018, figure 2). Text and Pair make them; of others the encoder panics
// where ids are none, not of the vocabulary, or more than the model takes.
type Input struct {
	IDs []int32
	// Second is the number of tokens that belong to the pair, its [SEP] among them; 0 where
	// the model does not tell texts apart (type_vocab_size 1).
	Second int
	// Cut is how many tokens were left out at the end, as the sequence was too long.
	Cut int
}

// Text returns the sequence of a text, cut at the longest that the model takes.
func (e *Encoder) Text(text string) Input { return cutText(e.Tokenizer, text, e.MaxLength) }

// cutText returns the sequence of a text, of at most so many tokens.
func cutText(tok *tokenizer.WordPiece, text string, most int) Input {
	ids, special := tok.Encode(text), tok.Special()
	cut := max(len(ids)+2-most, 0)
	ids = ids[:len(ids)-cut]
	all := append(append([]int32{special.Begin}, ids...), special.End)
	return Input{IDs: all, Cut: cut}
}

// Sentence returns the sequence of a text whose vector is wanted, as sentence-transformers
// makes it: the text after the prompt of the folder, in lower case where the folder says so,
// cut where the folder says.
func (e *Encoder) Sentence(text string) Input {
	return cutText(cmp.Or(e.lower, e.Tokenizer), e.prompt+text, cmp.Or(e.cutAt, e.MaxLength))
}

// Pair returns the sequence of two texts. Where it is too long, tokens are cut from the
// end of whichever text is longer.
func (e *Encoder) Pair(first, second string) Input {
	a, b, special := e.Tokenizer.Encode(first), e.Tokenizer.Encode(second), e.Tokenizer.Special()
	cut := 0
	for ; len(a)+len(b)+3 > e.MaxLength; cut++ {
		if len(a) > len(b) {
			a = a[:len(a)-1]
		} else {
			b = b[:len(b)-1]
		}
	}
	all := append(append([]int32{special.Begin}, a...), special.End)
	all = append(append(all, b...), special.End)
	return Input{IDs: all, Second: e.second(len(b) + 1), Cut: cut}
}

// second is [Input].Second for a pair of which the second text has n tokens.
func (e *Encoder) second(n int) int {
	if e.Network.Encoder.Types < 2 {
		return 0
	}
	return n
}

// batchTokens is the size of a batch: enough for products to be fast, and few enough for
// what a layer computes to stay in the caches.
const batchTokens = 1024

// Encode runs the encoder over all inputs in batches of similar length and gives each
// batch to use: the hidden states, (T, D), the sequences' rows, and which inputs they are.
// They are valid until use returns, and an error of use ends it. hidden, which may be nil, is
// that of [bert.Pass].
func (e *Encoder) Encode(inputs []Input, hidden func(layer int, x *tensor.Tensor), use func(p bert.Pass, x *tensor.Tensor, s tensor.Segments, which []int) error) error {
	order := make([]int, len(inputs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(inputs[b].IDs) - len(inputs[a].IDs) })
	p := bert.Pass{Tape: tensor.NewInferenceTape(), Hidden: hidden}
	var b bert.Batch
	for len(order) > 0 {
		b.Clear()
		n := 0
		for ; n < len(order) && (n == 0 || len(b.IDs)+len(inputs[order[n]].IDs) <= batchTokens); n++ {
			b.Add(inputs[order[n]].IDs, inputs[order[n]].Second)
		}
		p.Reset()
		if err := use(p, e.Network.Encoder.Encode(p, b), b.Segments, order[:n]); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}
