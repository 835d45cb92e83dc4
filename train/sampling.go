package train

import (
	"fmt"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// sampling is subword regularisation: every epoch sees the training text in
// another segmentation (Kudo 2018; for BPE, Provilkov et al. 2020). A nil
// sampling changes nothing.
type sampling struct {
	tok     tokenizer.Sampler
	options tokenizer.Sampling
	seed    uint64
	text    Text // of the examples

	// Of the epoch that is drawn.
	epoch    uint64
	examples []data.Example
	longest  int
}

// newSampling returns the sampling that a configuration asks for, nil for none.
func newSampling(c Config, tok tokenizer.Tokenizer) (*sampling, error) {
	alpha := c.Tokenizer.Sampling
	if alpha == 0 {
		return nil, nil
	}
	if !(alpha > 0 && alpha <= 1) {
		return nil, fmt.Errorf("train: tokenizer.sampling is %v; want 0 for none, or up to 1; 0.1 to 0.5 are usual", alpha)
	}
	sampler, ok := tok.(tokenizer.Sampler)
	if !ok {
		return nil, fmt.Errorf("train: tokenizer.sampling is %v, but the vocabulary is a list of words; want subwords, or 0", alpha)
	}
	return &sampling{tok: sampler, options: tokenizer.Sampling{Alpha: alpha}, seed: c.Training.Seed}, nil
}

// add appends the text of one more example.
func (s *sampling) add(source, target string) {
	if s != nil {
		s.text.Source, s.text.Target = append(s.text.Source, source), append(s.text.Target, target)
	}
}

// sampleGrain is the number of examples that a task draws.
const sampleGrain = 64

// draw replaces the examples by those of an epoch. A side that would have more
// than longest tokens has its best segmentation.
func (s *sampling) draw(examples []data.Example, epoch, longest int) {
	if s == nil {
		return
	}
	s.epoch, s.examples, s.longest = uint64(epoch), examples, longest
	par.For((len(examples)+sampleGrain-1)/sampleGrain, s)
	s.examples = nil
}

// Do draws the examples of task i. Their randomness is the task's own, so that
// it does not matter who draws them.
func (s *sampling) Do(i int) {
	r := rand.New(rand.NewPCG(s.seed, s.epoch<<32|uint64(i)))
	for at := i * sampleGrain; at < min((i+1)*sampleGrain, len(s.examples)); at++ {
		e := &s.examples[at]
		e.Source, e.Target = s.side(s.text.Source[at], r), s.side(s.text.Target[at], r)
	}
}

// side returns the ids of one side, ended.
func (s *sampling) side(text string, r *rand.Rand) []int32 {
	ids := s.tok.Sample(text, s.options, r)
	if len(ids) >= s.longest {
		ids = s.tok.Encode(text)
	}
	return append(ids, s.tok.Special().End)
}
