package bench

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// transformerShape is a model and a training batch of it.
type transformerShape struct {
	dim, ffn, heads, layers int
	batch, length           int // sentences, and tokens of each on either side
}

var transformerShapes = map[string]transformerShape{
	"d256": {256, 1024, 4, 3, 64, 25},
	"d512": {512, 2048, 8, 6, 32, 32},
}

func (s transformerShape) config(vocab int, dropout float64) transformer.Config {
	return transformer.Config{
		Vocab: vocab, Dim: s.dim, Heads: s.heads, FFN: s.ffn, EncoderLayers: s.layers, DecoderLayers: s.layers, MaxLength: 512,
		Dropout: dropout, AttentionDropout: dropout, ActivationDropout: dropout,
	}
}

// forwardFlops are the operations of the forward pass for one target token,
// source and target being of the given lengths: products of weights, and of
// queries, keys and values.
func (s transformerShape) forwardFlops(vocab, source, target int) float64 {
	d, f, layers := float64(s.dim), float64(s.ffn), float64(s.layers)
	perSource := float64(source) / float64(target)
	encoder := perSource * layers * 2 * (4*d*d + 2*d*f + 2*float64(source)*d)
	decoder := layers * 2 * (6*d*d + 2*d*f + 2*float64(target)*d + 2*float64(source)*d)
	keys := perSource * layers * 2 * 2 * d * d // of the source, for the decoder
	return encoder + decoder + keys + 2*d*float64(vocab)
}

const (
	trainVocab   = 8000
	decodeVocab  = 32000
	decodeBatch  = 32
	decodeSource = 25
	decodeTarget = 24
	mostBeam     = 100 // of decoding, whose memory grows with it
)

func randomSequences(r *rand.Rand, n, length, vocab int) nn.Sequences {
	seqs := make([][]int32, n)
	for i := range seqs {
		for range length {
			seqs[i] = append(seqs[i], int32(r.IntN(vocab)))
		}
	}
	return nn.NewSequences(seqs...)
}

// Train measures a whole training step, in target tokens a second: forward
// pass with dropout, cross entropy with label smoothing, backward pass,
// clipping and Adam.
func Train(shape string, budget time.Duration) (Result, error) {
	s, ok := transformerShapes[shape]
	if !ok {
		return Result{}, fmt.Errorf("bench: unknown shape %q; want one of %s", shape, names(transformerShapes))
	}
	r := rand.New(rand.NewPCG(1, 1))
	m, err := transformer.New(s.config(trainVocab, 0.1), r)
	if err != nil {
		return Result{}, err
	}
	b := nn.Batch{
		Source: randomSequences(r, s.batch, s.length, trainVocab),
		Input:  randomSequences(r, s.batch, s.length, trainVocab),
	}
	b.Output = randomSequences(r, s.batch, s.length, trainVocab).IDs
	adam := optim.NewAdam(nn.Params(m), 0.9, 0.98, 1e-9, 0)
	tape := tensor.NewTape()
	tokens, step := float64(len(b.Output)), 0
	seconds, peak, runs := measure(budget, func() {
		tape.Reset()
		adam.ZeroGrad()
		step++
		p := transformer.Pass{Tape: tape, Dropout: nn.NewDropout(1, step)}
		loss, _ := m.Loss(p, b, tensor.CrossEntropy{Smoothing: 0.1, Scale: 1 / tokens})
		tape.Backward(loss)
		adam.Step(1e-4, optim.Clip(adam.GradNorm(), 1))
	})
	// The backward pass computes two products for each of the forward pass.
	x := result("train", tokens, 3*s.forwardFlops(trainVocab, s.length, s.length), "target tokens/s", seconds, peak, runs)
	x.Shape, x.RSSMiB = shape, peakRSS()
	return x, nil
}

// Decode measures translation of a batch of random sentences with random
// weights, in target tokens a second, the encoder included.
func Decode(shape string, beam int, budget time.Duration) (Result, error) {
	s, ok := transformerShapes[shape]
	if !ok {
		return Result{}, fmt.Errorf("bench: unknown shape %q; want one of %s", shape, names(transformerShapes))
	}
	if beam > mostBeam {
		return Result{}, fmt.Errorf("bench: a beam of %d; want %d at most", beam, mostBeam)
	}
	r := rand.New(rand.NewPCG(1, 1))
	m, err := transformer.New(s.config(decodeVocab, 0), r)
	if err != nil {
		return Result{}, err
	}
	m.Pack()
	src := randomSequences(r, decodeBatch, decodeSource, decodeVocab)
	o := decode.Options{Begin: 0, End: 1, Beam: beam, NBest: 1, MinLength: decodeTarget}
	if err := o.Validate(); err != nil {
		return Result{}, err
	}
	limits := decode.Limits(decodeBatch, decodeTarget)
	seconds, peak, runs := measure(budget, func() {
		d := m.NewDecoder(src)
		if _, e := decode.Run(d, limits, o); e != nil {
			err = e
		}
		d.Close()
	})
	if err != nil {
		return Result{}, err
	}
	x := result("decode", decodeBatch*decodeTarget, s.decodeFlops(beam), "target tokens/s", seconds, peak, runs)
	x.Shape, x.Beam, x.RSSMiB = shape, beam, peakRSS()
	return x, nil
}

// decodeFlops are the operations for one token of the results of a beam.
func (s transformerShape) decodeFlops(beam int) float64 {
	d, f, layers := float64(s.dim), float64(s.ffn), float64(s.layers)
	source := float64(decodeSource) / decodeTarget * layers * 2 * (4*d*d + 2*d*f + 2*decodeSource*d + 2*d*d)
	step := layers*2*(6*d*d+2*d*f+decodeTarget*d+2*decodeSource*d) + 2*d*decodeVocab
	return source + float64(beam)*step
}
