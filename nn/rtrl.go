package nn

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// RTRL computes the gradient of a plain recurrent layer while the layer runs, without
// going back in time: Real-Time Recurrent Learning (Williams and Zipser 1989, "A
// Learning Algorithm for Continually Running Fully Recurrent Neural Networks"). Nothing
// of the past is kept but one matrix, whose size does not depend on how long the
// sequence is.
//
// The layer has n units and m inputs; h' is the output of the step before:
//
//	h = f(net), net = W·h' + U·x + b
//
// The influence of a parameter θ, an element of W, U or b, on the output of unit k
// follows from its influence at the step before:
//
//	∂h_k/∂θ = f'(net_k)·(Σ_l W_kl·∂h'_l/∂θ + direct)
//
// where direct is h'_j if θ is W_kj, x_j if it is U_kj, 1 if it is b_k, and 0 if θ
// belongs to another unit. The influences of a step are one matrix P,
// (n, n·(n+m+1)), whose columns are the parameters of unit 1, then of unit 2, and so
// on: row i of W, row i of U and b_i. So unit k's direct terms are the vector
// z = (h', x, 1) of n+m+1 elements, and a step is one product and n short additions:
//
//	P = (diag(f')·W)·P', then P_k,block(k) += f'_k·z for each unit k
//
// A step takes 2n³·(n+m+1) operations, O(n⁴) where m is of the order of n, and two
// influence matrices of memory, O(n³): see [RTRLBytes]. The gradient is exact as long
// as the weights stay the same. Where they change from step to step, P goes on from
// influences that earlier weights had, and the gradient is off by the order of the
// learning rate.
type RTRL struct {
	layer Recurrent
	units int
	block int // parameters of one unit, n+m+1

	h         []tensor.Float // (n), the output of the last step
	z         []tensor.Float // (n+m+1), the outputs before it, its inputs, and 1
	slope     []tensor.Float // (n), net and then f'(net)
	scaled    []tensor.Float // (n, n), diag(f')·W
	influence []tensor.Float // (n, n·(n+m+1)), P
	before    []tensor.Float // P of the step before, memory for the next one
	gradient  []tensor.Float // (n·(n+m+1)), dhᵀ·P
}

// RTRLBytes is the memory of the two influence matrices that [RTRL] needs for a layer,
// 2·n²·(n+m+1) elements, in bytes; math.MaxInt where it is more than that.
func RTRLBytes(units, inputs int) int {
	if inputs >= math.MaxInt-units {
		return math.MaxInt
	}
	bytes := 2 * int(unsafe.Sizeof(tensor.Float(0)))
	for _, n := range []int{units, units, units + inputs + 1} {
		if n > 0 && bytes > math.MaxInt/n {
			return math.MaxInt
		}
		bytes *= n
	}
	return bytes
}

// NewRTRL returns the state of a layer before its first step. The layer must be a plain
// one, and the influence matrices must not need more than limit bytes.
func NewRTRL(l Recurrent, limit int) (*RTRL, error) {
	switch l.Cell {
	case RNNTanh, RNNLogistic, RNNReLU:
	default:
		return nil, fmt.Errorf("nn: RTRL of a layer of %q; it needs a plain recurrent layer: %s, %s or %s", l.Cell, RNNTanh, RNNLogistic, RNNReLU)
	}
	n, m := l.Hidden.Weight.Cols(), l.Input.Weight.Cols()
	if need := RTRLBytes(n, m); need > limit {
		return nil, fmt.Errorf("nn: RTRL of %d units and %d inputs needs %d bytes for influence matrices, more than the limit of %d; take fewer units, or truncated back-propagation through time", n, m, need, limit)
	}
	block := n + m + 1
	return &RTRL{
		layer: l, units: n, block: block,
		h: kernel.Alloc(n), z: kernel.Alloc(block), slope: kernel.Alloc(n), scaled: kernel.Alloc(n * n),
		influence: kernel.Alloc(n * n * block), before: kernel.Alloc(n * n * block), gradient: kernel.Alloc(n * block),
	}, nil
}

