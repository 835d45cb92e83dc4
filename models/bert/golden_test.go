package bert

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/kotoba-nlp/kotoba/internal/golden"
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
