package transformer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/internal/golden"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// smallConfig is a model with layers that differ in every size.
var smallConfig = Config{Vocab: 29, Dim: 12, Heads: 3, FFN: 20, EncoderLayers: 2, DecoderLayers: 3, MaxLength: 16}

// variants are the kinds of model that every property must hold for.
func variants() map[string]Config {
	pre := smallConfig
	pre.PreNorm = true
	return map[string]Config{"post-norm": smallConfig, "pre-norm": pre}
}

var (
	testSources = [][]int32{{4, 9, 2, 3}, {17, 3}, {21, 20, 19, 18, 22, 3}}
	testTargets = [][]int32{{0, 7, 8, 9}, {0, 11, 12, 13, 14}, {0, 5}}
)

// forward returns a copy of the logits of targets given sources.
func forward(m *Model, sources, targets [][]int32) *tensor.Tensor {
	p := Pass{Tape: tensor.NewInferenceTape()}
	src, tgt := nn.NewSequences(sources...), nn.NewSequences(targets...)
	return m.Decode(p, m.Encode(p, src), src.Segments, tgt)
}

func TestFutureTokensChangeNothing(t *testing.T) {
	for name, c := range variants() {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, c)
			before := forward(m, testSources[:1], testTargets[:1])
			for changed := 1; changed < len(testTargets[0]); changed++ {
				target := slices.Clone(testTargets[0])
				target[changed] += 10
				after := forward(m, testSources[:1], [][]int32{target})
				for r := range before.Rows() {
					if same := slices.Equal(before.Row(r), after.Row(r)); same != (r < changed) {
						t.Errorf("token %d changed: the logits of row %d are the same: %v", changed, r, same)
					}
				}
			}
		})
	}
}

func TestSourceChangesEveryRow(t *testing.T) {
	m := newModel(t, smallConfig)
	before := forward(m, testSources[:1], testTargets[:1])
	for i := range testSources[0] {
		source := slices.Clone(testSources[0])
		source[i] += 10
		after := forward(m, [][]int32{source}, testTargets[:1])
		for r := range before.Rows() {
			if slices.Equal(before.Row(r), after.Row(r)) {
				t.Errorf("source token %d changed, but not the logits of row %d", i, r)
			}
		}
	}
}

// TestSentencesOfABatchAreIndependent changes sentences around one and their
// number. With the same number of rows, its logits must stay bit for bit; the
// products may add in another order for another number.
func TestSentencesOfABatchAreIndependent(t *testing.T) {
	for name, c := range variants() {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, c)
			first, n := len(testTargets[0]), len(testTargets[1])
			own := func(logits *tensor.Tensor, first int) []tensor.Float {
				return logits.Data[first*c.Vocab : (first+n)*c.Vocab]
			}
			want := own(forward(m, testSources, testTargets), first)
			sources := [][]int32{{5, 6, 7, 8}, testSources[1], {1, 2, 1, 2, 1, 2}}
			targets := [][]int32{{0, 1, 2, 3}, testTargets[1], {0, 28}}
			if !slices.Equal(want, own(forward(m, sources, targets), first)) {
				t.Error("other sentences around it change the logits of a sentence")
			}
			alone := own(forward(m, testSources[1:2], testTargets[1:2]), 0)
			if d := golden.Difference(t, alone, want); d > golden.Tolerance {
				t.Errorf("alone its logits differ by %g of the largest", d)
			}
		})
	}
}

// TestStepsEqualDecode decodes token by token, replacing hypotheses on the
// way, and compares with the parallel decoder on the tokens of each.
func TestStepsEqualDecode(t *testing.T) {
	for name, c := range variants() {
		for _, packed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/packed=%v", name, packed), func(t *testing.T) {
				m := newModel(t, c)
				if packed {
					m.Pack()
				}
				checkSteps(t, m)
			})
		}
	}
}

func checkSteps(t *testing.T, m *Model) {
	t.Helper()
	d := m.NewDecoder(nn.NewSequences(testSources...))
	sources := slices.Clone(testSources)
	tokens := make([][]int32, len(sources))
	// Before a step: the parents of its hypotheses; nil keeps them.
	for step, parents := range [][]int{nil, {0, 0, 1, 2, 2}, {4, 1, 0, 0, 2}, nil, {3, 3}, {1, 0}} {
		if parents != nil {
			d.Select(parents)
			sources, tokens = choose(sources, parents), choose(tokens, parents)
		}
		next := make([]int32, len(tokens))
		for h := range tokens {
			if step > 0 {
				next[h] = int32((7*step + 5*h) % m.Vocab)
			}
			tokens[h] = append(slices.Clone(tokens[h]), next[h])
		}
		logits := d.Step(next)
		for h := range tokens {
			all := forward(m, sources[h:h+1], tokens[h:h+1])
			if diff := golden.Difference(t, logits.Row(h), all.Row(step)); !(diff <= 1e-4) {
				t.Errorf("step %d, hypothesis %d: logits differ by %g of the largest", step, h, diff)
			}
		}
	}
}

