package train

import (
	"fmt"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Score is how probable a model finds a given translation.
type Score struct {
	LogProb float64 // of all tokens, the end among them, natural logarithm
	Tokens  int     // how many these are
}

// Score returns the scores of given pairs.
func (m *Model) Score(t Text) ([]Score, error) {
	m.packed()
	if err := t.check(); err != nil {
		return nil, err
	}
	start, longest := m.network.Limits()
	var examples []data.Example
	for i := range t.Source {
		e := example(m.Source, m.Target, t.Source[i], t.Target[i])
		if n := max(len(e.Source), len(e.Target)); n > longest {
			return nil, fmt.Errorf("train: pair %d has %d tokens on a side and the model takes %d; leave it out, or split it", i+1, n, longest)
		}
		examples = append(examples, e)
	}
	var batch nn.Batch
	scores := make([]Score, len(examples))
	tape := tensor.NewInferenceTape()
	for _, indices := range data.SortedBatches(examples, validTokens) {
		tape.Reset()
		fill(&batch, examples, indices, start)
		rows := make([]float64, len(batch.Output))
		tape.CrossEntropy(m.network.Forward(tape, nil, batch), batch.Output, tensor.CrossEntropy{LogProbs: rows})
		segments := batch.Input.Segments
		for j, i := range indices {
			for _, lp := range rows[segments[j]:segments[j+1]] {
				scores[i].LogProb += lp
			}
			scores[i].Tokens = segments[j+1] - segments[j]
		}
	}
	return scores, nil
}
