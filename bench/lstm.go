package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kotoba-nlp/kotoba/models/rnnlm"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// lstmShape is a language model and a training batch of it.
type lstmShape struct{ units, layers, streams, steps int }

// lstmVocab is the vocabulary of the Penn Treebank language models.
const lstmVocab = 10_000

// lstmShapes are those of Zaremba et al. 2014, small and medium, and one more.
var lstmShapes = map[string]lstmShape{"d200": {200, 2, 20, 20}, "d650": {650, 2, 20, 35}, "d1000": {1000, 4, 32, 35}}

// forwardFlops are the operations of the forward pass for one token.
func (s lstmShape) forwardFlops() float64 {
	h, layers := float64(s.units), float64(s.layers)
	return 2 * (layers*8*h*h + h*lstmVocab)
}

// LSTM measures a whole training step of an LSTM language model in tokens a
// second: forward pass with dropout, cross entropy, backward pass through all steps,
// clipping and SGD. Weights and embeddings are untied.
func LSTM(shape string, budget time.Duration) (Result, error) {
	s, ok := lstmShapes[shape]
	if !ok {
		return Result{}, fmt.Errorf("bench: unknown shape %q; want one of %s", shape, names(lstmShapes))
	}
	r := rand.New(rand.NewPCG(1, 1))
	m, err := rnnlm.New(rnnlm.Config{
		Cell: nn.LSTM, Vocab: lstmVocab, Dim: s.units, Hidden: s.units, Layers: s.layers, Dropout: 0.5, Init: 0.1,
	}, r)
	if err != nil {
		return Result{}, err
	}
	ids := make([]int32, s.streams*s.steps)
	for i := range ids {
		ids[i] = int32(r.IntN(lstmVocab))
	}
	targets, steps, states := slices.Clone(ids), tensor.EqualSteps(s.steps, s.streams), m.NewStates(s.streams)
	r.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
	sgd := optim.NewSGD(nn.Params(m))
	tape := tensor.NewTape()
	tokens, step := float64(len(ids)), 0
	seconds, peak, runs := measure(budget, func() {
		tape.Reset()
		sgd.ZeroGrad()
		step++
		p := rnnlm.Pass{Tape: tape, Dropout: nn.NewDropout(1, step)}
		loss, _, after := m.Loss(p, ids, targets, steps, states, tensor.CrossEntropy{Scale: 1 / tokens})
		tape.Backward(loss)
		rnnlm.Keep(states, after)
		sgd.Step(1, optim.Clip(sgd.GradNorm(), 5))
	})
	// The backward pass computes two products for each of the forward pass.
	x := result("lstm", tokens, 3*s.forwardFlops(), "tokens/s", seconds, peak, runs)
	x.Shape, x.RSSMiB = shape, peakRSS()
	return x, nil
}
