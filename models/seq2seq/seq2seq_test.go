package seq2seq

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/internal/golden"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// smallConfig is the shape of the models that testdata/make_goldens.py makes.
var smallConfig = Config{Cell: nn.LSTM, Vocab: 11, Dim: 4, Hidden: 6, Layers: 2, MaxLength: 7, Radius: 2, Init: 0.5}

// variants are the models of the goldens.
var variants = map[string]func(c *Config){
	"none-reversed":     func(c *Config) { c.Reverse = true },
	"dot":               func(c *Config) { c.Attention = nn.Dot },
	"general-feeding":   func(c *Config) { c.Attention, c.InputFeeding, c.Reverse = nn.General, true, true },
	"concat":            func(c *Config) { c.Attention = nn.Concat },
	"location-feeding":  func(c *Config) { c.Attention, c.InputFeeding = nn.Location, true },
	"location-reversed": func(c *Config) { c.Attention, c.Reverse = nn.Location, true },
	"dot-local-m":       func(c *Config) { c.Attention, c.Window = nn.Dot, nn.LocalMonotonic },
	"general-local-p-feeding": func(c *Config) {
		c.Attention, c.Window, c.InputFeeding = nn.General, nn.LocalPredicted, true
	},
	"concat-local-p-renormalised": func(c *Config) {
		c.Attention, c.Window, c.Renormalise = nn.Concat, nn.LocalPredicted, true
	},
	"bahdanau": func(c *Config) {
		c.Cell, c.Attention, c.Bidirectional, c.PreviousState = nn.GRU, nn.Concat, true, true
	},
	"bahdanau-coverage": func(c *Config) {
		c.Cell, c.Attention, c.Bidirectional, c.PreviousState, c.Coverage = nn.GRU, nn.Concat, true, true, true
	},
	"concat-coverage":        func(c *Config) { c.Attention, c.Coverage = nn.Concat, true },
	"dot-split":              func(c *Config) { c.Attention, c.Split = nn.Dot, true },
	"dot-lstm-bidirectional": func(c *Config) { c.Attention, c.Bidirectional = nn.Dot, true },
	"scaled-dot-gru-feeding": func(c *Config) { c.Cell, c.Attention, c.InputFeeding = nn.GRU, nn.ScaledDot, true },
}

func newModel(t testing.TB, change func(c *Config)) *Model {
	t.Helper()
	c := smallConfig
	change(&c)
	m, err := New(c, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// goldenPairs returns the sentences of the reference.
func goldenPairs(t testing.TB) (pairs [][2][]int32) {
	t.Helper()
	text, err := os.ReadFile("testdata/batch.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &pairs); err != nil {
		t.Fatal(err)
	}
	return pairs
}

func batchOf(pairs [][2][]int32) (b nn.Batch) {
	b.Source.Clear()
	b.Input.Clear()
	for _, p := range pairs {
		b.Source.Append(p[0]...)
		b.Source.End()
		b.Input.Append(append([]int32{0}, p[1][:len(p[1])-1]...)...)
		b.Input.End()
		b.Output = append(b.Output, p[1]...)
	}
	return b
}

// TestAgreesWithPyTorch compares logits and every gradient with those of torch.nn.
func TestAgreesWithPyTorch(t *testing.T) {
	for name, change := range variants {
		t.Run(name, func(t *testing.T) {
			f := golden.Open(t, filepath.Join("testdata", name+".safetensors"))
			m := newModel(t, change)
			golden.LoadWeights(t, f, m)
			b, tape := batchOf(goldenPairs(t)), tensor.NewTape()
			golden.Check(t, "logits", m.Forward(Pass{Tape: tape}, b).Data, golden.Floats(t, f, "logits"))
			tape.Reset()
			loss, _ := m.Loss(Pass{Tape: tape}, b, tensor.CrossEntropy{Scale: 1 / float64(len(b.Output))})
			golden.Check(t, "loss", loss.Data, golden.Floats(t, f, "loss"))
			tape.Backward(loss)
			golden.CheckGradients(t, f, m)
		})
	}
}

// TestStepsEqualForward decodes what Forward computes at once, one token at a time, with
// hypotheses that are doubled and put in another order on the way.
func TestStepsEqualForward(t *testing.T) {
	for name, change := range variants {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, change)
			pairs := [][2][]int32{{{3, 1, 4}, {1, 5, 9, 2}}, {{6, 5, 3, 5, 8}, {9, 7, 9, 3}}}
			want := m.Forward(Pass{Tape: tensor.NewInferenceTape()}, batchOf(pairs))
			m.Pack()
			d := m.NewDecoder(nn.NewSequences(pairs[0][0], pairs[1][0]))
			sentences := []int{0, 1}
			for step := range 4 {
				tokens := make([]int32, len(sentences))
				for i, s := range sentences {
					if step > 0 {
						tokens[i] = pairs[s][1][step-1]
					}
				}
				logits := d.Step(tokens)
				for i, s := range sentences {
					for j, x := range logits.Row(i) {
						if w := want.Row(4*s + step)[j]; math.Abs(float64(x-w)) > 1e-5 {
							t.Fatalf("step %d of hypothesis %d: logit %d is %v; want %v", step, i, j, x, w)
						}
					}
				}
				if step == 1 {
					d.Select([]int{1, 0, 1})
					sentences = []int{1, 0, 1}
				}
			}
		})
	}
}

