package lstm97

import (
	"math"
	"math/rand/v2"
	"testing"
)

// frozen is the network once more, written for the test alone: the outputs of a step's
// predecessor in the hidden layer are constants that the caller gives, as truncation has
// it, or where there are none its own, which it returns.
func frozen(n *Net, s *Sequence, constants [][]float64) (loss float64, outputs [][]float64) {
	logistic := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	units := n.firstCell + len(n.s)
	before, states := make([]float64, units), make([]float64, len(n.s))
	for t := range s.Len() {
		if constants != nil {
			before = constants[t]
		}
		outputs = append(outputs, before)
		dense := make([]float64, n.Inputs)
		if x := s.Input(t); x.Values != nil {
			copy(dense, x.Values)
		} else {
			dense[x.Symbol] = 1
		}
		sum := func(w, sources []float64) (net float64) {
			for i := range w {
				net += w[i] * sources[i]
			}
			return net
		}
		sources := append(append([]float64{}, dense...), 1)
		if !n.Early {
			sources = append(sources, before...)
		}
		y := make([]float64, units)
		for c := range n.s {
			j := c / n.Size
			in := logistic(sum(n.hidden.row(j), sources))
			g := logistic(sum(n.hidden.row(n.firstCell+c), sources))
			y[j] = in
			if n.Early {
				if n.G > 0 {
					g = n.G * (2*g - 1)
				}
				states[c] += in * g
				y[n.firstCell+c] = states[c]
				continue
			}
			out := logistic(sum(n.hidden.row(n.firstOut+j), sources))
			states[c] += in * n.G * (2*g - 1)
			y[n.firstOut+j] = out
			y[n.firstCell+c] = out * n.H * (2*logistic(states[c]) - 1)
		}
		if i := t - s.Len() + len(s.Targets); i >= 0 {
			below := append([]float64{1}, y[n.firstCell:]...)
			if n.Early {
				below = append(append([]float64{}, dense...), below...)
			}
			for k, target := range s.Targets[i] {
				e := target - logistic(sum(n.out.row(k), below))
				loss += e * e / 2
			}
		}
		before = y
	}
	return loss, outputs
}

// TestTruncatedGradientIsTheGradientWithFrozenRecurrentInputs compares −∂E/∂w of every
// weight with differences of the network in which the outputs of the step before are
// constants: this is what truncation means (appendix A.1, equations 11 to 15).
func TestTruncatedGradientIsTheGradientWithFrozenRecurrentInputs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	everyStep := func(symbols, units int) *Sequence {
		s := newSequence(9, units)
		for i := range s.Targets {
			s.Symbols = append(s.Symbols, r.IntN(symbols))
			s.Targets[i][r.IntN(units)] = 1
		}
		return s
	}
	values := newSequence(1, 2)
	values.Width, values.Targets[0][1] = 3, 0.7
	for range 3 * 12 {
		values.Values = append(values.Values, r.NormFloat64())
	}
	for name, tt := range map[string]struct {
		net Config
		s   *Sequence
	}{
		"blocks of 2, all biased":        {Config{Inputs: 3, Outputs: 2, Blocks: 2, Size: 2, Bias: EveryBias, Init: 0.9}, values},
		"blocks of 1, hidden biased":     {Config{Inputs: 3, Outputs: 2, Blocks: 3, Size: 1, Bias: HiddenBias, Init: 0.9, InputGateBias: []float64{-1, 0, 1}}, values},
		"gates biased, errors always":    {Config{Inputs: 4, Outputs: 3, Blocks: 2, Size: 3, Bias: GateBias, Init: 0.9, OutputGateBias: []float64{-1, -2}}, everyStep(4, 3)},
		"no bias":                        {Config{Inputs: 4, Outputs: 3, Blocks: 2, Size: 1, Init: 0.9}, everyStep(4, 3)},
		"ranges of table 10":             {Config{Inputs: 4, Outputs: 3, Blocks: 2, Size: 2, Init: 0.9, G: 1, H: 2}, everyStep(4, 3)},
		"early network, g of both signs": {Config{Inputs: 5, Outputs: 5, Blocks: 1, Size: 1, Init: 0.9, Early: true, G: 1}, everyStep(5, 5)},
		"early network, errors always":   {Config{Inputs: 5, Outputs: 5, Blocks: 1, Size: 1, Init: 0.9, Early: true}, everyStep(5, 5)},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := New(tt.net, 1, r)
			if err != nil {
				t.Fatal(err)
			}
			if tt.net.G == 0 && !n.Early && (n.G != 2 || n.H != 1) {
				t.Fatalf("g in ±%v and h in ±%v; want ±2 and ±1, equations 5 and 4", n.G, n.H)
			}
			n.joins.waits = false
			n.present(tt.s, true)
			_, constants := frozen(n, tt.s, nil)
			for _, layer := range []*rows{&n.hidden, &n.out} {
				compareGradient(t, layer, func() float64 {
					loss, _ := frozen(n, tt.s, constants)
					return loss
				})
			}
		})
	}
}

func compareGradient(t *testing.T, layer *rows, loss func() float64) {
	t.Helper()
	largest := 0.0
	for _, d := range layer.descent {
		largest = max(largest, math.Abs(d))
	}
	if largest == 0 {
		t.Fatal("the gradient is zero")
	}
	for i := range layer.weight {
		if !layer.biased[i/layer.n] && i%layer.n == layer.bias {
			continue
		}
		at := func(d float64) float64 {
			w := layer.weight[i]
			defer func() { layer.weight[i] = w }()
			layer.weight[i] += d
			return loss()
		}
		const d = 1e-3 // differences of fourth order
		want := -(8*(at(d)-at(-d)) - (at(2*d) - at(-2*d))) / (12 * d)
		if diff := math.Abs(layer.descent[i] - want); diff > 1e-7*largest {
			t.Errorf("weight %d: %g, differences say %g", i, layer.descent[i], want)
		}
	}
}
