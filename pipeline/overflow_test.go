package pipeline

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// TestModelsThatOverflowHaveNoResults: a last layer that is damaged, or a head alone.
func TestModelsThatOverflowHaveNoResults(t *testing.T) {
	hidden := func(n *bert.Network) nn.Linear { return n.Encoder.Layers[1].Outer }
	labeller := func(m *bert.Model, r *rand.Rand) *bert.Folder {
		m.Pooler = nil
		return classifier(m, r)
	}
	answerer := func(m *bert.Model, r *rand.Rand) *bert.Folder {
		return &bert.Folder{Network: bert.NewAnswerer(m, r)}
	}
	for name, test := range map[string]struct {
		head func(m *bert.Model, r *rand.Rand) *bert.Folder
		use  func(e *Encoder) error
		last func(n *bert.Network) nn.Linear
	}{
		"embed":    {bare, func(e *Encoder) error { _, err := e.Embed(inputs(e), Mean, true); return err }, hidden},
		"features": {bare, func(e *Encoder) error { _, err := e.Features(inputs(e), []int{-1}); return err }, hidden},
		"fill-mask": {pretrained, func(e *Encoder) error { _, err := e.FillMask("the [MASK] sat", 2); return err }, func(n *bert.Network) nn.Linear {
			return n.Predictions.Dense
		}},
		"classify": {classifier, func(e *Encoder) error { _, err := e.Classify(inputs(e)); return err }, func(n *bert.Network) nn.Linear {
			return *n.Classifier
		}},
		"label": {labeller, func(e *Encoder) error { _, err := e.Entities(texts); return err }, func(n *bert.Network) nn.Linear {
			return *n.Classifier
		}},
		"answer": {answerer, func(e *Encoder) error {
			_, err := e.Answer([]QA{{"the cat", "a dog ran"}}, AnswerOptions{})
			return err
		}, func(n *bert.Network) nn.Linear { return *n.Answer }},
	} {
		t.Run(name, func(t *testing.T) {
			for _, layer := range []func(n *bert.Network) nn.Linear{hidden, test.last} {
				e := mustOpen(t, newFolder(t, test.head))
				if err := test.use(e); err != nil {
					t.Fatal(err)
				}
				e = mustOpen(t, newFolder(t, func(m *bert.Model, r *rand.Rand) *bert.Folder {
					f := test.head(m, r)
					for i := range layer(f.Network).Weight.Data {
						layer(f.Network).Weight.Data[i] = math.MaxFloat32 * tensor.Float(1-2*(i%2))
					}
					return f
				}))
				if err := test.use(e); !errors.Is(err, errNoNumbers) {
					t.Errorf("%v; want %v", err, errNoNumbers)
				}
			}
		})
	}
}
