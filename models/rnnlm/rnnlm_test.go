package rnnlm

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kotoba-nlp/kotoba/internal/golden"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// smallConfig is the shape of the models that testdata/make_goldens.py makes.
var smallConfig = Config{Cell: nn.LSTM, Vocab: 13, Dim: 6, Hidden: 7, Layers: 2, Init: 0.5}

func newModel(t testing.TB, c Config) *Model {
	t.Helper()
	m, err := New(c, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// goldenBatch returns the reference's batch.
func goldenBatch(t testing.TB) (ids, targets []int32, steps tensor.Steps) {
	t.Helper()
	text, err := os.ReadFile("testdata/batch.json")
	if err != nil {
		t.Fatal(err)
	}
	var b struct{ IDs, Targets [][]int32 }
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	return slices.Concat(b.IDs...), slices.Concat(b.Targets...), tensor.EqualSteps(len(b.IDs), len(b.IDs[0]))
}

// TestAgreesWithPyTorch compares logits, every gradient and the losses of ten
// steps of SGD that carry states on with those of torch.nn.
func TestAgreesWithPyTorch(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"lstm":     func(*Config) {},
		"gru":      func(c *Config) { c.Cell = nn.GRU },
		"rnn-tanh": func(c *Config) { c.Cell = nn.RNNTanh },
		"rnn-relu": func(c *Config) { c.Cell = nn.RNNReLU },
		"tied":     func(c *Config) { c.Tied, c.Dim = true, c.Hidden },
	} {
		t.Run(name, func(t *testing.T) {
			c := smallConfig
			change(&c)
			f := golden.Open(t, filepath.Join("testdata", name+".safetensors"))
			m := newModel(t, c)
			golden.LoadWeights(t, f, m)
			ids, targets, steps := goldenBatch(t)
			logits, _ := m.Forward(Pass{Tape: tensor.NewTape()}, ids, steps, nil)
			golden.Check(t, "logits", logits.Data, golden.Floats(t, f, "logits"))

			sgd, tape, states := optim.NewSGD(nn.Params(m)), tensor.NewTape(), m.NewStates(steps.Sequences())
			want := golden.Floats(t, f, "losses")
			losses := make([]tensor.Float, len(want))
			for round := range losses {
				tape.Reset()
				sgd.ZeroGrad()
				loss, _, after := m.Loss(Pass{Tape: tape}, ids, targets, steps, states, tensor.CrossEntropy{Scale: 1 / float64(len(ids))})
				losses[round] = loss.Data[0]
				tape.Backward(loss)
				Keep(states, after)
				if round == 0 {
					golden.CheckGradients(t, f, m)
				}
				sgd.Step(0.5, optim.Clip(sgd.GradNorm(), 1))
			}
			golden.Check(t, "losses", losses, want)
		})
	}
}

// TestCarriedStatesContinueTheText reads a text in one piece and in two.
func TestCarriedStatesContinueTheText(t *testing.T) {
	for _, cell := range nn.Cells {
		c := smallConfig
		c.Cell = cell
		m := newModel(t, c)
		ids, _, steps := goldenBatch(t)
		width := steps.Sequences()
		want, _ := m.Forward(Pass{Tape: tensor.NewInferenceTape()}, ids, steps, nil)
		states := m.NewStates(width)
		var got []tensor.Float
		for _, part := range [][]int32{ids[:2*width], ids[2*width:]} {
			logits, after := m.Forward(Pass{Tape: tensor.NewInferenceTape()}, part, tensor.EqualSteps(len(part)/width, width), states)
			Keep(states, after)
			got = append(got, logits.Data...)
		}
		if d := golden.Difference(t, got, want.Data); d > golden.Tolerance {
			t.Errorf("%s: in two pieces the logits differ by %.2g", cell, d)
		}
	}
}

func TestTrainingAllocatesNothing(t *testing.T) {
	c := smallConfig
	c.Dropout = 0.5
	m := newModel(t, c)
	ids, targets, steps := goldenBatch(t)
	states, tape, sgd, step := m.NewStates(steps.Sequences()), tensor.NewTape(), optim.NewSGD(nn.Params(m)), 0
	run := func() {
		tape.Reset()
		sgd.ZeroGrad()
		step++
		loss, _, after := m.Loss(Pass{Tape: tape, Dropout: nn.NewDropout(1, step)}, ids, targets, steps, states, tensor.CrossEntropy{Scale: 1})
		tape.Backward(loss)
		Keep(states, after)
		sgd.Step(0.1, optim.Clip(sgd.GradNorm(), 1))
	}
	for range 4 {
		run()
	}
	n := testing.AllocsPerRun(10, run)
	for range 3 {
		n = min(n, testing.AllocsPerRun(10, run))
	}
	if n > 2 { // the masks and the list of states
		t.Errorf("a step allocates %v times; want at most 2", n)
	}
}

// TestStepsEqualForward decodes the streams of a batch as hypotheses that are
// swapped on the way.
func TestStepsEqualForward(t *testing.T) {
	for _, cell := range nn.Cells {
		c := smallConfig
		c.Cell = cell
		m := newModel(t, c)
		prefix, text := []int32{3, 1, 4}, [][]int32{{1, 5, 9}, {2, 6, 5}}
		m.Pack()
		d := m.NewDecoder(prefix)
		d.Select([]int{0, 0})
		order := []int{0, 1}
		for step := range text[0] {
			logits := d.Step([]int32{text[order[0]][step], text[order[1]][step]})
			for row, i := range order {
				whole := append(slices.Clone(prefix), text[i][:step+1]...)
				want, _ := m.Forward(Pass{Tape: tensor.NewInferenceTape()}, whole, tensor.EqualSteps(len(whole), 1), nil)
				if d := golden.Difference(t, logits.Row(row), want.Row(want.Rows()-1)); d > golden.Tolerance {
					t.Fatalf("%s: logits of text %d after %d tokens differ by %.2g", cell, i, step+1, d)
				}
			}
			d.Select([]int{1, 0})
			slices.Reverse(order)
		}
	}
}

func TestConfigIsValidated(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"vocab":   func(c *Config) { c.Vocab = 0 },
		"cell":    func(c *Config) { c.Cell = "elman" },
		"dropout": func(c *Config) { c.Dropout = 1 },
		"init":    func(c *Config) { c.Init = 0 },
		"tied":    func(c *Config) { c.Tied = true },
	} {
		c := smallConfig
		change(&c)
		if _, err := New(c, rand.New(rand.NewPCG(1, 1))); err == nil {
			t.Errorf("%s: no error for %+v", name, c)
		}
	}
}

// TestEveryLinkThatDoesNotRecurIsDropped: the input of each layer and what the prediction
// reads (Zaremba et al. 2014, section 3.1), by the masks that are drawn.
func TestEveryLinkThatDoesNotRecurIsDropped(t *testing.T) {
	c := smallConfig
	c.Dropout = 0.5
	m := newModel(t, c)
	ids, _, steps := goldenBatch(t)
	plain, _ := m.Forward(Pass{Tape: tensor.NewTape()}, ids, steps, nil)
	drawn := golden.Masks(func(d *nn.Dropout) {
		if logits, _ := m.Forward(Pass{Tape: tensor.NewTape(), Dropout: d}, ids, steps, nil); slices.Equal(logits.Data, plain.Data) {
			t.Error("dropout changes nothing")
		}
	})
	if drawn != c.Layers+1 {
		t.Errorf("%d masks; want %d", drawn, c.Layers+1)
	}
}
