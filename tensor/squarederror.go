package tensor

type squaredErrorOp struct {
	loop[squaredErrorOp]
	x, loss *Tensor
	targets []Float
	scale   Float
}

var squaredErrorOps pool[squaredErrorOp]

// SquaredError returns scale · Σ (x[i] - targets[i])², the loss of predicting numbers,
// (n, 1). The targets must not change before Backward.
func (t *Tape) SquaredError(x *Tensor, targets []Float, scale float64) *Tensor {
	if x.cols != 1 || len(targets) != x.rows {
		misfit("SquaredError", "x is %d x %d for %d targets; want one column and a row each", x.rows, x.cols, len(targets))
	}
	o := squaredErrorOps.Get()
	o.x, o.targets, o.scale, o.loss = x, targets, Float(scale), t.new(1, 1)
	sum := 0.0
	for i, y := range targets {
		d := float64(x.Data[i]) - float64(y)
		sum += d * d
	}
	o.loss.Data[0] = Float(scale * sum)
	loss := o.loss
	t.done(o)
	return loss
}

func (o *squaredErrorOp) result() *Tensor { return o.loss }
func (o *squaredErrorOp) release()        { squaredErrorOps.put(o) }

func (o *squaredErrorOp) backward(t *Tape) {
	g := o.x.accumulator(t)
	for i, y := range o.targets {
		g[i] += o.loss.Grad[0] * 2 * o.scale * (o.x.Data[i] - y)
	}
}