// Reset begins a new sequence: outputs and influences are zero.
func (r *RTRL) Reset() {
	clear(r.h)
	clear(r.influence)
}

// Step reads the next input, (m), and returns the outputs, (n), which stay as they are
// until the next Step or Reset.
func (r *RTRL) Step(x []tensor.Float) []tensor.Float {
	n := r.units
	if m := r.layer.Input.Weight.Cols(); len(x) != m {
		panic(&tensor.ShapeError{Op: "RTRL.Step", Detail: fmt.Sprintf("an input of %d elements for a layer of %d inputs", len(x), m)})
	}
	copy(r.z, r.h)
	copy(r.z[n:], x)
	r.z[r.block-1] = 1
	r.run()
	// The slopes scale the small operand of the product and not its result.
	for k := range n {
		row := r.scaled[k*n : (k+1)*n]
		copy(row, r.layer.Hidden.Weight.Row(k))
		kernel.ScaleAdd(row, r.slope[k], 0)
	}
	r.influence, r.before = r.before, r.influence
	cols := n * r.block
	kernel.Gemm(n, cols, n, kernel.Matrix{Data: r.scaled, Stride: n}, kernel.Matrix{Data: r.before, Stride: cols}, r.influence, cols, kernel.Epilogue{})
	for k := range n {
		kernel.Axpy(r.influence[k*cols+k*r.block:][:r.block], r.z, r.slope[k])
	}
	return r.h
}

// run computes the outputs and the slopes of the units from z.
func (r *RTRL) run() {
	n, l := r.units, r.layer
	before, x := r.z[:n], r.z[n:r.block-1]
	for k := range n {
		r.slope[k] = l.Input.Bias.Data[k] + kernel.Dot(l.Hidden.Weight.Row(k), before) + kernel.Dot(l.Input.Weight.Row(k), x)
	}
	switch l.Cell {
	case RNNLogistic:
		kernel.Logistic(r.h, r.slope)
	case RNNReLU:
		for k, net := range r.slope {
			r.h[k] = max(net, 0)
		}
	default:
		kernel.Tanh(r.h, r.slope)
	}
	for k := range r.slope {
		r.slope[k] = 1
	}
	switch l.Cell {
	case RNNLogistic:
		kernel.LogisticGrad(r.slope, r.h)
	case RNNReLU:
		kernel.ReLUGrad(r.slope, r.h, 1)
	default:
		kernel.TanhGrad(r.slope, r.h)
	}
}

// Accumulate adds to the gradients of the layer's weights and biases what the last step
// contributes, dhᵀ·P, given the gradient of the loss by its outputs, dh (n). The sum
// over the steps of a sequence is the gradient of the sum of their losses.
func (r *RTRL) Accumulate(dh []tensor.Float) {
	n, cols := r.units, r.units*r.block
	if len(dh) != n {
		panic(&tensor.ShapeError{Op: "RTRL.Accumulate", Detail: fmt.Sprintf("a gradient of %d elements for a layer of %d units", len(dh), n)})
	}
	kernel.Gemm(1, cols, n, kernel.Matrix{Data: dh, Stride: n}, kernel.Matrix{Data: r.influence, Stride: cols}, r.gradient, cols, kernel.Epilogue{})
	dw, du, db := r.layer.Hidden.Weight.Gradient(), r.layer.Input.Weight.Gradient(), r.layer.Input.Bias.Gradient()
	m := r.block - n - 1
	for i := range n {
		g := r.gradient[i*r.block : (i+1)*r.block]
		w, u := dw[i*n:(i+1)*n], du[i*m:(i+1)*m]
		kernel.Add(w, w, g)
		kernel.Add(u, u, g[n:])
		db[i] += g[n+m]
	}
}
