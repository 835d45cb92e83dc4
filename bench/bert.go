package bench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// bertVocab is the vocabulary of the published English models.
const bertVocab = 30522

// bertShapes are BERT-base, the mini model of Turc et al. 2019, and that of MiniLM-L6.
var bertShapes = map[string]bert.Config{
	"base":   {Dim: 768, Layers: 12, Heads: 12, FFN: 3072},
	"mini":   {Dim: 256, Layers: 4, Heads: 4, FFN: 1024},
	"minilm": {Dim: 384, Layers: 6, Heads: 12, FFN: 1536},
}

// mostTokens bounds a batch, and with it the memory that it takes.
const mostTokens = 1 << 17

// newBERT returns a model of a shape with random weights, and a batch of random
// sequences.
func newBERT(shape string, batch, length int, dropout float64) (*bert.Network, bert.Batch, error) {
	c, ok := bertShapes[shape]
	if !ok {
		return nil, bert.Batch{}, fmt.Errorf("bench: unknown shape %q; want one of %s", shape, names(bertShapes))
	}
	c.Vocab, c.MaxLength, c.Types, c.Activation, c.Epsilon, c.Init = bertVocab, 512, 2, "gelu", 1e-12, 0.02
	c.Dropout, c.AttentionDropout = dropout, dropout
	if batch < 1 || length < 1 || length > c.MaxLength || batch > mostTokens/length {
		return nil, bert.Batch{}, fmt.Errorf("bench: %d sequences of %d tokens; want at least one of 1 to %d, and %d tokens at most", batch, length, c.MaxLength, mostTokens)
	}
	r := rand.New(rand.NewPCG(1, 1))
	n, err := bert.NewPretraining(c, r)
	b := bert.Batch{Sequences: randomSequences(r, batch, length, bertVocab), Types: make([]int32, batch*length)}
	return n, b, err
}

// bertFlops are the operations of the encoder for one token of sequences of some length.
func bertFlops(c bert.Config, length int) float64 {
	d, f := float64(c.Dim), float64(c.FFN)
	return float64(c.Layers) * 2 * (4*d*d + 2*d*f + 2*float64(length)*d)
}

// BERT measures the encoder's hidden states of a batch of random sequences with random
// weights, in tokens a second.
func BERT(shape string, batch, length int, budget time.Duration) (Result, error) {
	n, b, err := newBERT(shape, batch, length, 0)
	if err != nil {
		return Result{}, err
	}
	n.Pack()
	tape := tensor.NewInferenceTape()
	seconds, peak, runs := measure(budget, func() {
		tape.Reset()
		n.Encoder.Encode(bert.Pass{Tape: tape}, b)
	})
	x := result("bert", float64(len(b.IDs)), bertFlops(n.Encoder.Config, length), "tokens/s", seconds, peak, runs)
	x.Shape, x.RSSMiB = fmt.Sprintf("%s B%d T%d", shape, batch, length), peakRSS()
	return x, nil
}

// Embed measures how many of the texts, in the order given and so many at a time, become
// vectors in a second, from their characters on, with an encoder.
func Embed(e *pipeline.Encoder, texts []string, batch int, budget time.Duration) (Result, error) {
	if len(texts) == 0 || batch < 1 {
		return Result{}, fmt.Errorf("bench: %d texts in batches of %d; want at least one", len(texts), batch)
	}
	tokens, flops := 0, 0.0
	for _, text := range texts {
		n := len(e.Text(text).IDs)
		tokens, flops = tokens+n, flops+float64(n)*bertFlops(e.Network.Encoder.Config, n)
	}
	var err error
	seconds, peak, runs := measure(budget, func() {
		for some := range slices.Chunk(texts, batch) {
			inputs := make([]pipeline.Input, len(some))
			for i, text := range some {
				inputs[i] = e.Text(text)
			}
			_, failed := e.Embed(inputs, e.Pooling, true)
			err = errors.Join(err, failed)
		}
	})
	n := float64(len(texts))
	x := result("embed", n, flops/n, "texts/s", seconds, peak, runs)
	x.Shape, x.RSSMiB = fmt.Sprintf("%d texts of %.1f tokens, B%d", len(texts), float64(tokens)/n, batch), peakRSS()
	return x, err
}

// Pretrain measures a whole step of pre-training on masked words, 15 % of them, in
// tokens a second: forward pass with dropout, cross entropy, backward pass, clipping and
// Adam with decay. It is 8 sequences of 128 tokens for base and 32 for smaller shapes.
func Pretrain(shape string, budget time.Duration) (Result, error) {
	batch, length := 32, 128
	if shape == "base" {
		batch = 8
	}
	n, b, err := newBERT(shape, batch, length, 0.1)
	if err != nil {
		return Result{}, err
	}
	var masked, words []int32
	for i, id := range b.IDs {
		if i%20 < 3 {
			masked, words = append(masked, int32(i)), append(words, id)
		}
	}
	adam := optim.NewAdam(nn.Params(n), 0.9, 0.999, 1e-6, 0.01)
	tape, step := tensor.NewTape(), 0
	seconds, peak, runs := measure(budget, func() {
		tape.Reset()
		adam.ZeroGrad()
		step++
		p := bert.Pass{Tape: tape, Dropout: nn.NewDropout(1, step)}
		logits := n.Words(p, n.Encoder.Encode(p, b), masked)
		loss, _ := tape.CrossEntropy(logits, words, tensor.CrossEntropy{Scale: 1 / float64(len(words))})
		tape.Backward(loss)
		adam.Step(1e-4, optim.Clip(adam.GradNorm(), 1))
	})
	d, share := float64(n.Encoder.Dim), float64(len(masked))/float64(len(b.IDs))
	forward := bertFlops(n.Encoder.Config, length) + share*2*(d*d+d*bertVocab)
	x := result("pretrain", float64(len(b.IDs)), 3*forward, "tokens/s", seconds, peak, runs)
	x.Shape, x.RSSMiB = fmt.Sprintf("%s B%d T%d", shape, batch, length), peakRSS()
	return x, nil
}
