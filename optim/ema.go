package optim

import (
	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// EMA is the exponential moving average of parameters, which often predicts better than what
// the last step has left (Polyak and Juditsky 1992). A nil EMA is none and changes nothing.
type EMA struct {
	Decay float64
	Mean  [][]tensor.Float // of each parameter: the state that a checkpoint holds

	params []nn.Param
	blocks []block
	loop   emaLoop
}

// NewEMA returns the average of params as they are now.
func NewEMA(params []nn.Param, decay float64) *EMA {
	e := &EMA{Decay: decay, params: params, blocks: blocksOf(params)}
	for _, p := range params {
		mean := kernel.Alloc(len(p.Tensor.Data))
		copy(mean, p.Tensor.Data)
		e.Mean = append(e.Mean, mean)
	}
	e.loop.e = e
	return e
}

// Update moves the average towards the parameters after a step, counted from 1. Early on
// the decay is smaller, so that the initial weights are forgotten.
func (e *EMA) Update(step int) {
	if e == nil {
		return
	}
	n := float64(step)
	e.loop.decay = tensor.Float(min(e.Decay, (1+n)/(10+n)))
	par.For(len(e.blocks), &e.loop)
}

// Swap exchanges the parameters with their average.
func (e *EMA) Swap() {
	if e == nil {
		return
	}
	for i, mean := range e.Mean {
		data := e.params[i].Tensor.Data
		for j := range data {
			data[j], mean[j] = mean[j], data[j]
		}
	}
}

// State returns the average, nothing of a nil EMA.
func (e *EMA) State() []Moment {
	if e == nil {
		return nil
	}
	return []Moment{{"ema.", e.Mean}}
}

// emaLoop takes a step, block by block.
type emaLoop struct {
	e     *EMA
	decay tensor.Float
}

// Do implements par.Task.
func (l *emaLoop) Do(i int) {
	b := l.e.blocks[i]
	mean := l.e.Mean[b.param][b.lo:b.hi]
	kernel.ScaleAdd(mean, l.decay, 0)
	kernel.Axpy(mean, l.e.params[b.param].Tensor.Data[b.lo:b.hi], 1-l.decay)
}
