package lstm97

import (
	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// rtrl is a plain network taught by real-time recurrent learning (Williams and Zipser
// 1989): the gradient of BPTT, computed forwards.
type rtrl struct {
	*readout
	layer *nn.RTRL
	x, dh []tensor.Float
}

// rtrlBytes bounds what the influences of the layer's weights may take.
const rtrlBytes = 1 << 30

func newRTRL(m *readout) (*rtrl, error) {
	layer, err := nn.NewRTRL(m.Layer, rtrlBytes)
	if err != nil {
		return nil, err
	}
	units := m.Out.Weight.Cols()
	return &rtrl{
		readout: m, layer: layer,
		x: make([]tensor.Float, m.Layer.Input.Weight.Cols()), dh: make([]tensor.Float, units),
	}, nil
}

// Run implements Learner.
func (l *rtrl) Run(s *Sequence) [][]float64 { return l.present(s, false) }

// Learn implements Learner.
func (l *rtrl) Learn(s *Sequence) [][]float64 {
	l.optim.ZeroGrad()
	y := l.present(s, true)
	l.descend()
	return y
}

func (l *rtrl) present(s *Sequence, learn bool) [][]float64 {
	l.layer.Reset()
	steps := s.Len()
	first := steps - len(s.Targets)
	answers := s.answers()
	for t := range steps {
		fill(l.x, s.Input(t))
		h := l.layer.Step(l.x)
		if t < first {
			continue
		}
		y := answers[t-first][:0]
		for k := range l.Out.Weight.Rows() {
			net := l.Out.Bias.Data[k] + kernel.Dot(l.Out.Weight.Row(k), h)
			if l.Direct != nil {
				net += kernel.Dot(l.Direct.Row(k), l.x)
			}
			y = append(y, l.output(net))
		}
		answers[t-first] = y
		if learn {
			l.backward(h, s.Targets[t-first], y)
		}
	}
	return answers
}

// backward adds one step's part of the gradients.
func (l *rtrl) backward(h []tensor.Float, target, y []float64) {
	clear(l.dh)
	for k := range y {
		d := l.slope(target[k], y[k])
		l.Out.Bias.Gradient()[k] += d
		kernel.Axpy(l.Out.Weight.Gradient()[k*len(h):(k+1)*len(h)], h, d)
		kernel.Axpy(l.dh, l.Out.Weight.Row(k), d)
		if l.Direct != nil {
			kernel.Axpy(l.Direct.Gradient()[k*len(l.x):(k+1)*len(l.x)], l.x, d)
		}
	}
	l.layer.Accumulate(l.dh)
}
