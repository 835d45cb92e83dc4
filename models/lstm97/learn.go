package lstm97

// Learner is what can be taught a task, a sequence at a time.
type Learner interface {
	// Learn presents a sequence, changes the weights and returns the outputs of before
	// the change at the steps that have targets. They are valid until the next call.
	Learn(s *Sequence) [][]float64
	// Run returns the same and changes nothing.
	Run(s *Sequence) [][]float64
	// Weights is the number of weights.
	Weights() int
}

// Run implements Learner.
func (n *Net) Run(s *Sequence) [][]float64 { return n.present(s, false) }

// Learn implements Learner: on-line learning, with one change of the weights after each
// sequence. "Each weight's total update is the sum of the contributions of all time
// steps" (appendix A.1, after equation 28).
func (n *Net) Learn(s *Sequence) [][]float64 {
	y := n.present(s, true)
	n.hidden.descend(n.Rate)
	n.out.descend(n.Rate)
	if n.joins.waits {
		n.joins.observe(s, y)
	}
	return y
}

func (n *Net) present(s *Sequence, learn bool) (y [][]float64) {
	n.reset()
	steps := s.Len()
	first := steps - len(s.Targets)
	answers := s.answers()
	for t := range steps {
		x := s.Input(t)
		n.step(x, learn)
		if t < first {
			continue
		}
		answers[t-first] = append(answers[t-first][:0], n.outputs(x)...)
		if learn {
			n.backward(x, s.Targets[t-first])
		}
	}
	return answers
}

// backward is the backward pass of one step with targets: it adds the step's part of
// −∂E/∂w. E is half of equation 16 here, so that the errors are those of equation 19,
// which leave out the factor 2.
func (n *Net) backward(x Input, target []float64) {
	for k, y := range n.yk {
		n.ek[k] = target[k] - y // e_k = f'(net_k)(t_k − y_k), equation 19
		if !n.Linear {
			n.ek[k] *= y * (1 - y)
		}
		grad := n.out.grad(k) // equation 22
		grad[n.out.bias] += n.ek[k]
		if n.Early {
			grad[x.Symbol] += n.ek[k]
		}
		for c := range n.s {
			grad[n.out.bias+1+c] += n.ek[k] * n.y[n.firstCell+c]
		}
	}
	if n.joins.waits {
		return
	}
	for j := range n.Blocks {
		out := 1.0
		if !n.Early {
			out = n.y[n.firstOut+j]
		}
		sum := 0.0 // Σ_v h(s) Σ_k w_kc e_k
		for c := j * n.Size; c < (j+1)*n.Size; c++ {
			h, dh := n.h(n.s[c])
			back := 0.0 // Σ_k w_kc e_k
			for k, e := range n.ek {
				back += n.out.row(k)[n.out.bias+1+c] * e
			}
			sum += h * back
			es := out * dh * back                                    // equation 23
			addScaled(n.hidden.grad(j), es, n.byInputGate[c])        // equations 24, 26
			addScaled(n.hidden.grad(n.firstCell+c), es, n.byCell[c]) // equations 24, 28
		}
		if !n.Early {
			n.add(n.hidden.grad(n.firstOut+j), out*(1-out)*sum, x) // equations 21, 22
		}
	}
}

func addScaled(to []float64, scale float64, from []float64) {
	for i, v := range from {
		to[i] += scale * v
	}
}

// joining finds the time when the error has stopped decreasing and the memory cells of
// an Early network join. The paper does not say how it told; here it is when the mean
// squared error of 100 sequences is no longer a tenth below that of the 100 before.
type joining struct {
	waits         bool
	sequences     int
	sum, previous float64
}

const (
	joinWindow = 100
	joinShare  = 0.9
)

func (j *joining) observe(s *Sequence, y [][]float64) {
	for t, target := range s.Targets {
		for k, v := range target {
			j.sum += (v - y[t][k]) * (v - y[t][k])
		}
	}
	if j.sequences++; j.sequences%joinWindow != 0 {
		return
	}
	j.waits = j.sequences == joinWindow || j.sum < joinShare*j.previous
	j.previous, j.sum = j.sum, 0
}
