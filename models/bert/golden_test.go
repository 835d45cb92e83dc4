package bert

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kotoba-nlp/kotoba/internal/golden"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// smallConfig is the shape of the models that testdata/make_goldens.py makes.
var smallConfig = Config{
	Vocab: 29, Dim: 12, Layers: 2, Heads: 3, FFN: 20, MaxLength: 11, Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.5,
}

// goldenBatch is the batch of the reference.
type goldenBatch struct {
	Batch
	masked, words, next []int32
}

func readBatch(t testing.TB) (b goldenBatch) {
	t.Helper()
	text, err := os.ReadFile("testdata/batch.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Pairs         [][2][]int32
		Masked, Words [][]int32
		Next          []int32
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	b.Clear()
	for i, p := range file.Pairs {
		for _, place := range file.Masked[i] {
			b.masked = append(b.masked, int32(len(b.IDs))+place)
		}
		b.words = append(b.words, file.Words[i]...)
		b.Append(0, p[0]...)
		b.Append(1, p[1]...)
		b.End()
	}
	b.next = file.Next
	return b
}

// TestEveryKindOfDropout drops what BERT's authors drop: embeddings, the results of attention
// and feed-forward network, what classifiers read, and weights of attention.
func TestEveryKindOfDropout(t *testing.T) {
	b := readBatch(t)
	heads := map[string]func(n *Network, p Pass, hidden *tensor.Tensor) *tensor.Tensor{
		"hidden states": func(_ *Network, _ Pass, hidden *tensor.Tensor) *tensor.Tensor { return hidden },
		"classifier": func(n *Network, p Pass, hidden *tensor.Tensor) *tensor.Tensor {
			return n.Classify(p, hidden, b.Segments)
		},
		"labels": func(n *Network, p Pass, hidden *tensor.Tensor) *tensor.Tensor { return n.Label(p, hidden) },
	}
	for name, head := range heads {
		of := 0
		if name != "hidden states" {
			of = 1
		}
		for rates, want := range map[[2]float64]int{
			{0, 0}:   0,
			{0.5, 0}: 1 + 2*smallConfig.Layers + of,
			{0, 0.5}: smallConfig.Layers,
		} {
			c := smallConfig
			c.Dropout, c.AttentionDropout = rates[0], rates[1]
			m, err := New(c, newRandom())
			if err != nil {
				t.Fatal(err)
			}
			n := NewClassifier(m, 3, newRandom())
			run := func(d *nn.Dropout) []tensor.Float {
				p := Pass{Tape: tensor.NewTape(), Dropout: d}
				return head(n, p, m.Encode(p, b.Batch)).Data
			}
			plain := run(nil)
			drawn := golden.Masks(func(d *nn.Dropout) {
				if same := slices.Equal(run(d), plain); same != (want == 0) {
					t.Errorf("%s with rates %v: the same results: %v", name, rates, same)
				}
			})
			if drawn != want {
				t.Errorf("%s with rates %v: %d masks; want %d", name, rates, drawn, want)
			}
		}
	}
}

// TestAgreesWithTransformers compares hidden states, logits, the loss of pre-training and
// every gradient with those of transformers' BertForPreTraining.
func TestAgreesWithTransformers(t *testing.T) {
	for _, activation := range []string{"gelu", "gelu_new"} {
		t.Run(activation, func(t *testing.T) {
			f := golden.Open(t, filepath.Join("testdata", activation+".safetensors"))
			c := smallConfig
			c.Activation = activation
			n, err := NewPretraining(c, rand.New(rand.NewPCG(1, 2)))
			if err != nil {
				t.Fatal(err)
			}
			golden.LoadWeights(t, f, n)
			b, tape := readBatch(t), tensor.NewTape()
			p := Pass{Tape: tape}
			hidden := n.Encoder.Encode(p, b.Batch)
			golden.Check(t, "hidden states", hidden.Data, golden.Floats(t, f, "hidden"))
			words, next := n.Words(p, hidden, b.masked), n.Next(p, hidden, b.Segments)
			golden.Check(t, "logits of words", words.Data, golden.Floats(t, f, "words"))
			golden.Check(t, "logits of the next sentence", next.Data, golden.Floats(t, f, "next"))
			loss := pretrainingLoss(tape, words, next, b)
			golden.Check(t, "loss", loss.Data, golden.Floats(t, f, "loss"))
			tape.Backward(loss)
			golden.CheckGradients(t, f, n)
		})
	}
}

// pretrainingLoss is the sum of the mean losses of both tasks.
func pretrainingLoss(t *tensor.Tape, words, next *tensor.Tensor, b goldenBatch) *tensor.Tensor {
	a, _ := t.CrossEntropy(words, b.words, tensor.CrossEntropy{Scale: 1 / float64(len(b.words))})
	c, _ := t.CrossEntropy(next, b.next, tensor.CrossEntropy{Scale: 1 / float64(len(b.next))})
	return t.DropAdd(a, c, tensor.Mask{})
}
