package transformer

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/golden"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// goldenConfig is the shape of the models that testdata/make_goldens.py makes.
var goldenConfig = Config{
	Vocab: 37, Dim: 16, Heads: 2, FFN: 24, EncoderLayers: 2, DecoderLayers: 2, MaxLength: 20, Start: -1,
}

// TestAgreesWithPyTorch compares logits, every gradient and the losses of ten
// steps of Adam with those of Hugging Face's MarianMTModel.
func TestAgreesWithPyTorch(t *testing.T) {
	post, start, pre, swish := goldenConfig, goldenConfig, goldenConfig, goldenConfig
	start.Start = 36
	pre.PreNorm = true
	swish.Activation = Swish
	for _, c := range []struct {
		name   string
		config Config
		first  int32 // the token that the decoder starts from
	}{
		{"post", post, 2},
		{"start", start, 36},
		{"pre", pre, 2},
		{"swish", swish, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := golden.Open(t, filepath.Join("testdata", c.name+".safetensors"))
			m := goldenModel(t, c.config, f)
			b := goldenBatch(t, c.first)
			tape := tensor.NewTape()
			p := Pass{Tape: tape}
			logits := m.Decode(p, m.Encode(p, b.Source), b.Source.Segments, b.Input)
			golden.Check(t, "logits", logits.Data, golden.Floats(t, f, "logits"))
			checkTraining(t, m, tape, b, f)
		})
	}
}

// checkTraining trains m as the reference was trained.
func checkTraining(t *testing.T, m *Model, tape *tensor.Tape, b nn.Batch, f *checkpoint.File) {
	t.Helper()
	adam := optim.NewAdam(nn.Params(m), 0.9, 0.98, 1e-9, 0)
	want := golden.Floats(t, f, "losses")
	losses := make([]tensor.Float, len(want))
	for step := range losses {
		tape.Reset()
		adam.ZeroGrad()
		loss, _ := m.Loss(Pass{Tape: tape}, b, tensor.CrossEntropy{Smoothing: 0.1, Scale: 1 / float64(len(b.Output))})
		losses[step] = loss.Data[0]
		tape.Backward(loss)
		if step == 0 {
			golden.CheckGradients(t, f, m)
		}
		adam.Step(1e-2, optim.Clip(adam.GradNorm(), 1))
	}
	golden.Check(t, "losses", losses, want)
}

// goldenModel returns a model with the reference's weights.
func goldenModel(t testing.TB, c Config, f *checkpoint.File) *Model {
	t.Helper()
	m := newModel(t, c)
	golden.LoadWeights(t, f, m)
	return m
}

// goldenBatch returns the reference's batch for a decoder that starts from
// the given token.
func goldenBatch(t testing.TB, first int32) nn.Batch {
	t.Helper()
	text, err := os.ReadFile("testdata/batch.json")
	if err != nil {
		t.Fatal(err)
	}
	var pairs struct{ Source, Target [][]int32 }
	if err := json.Unmarshal(text, &pairs); err != nil {
		t.Fatal(err)
	}
	return newBatch(pairs.Source, pairs.Target, first)
}

// newBatch joins pairs of sentences to a batch.
func newBatch(source, target [][]int32, first int32) nn.Batch {
	inputs := make([][]int32, len(target))
	for i, ids := range target {
		inputs[i] = append([]int32{first}, ids[:len(ids)-1]...)
	}
	return nn.Batch{Source: nn.NewSequences(source...), Input: nn.NewSequences(inputs...), Output: slices.Concat(target...)}
}

func newModel(t testing.TB, c Config) *Model {
	t.Helper()
	m, err := New(c, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
