package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/models/rnnlm"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// LMTask is the task of fitting a recurrent language model to a text. The text is cut
// into equal streams, which are read side by side; a batch is the next steps of all of
// them and begins with the states that the one before has left (truncated
// backpropagation through time, Williams and Peng 1990).
type LMTask struct {
	Model     *rnnlm.Model
	Tokenizer tokenizer.Tokenizer

	fit, valid streams
	options    Options
	// current are the states that the batch being computed has begun with, next those
	// that it leaves.
	current, next []nn.State
}

// NewLMTask prepares a text, line by line, for a model.
func NewLMTask(c LMConfig, m *rnnlm.Model, tok tokenizer.Tokenizer, fit, valid []string) (*LMTask, error) {
	if err := c.Data.validate(); err != nil {
		return nil, err
	}
	if c.Training.PerSentence || c.Training.BatchTokens != 0 {
		return nil, errors.New("train: training.per_sentence and batch_tokens are for translation; a text is read across the ends of sentences, by data.streams and steps")
	}
	if c.Tokenizer.Sampling != 0 {
		return nil, fmt.Errorf("train: tokenizer.sampling is %v, which is for translation; want 0, as a text is cut once", c.Tokenizer.Sampling)
	}
	t := &LMTask{Model: m, Tokenizer: tok, options: c.Training}
	t.fit = newStreams(tokens(tok, fit), c.Data.Streams, c.Data.Steps)
	t.valid = newStreams(tokens(tok, valid), c.Data.Streams, c.Data.Steps)
	for _, s := range []struct {
		name string
		streams
	}{{"training", t.fit}, {"validation", t.valid}} {
		if s.batches() == 0 {
			return nil, fmt.Errorf("train: the %s text has %d tokens, too few for %d streams; want at least 2 for each, or fewer streams", s.name, len(s.ids), s.count)
		}
	}
	batch := c.Data.Streams * min(c.Data.Steps, t.fit.length())
	if err := checkTraining(float64(batch)*m.Kept(), fmt.Sprintf("the %d tokens of a batch, of a vocabulary of %d,", batch, m.Vocab), "data.streams or data.steps"); err != nil {
		return nil, err
	}
	t.current, t.next = m.NewStates(c.Data.Streams), m.NewStates(c.Data.Streams)
	return t, nil
}

// read returns the lines to train on and those to validate with.
func (d LMDataConfig) read() (fit, valid []string, err error) {
	if err := d.validate(); err != nil {
		return nil, nil, err
	}
	if d.Text == "" {
		return nil, nil, fmt.Errorf("train: data.text is not given; name a text file")
	}
	if fit, err = data.ReadLines(d.Text); err != nil {
		return nil, nil, err
	}
	if d.Valid != "" {
		valid, err = data.ReadLines(d.Valid)
		return fit, valid, err
	}
	total, kept := 0, 0
	for _, line := range fit {
		total += len(line) + 1
	}
	cut := len(fit)
	for cut > 0 && float64(kept) < d.ValidShare*float64(total) {
		cut--
		kept += len(fit[cut]) + 1
	}
	if cut == 0 {
		return nil, nil, fmt.Errorf("train: %s has %d lines, and the last %v of the text, in whole lines, is to validate: nothing is left to train on; name a text in data.valid, or break the lines", d.Text, len(fit), d.ValidShare)
	}
	return fit[:cut], fit[cut:], nil
}

// tokens returns the ids of a text. Each line ends with the end symbol where the
// vocabulary has one, otherwise with the end of a line.
func tokens(tok tokenizer.Tokenizer, lines []string) []int32 {
	end := tok.Special().End
	if end == tokenizer.None {
		return tok.Encode(strings.Join(lines, "\n") + "\n")
	}
	var ids []int32
	for _, line := range lines {
		ids = append(append(ids, tok.Encode(line)...), end)
	}
	return ids
}

// streams is a text that is read at several places side by side.
type streams struct {
	ids          []int32
	count, steps int // streams, and tokens of each in a batch

	in, out []int32 // memory of the current batch
}

func newStreams(ids []int32, count, steps int) streams {
	return streams{ids: ids, count: count, steps: steps}
}

// length is the number of predictions that each stream asks for. What does not fill
// all streams is left out.
func (s *streams) length() int { return max(len(s.ids)/s.count-1, 0) }

func (s *streams) batches() int {
	n := s.length() / s.steps
	if s.length()%s.steps > 0 {
		n++
	}
	return n
}

// span returns the first step of a batch and the first after it.
func (s *streams) span(batch int) (lo, hi int) {
	lo = batch * s.steps
	return lo, lo + min(s.steps, s.length()-lo)
}

// batch returns tokens of a batch and those that follow them, step by step.
func (s *streams) batch(b int) (in, out []int32, steps tensor.Steps) {
	lo, hi := s.span(b)
	s.in, s.out = s.in[:0], s.out[:0]
	for t := lo; t < hi; t++ {
		for i := range s.count {
			at := i*(s.length()+1) + t
			s.in, s.out = append(s.in, s.ids[at]), append(s.out, s.ids[at+1])
		}
	}
	return s.in, s.out, tensor.EqualSteps(hi-lo, s.count)
}

// Params implements Task.
func (t *LMTask) Params() []nn.Param { return nn.Params(t.Model) }

// Epoch implements Task. All epochs are the same.
func (t *LMTask) Epoch(int) int { return t.fit.batches() }

// Targets implements Task.
func (t *LMTask) Targets(batch int) int {
	lo, hi := t.fit.span(batch)
	return (hi - lo) * t.fit.count
}