// TestSentencesOfABatchDoNotTouchEachOther compares a batch with its sentences alone.
func TestSentencesOfABatchDoNotTouchEachOther(t *testing.T) {
	pairs := goldenPairs(t)
	for name, change := range variants {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, change)
			all := m.Forward(Pass{Tape: tensor.NewInferenceTape()}, batchOf(pairs)).Data
			for _, p := range pairs {
				alone := m.Forward(Pass{Tape: tensor.NewInferenceTape()}, batchOf([][2][]int32{p})).Data
				for i, want := range alone {
					if math.Abs(float64(all[i]-want)) > 1e-5 {
						t.Fatalf("element %d of a sentence is %v in the batch and %v alone", i, all[i], want)
					}
				}
				all = all[len(alone):]
			}
		})
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"no units":                  func(c *Config) { c.Hidden = 0 },
		"unknown cell":              func(c *Config) { c.Cell = "elman" },
		"unknown score":             func(c *Config) { c.Attention = "dit" },
		"feeding without attention": func(c *Config) { c.InputFeeding = true },
		"location in a window":      func(c *Config) { c.Attention, c.Window = nn.Location, nn.LocalMonotonic },
		"a window of nothing":       func(c *Config) { c.Attention, c.Window, c.Radius = nn.Dot, nn.LocalMonotonic, 0 },
		"an unknown window":         func(c *Config) { c.Attention, c.Window = nn.Dot, "local" },
		"coverage of scaled dot":    func(c *Config) { c.Attention, c.Coverage = nn.ScaledDot, true },
		"split without attention":   func(c *Config) { c.Split = true },
		"two ways to feed":          func(c *Config) { c.Attention, c.InputFeeding, c.PreviousState = nn.Dot, true, true },
		"odd directions":            func(c *Config) { c.Hidden, c.Bidirectional = 5, true },
		"both ways, reversed":       func(c *Config) { c.Reverse, c.Bidirectional = true, true },
		"dropout of all":            func(c *Config) { c.Dropout = 1 },
		"start beyond the words":    func(c *Config) { c.Start = 11 },
	} {
		c := smallConfig
		change(&c)
		if _, err := New(c, rand.New(rand.NewPCG(1, 2))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestWeightsCountAttention: a model has the weights that it is said to have, and those of
// attention are among them.
func TestWeightsCountAttention(t *testing.T) {
	without := float64(nn.Count(nn.Params(newModel(t, func(*Config) {}))))
	for name, change := range variants {
		m := newModel(t, change)
		if has := float64(nn.Count(nn.Params(m))); m.Weights() > has {
			t.Errorf("%s has %v weights; %v were said to be there", name, has, m.Weights())
		} else if got := m.attentionWeights(); m.Cell == nn.LSTM && !m.Bidirectional && got < 0.4*(has-without) {
			t.Errorf("%s has %v weights of attention; %v were said to be there", name, has-without, got)
		}
	}
	c := smallConfig
	c.Attention, c.MaxLength = nn.Location, 1<<40
	if got := c.Weights(); got < float64(6<<40) {
		t.Errorf("%v weights for positions without number", got)
	}
}

// TestUnknownNamesAreSaidFirst: before what depends on them.
func TestUnknownNamesAreSaidFirst(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		`unknown attention window "local-x"`: func(c *Config) { c.Attention, c.Window, c.Radius = nn.Dot, "local-x", 0 },
		"attention score":                    func(c *Config) { c.Attention, c.Coverage = "cosine", true },
	} {
		c := smallConfig
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %s", err, want)
		}
	}
}

// TestEveryLinkThatDoesNotRecurIsDropped counts the masks that are drawn: one for the input of
// each layer, one for what the prediction reads, and one for what is fed.
func TestEveryLinkThatDoesNotRecurIsDropped(t *testing.T) {
	const steps = 4
	pairs := [][2][]int32{{{3, 1, 4}, {1, 5, 9, 2}}, {{6, 5, 3, 5, 8}, {9, 7, 9, 3}}}
	for name, want := range map[string]int{
		"none-reversed": 2 + 2 + 1,
		"dot":           2 + 2 + 1,
		// The second layer waits for the first in each step, and the first for what is fed, but
		// for the first step.
		"general-feeding": 2 + 1 + steps + (steps - 1) + 1,
	} {
		m := newModel(t, func(c *Config) { variants[name](c); c.Dropout = 0.5 })
		plain := m.Forward(Pass{Tape: tensor.NewTape()}, batchOf(pairs))
		drawn := golden.Masks(func(d *nn.Dropout) {
			if logits := m.Forward(Pass{Tape: tensor.NewTape(), Dropout: d}, batchOf(pairs)); slices.Equal(logits.Data, plain.Data) {
				t.Errorf("%s: dropout changes nothing", name)
			}
		})
		if drawn != want {
			t.Errorf("%s: %d masks; want %d", name, drawn, want)
		}
	}
}

// TestWindowsSayWhereTheyBegin asks for the weights of local-m with a radius of 1.
func TestWindowsSayWhereTheyBegin(t *testing.T) {
	m := newModel(t, func(c *Config) { variants["dot-local-m"](c); c.Radius = 1 })
	p := Pass{Tape: tensor.NewInferenceTape()}
	var got [][2]int // the first place and how many
	p.Record = func(sequence, step, first int, weights []tensor.Float) {
		if sequence == 1 {
			got = append(got, [2]int{first, len(weights)})
		}
	}
	m.Forward(p, batchOf([][2][]int32{{{3, 1, 4}, {1, 5, 9, 2}}, {{6, 5, 3, 5, 8}, {9, 7, 9, 3}}}))
	if want := [][2]int{{0, 2}, {0, 3}, {1, 3}, {2, 3}}; !slices.Equal(got, want) {
		t.Errorf("windows %v; want %v", got, want)
	}
}