func choose[T any](of []T, indices []int) []T {
	chosen := make([]T, len(indices))
	for i, at := range indices {
		chosen[i] = of[at]
	}
	return chosen
}

// TestParameterNames compares with the names in a file that transformers wrote.
// TestEveryKindOfDropout drops what it is for: of sub-layers' results and embeddings
// (section 5.4), of attention's weights, and of inner units.
func TestEveryKindOfDropout(t *testing.T) {
	enc, dec := smallConfig.EncoderLayers, smallConfig.DecoderLayers
	b := nn.Batch{Source: nn.NewSequences(testSources...), Input: nn.NewSequences(testTargets...)}
	for variant, base := range variants() {
		for name, test := range map[string]struct {
			change func(c *Config)
			masks  int
		}{
			"none":       {func(*Config) {}, 0},
			"dropout":    {func(c *Config) { c.Dropout = 0.5 }, 2 + 2*enc + 3*dec},
			"attention":  {func(c *Config) { c.AttentionDropout = 0.5 }, enc + 2*dec},
			"activation": {func(c *Config) { c.ActivationDropout = 0.5 }, enc + dec},
			"swish":      {func(c *Config) { c.Activation, c.ActivationDropout = Swish, 0.5 }, enc + dec},
		} {
			c := base
			test.change(&c)
			m, err := New(c, rand.New(rand.NewPCG(1, 2)))
			if err != nil {
				t.Fatal(err)
			}
			plain := m.Forward(Pass{Tape: tensor.NewTape()}, b)
			drawn := golden.Masks(func(d *nn.Dropout) {
				if same := slices.Equal(m.Forward(Pass{Tape: tensor.NewTape(), Dropout: d}, b).Data, plain.Data); same != (test.masks == 0) {
					t.Errorf("%s, %s: the same logits: %v", variant, name, same)
				}
			})
			if drawn != test.masks {
				t.Errorf("%s, %s: %d masks; want %d", variant, name, drawn, test.masks)
			}
		}
	}
}

func TestParameterNames(t *testing.T) {
	f := golden.Open(t, "testdata/marian/model.safetensors")
	want := f.Names()
	want = slices.DeleteFunc(want, func(name string) bool { return name == "final_logits_bias" })
	var got []string
	for _, p := range nn.Params(newModel(t, goldenConfig)) {
		got = append(got, p.Names...)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestBadConfigurationsAreRefused(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"vocab is 0":              func(c *Config) { c.Vocab = 0 },
		"dim is -2":               func(c *Config) { c.Dim = -2 },
		"heads is 0":              func(c *Config) { c.Heads = 0 },
		"ffn is 0":                func(c *Config) { c.FFN = 0 },
		"encoder_layers is 0":     func(c *Config) { c.EncoderLayers = 0 },
		"decoder_layers is 0":     func(c *Config) { c.DecoderLayers = 0 },
		"max_length is 0":         func(c *Config) { c.MaxLength = 0 },
		"start is 29":             func(c *Config) { c.Start = 29 },
		"multiple of the 5 heads": func(c *Config) { c.Heads = 5 },
		"dim is 9; want an even":  func(c *Config) { c.Dim = 9 },
		"rate is 1":               func(c *Config) { c.Dropout = 1 },
		"rate is -0.1":            func(c *Config) { c.AttentionDropout = -0.1 },
		"rate is NaN":             func(c *Config) { c.ActivationDropout = math.NaN() },
	} {
		c := smallConfig
		change(&c)
		if _, err := New(c, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one that says %q", err, want)
		}
	}
}

// TestTrainingAllocatesNothing runs training steps as a trainer does, once the
// memory of the tape is there.
func TestTrainingAllocatesNothing(t *testing.T) {
	for name, c := range variants() {
		t.Run(name, func(t *testing.T) {
			c.Dropout, c.AttentionDropout, c.ActivationDropout = 0.1, 0.1, 0.1
			m := newModel(t, c)
			adam := optim.NewAdam(nn.Params(m), 0.9, 0.98, 1e-9, 0)
			tape := tensor.NewTape()
			b := newBatch(testSources, testTargets, 0)
			dropout := nn.NewDropout(1, 1)
			step := func() {
				tape.Reset()
				adam.ZeroGrad()
				loss, _ := m.Loss(Pass{Tape: tape, Dropout: dropout}, b, tensor.CrossEntropy{Smoothing: 0.1, Scale: 0.1})
				tape.Backward(loss)
				adam.Step(1e-3, optim.Clip(adam.GradNorm(), 1))
			}
			for range 20 { // buffers change places until every class of sizes has enough
				step()
			}
			if allocs := testing.AllocsPerRun(20, step); allocs != 0 {
				t.Errorf("a training step allocates %v times; want 0", allocs)
			}
		})
	}
}