// Loss implements Task.
func (t *LMTask) Loss(tape *tensor.Tape, d *nn.Dropout, batch int, scale float64) (*tensor.Tensor, tensor.Likelihood) {
	if batch == 0 {
		clearStates(t.current)
	} else {
		t.current, t.next = t.next, t.current
	}
	in, out, steps := t.fit.batch(batch)
	p := rnnlm.Pass{Tape: tape, Dropout: d}
	loss, l, after := t.Model.Loss(p, in, out, steps, t.current, tensor.CrossEntropy{Smoothing: t.options.Smoothing, Scale: scale})
	rnnlm.Keep(t.next, after)
	return loss, l
}

// Carried implements Carrier.
func (t *LMTask) Carried() []checkpoint.Tensor {
	var all []checkpoint.Tensor
	add := func(layer int, name string, x *tensor.Tensor) {
		if x != nil {
			all = append(all, checkpoint.Tensor{Name: fmt.Sprintf("state.%d.%s", layer, name), Shape: []int{x.Rows(), x.Cols()}, Data: x.Data})
		}
	}
	for i, s := range t.next {
		add(i, "h", s.H)
		add(i, "c", s.C)
	}
	return all
}

func clearStates(states []nn.State) {
	for _, s := range states {
		clear(s.H.Data)
		if s.C != nil {
			clear(s.C.Data)
		}
	}
}

// Validate implements Task.
func (t *LMTask) Validate(ctx context.Context) (Validation, error) {
	l, err := likelihood(ctx, t.Model, &t.valid)
	if err != nil {
		return Validation{}, err
	}
	loss := -l.LogProb / float64(l.Tokens)
	perplexity := perplexityOf(loss)
	return Validation{Loss: loss, Perplexity: &perplexity}, nil
}

// perplexityOf returns the perplexity of a loss in nats, at most the largest number, as
// JSON has no infinity.
func perplexityOf(nats float64) float64 { return min(math.Exp(nats), math.MaxFloat64) }

// likelihood reads a text with states carried from batch to batch.
func likelihood(ctx context.Context, m *rnnlm.Model, s *streams) (all tensor.Likelihood, err error) {
	tape, states := tensor.NewInferenceTape(), m.NewStates(s.count)
	for b := range s.batches() {
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		tape.Reset()
		in, out, steps := s.batch(b)
		_, l, after := m.Loss(rnnlm.Pass{Tape: tape}, in, out, steps, states, tensor.CrossEntropy{})
		rnnlm.Keep(states, after)
		all.Add(l)
	}
	return all, nil
}

// TextScore is how well a language model predicts a text.
type TextScore struct {
	Tokens     int     `json:"tokens"`             // predictions, ends of lines among them
	Unknown    int     `json:"unknown"`            // of them, of words that the vocabulary lacks
	Perplexity float64 `json:"perplexity"`         // of a token
	Nats       float64 `json:"nats_per_token"`     // its logarithm
	PerChar    float64 `json:"nats_per_character"` // the same for each character of the text, ends of lines among them, as if none were left out
	// PerplexityPerChar is the perplexity of a character.
	PerplexityPerChar float64 `json:"perplexity_per_character"`
	Streams           int     `json:"streams"`  // places at which the text was read side by side
	LeftOut           int     `json:"left_out"` // tokens not predicted: the first of each stream but one, and what streams of one length leave
	Characters        int     `json:"characters"`
}

// scoreSteps is the number of steps of a batch of text that is scored, and scoreTokens that
// of its tokens at most, unless a step has more.
const (
	scoreSteps  = 64
	scoreTokens = 2048
)

// Tokens returns the ids of a text, line by line.
func (m *LM) Tokens(lines []string) []int32 { return tokens(m.Tokenizer, lines) }

// Score returns how well the model predicts a text, line by line, from its beginning:
// the first token is predicted from the end of a line. States are carried over the
// whole text, as the literature on language models has it, or over each part where
// the text is read at several places side by side.
func (m *LM) Score(lines []string, count int) (TextScore, error) {
	ids := slices.Insert(tokens(m.Tokenizer, lines), 0, m.begin())
	if count < 1 || count > len(ids)/2 {
		return TextScore{}, fmt.Errorf("train: %d streams of a text of %d tokens; want at least 1, and two tokens in each", count, len(ids))
	}
	if len(lines) == 0 {
		return TextScore{}, errors.New("train: a text without lines; want at least one")
	}
	if err := checkMemory(float64(count)*m.Model.Kept(), fmt.Sprintf("%d streams, of a vocabulary of %d,", count, m.Model.Vocab), "lower their number"); err != nil {
		return TextScore{}, err
	}
	s := newStreams(ids, count, max(min(scoreSteps, scoreTokens/count), 1))
	l, err := likelihood(context.Background(), m.Model, &s)
	if err != nil {
		return TextScore{}, err
	}
	score := TextScore{Tokens: l.Tokens, Nats: -l.LogProb / float64(l.Tokens), Streams: count, LeftOut: len(ids) - 1 - l.Tokens}
	score.Perplexity = perplexityOf(score.Nats)
	for _, line := range lines {
		score.Characters += utf8.RuneCountInString(line) + 1
	}
	score.PerChar = score.Nats * float64(len(ids)-1) / float64(score.Characters)
	score.PerplexityPerChar = perplexityOf(score.PerChar)
	for b := range s.batches() {
		_, out, _ := s.batch(b)
		for _, id := range out {
			if id == m.Tokenizer.Special().Unknown {
				score.Unknown++
			}
		}
	}
	return score, nil
}

// begin returns the token that stands before the first of a text: the end of the line
// before.
func (m *LM) begin() int32 {
	if end := m.Tokenizer.Special().End; end != tokenizer.None {
		return end
	}
	id, _ := m.Tokenizer.ID("\n") // the unknown character where the text had one line
	return id
}
