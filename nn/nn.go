// Package nn holds the layers that models share, and walks a model's
// parameters.
//
// A layer is a struct of tensors; the struct of a model is the schema of its
// checkpoint: field tags are the tensors' names in it. See [Params].
package nn

import (
	"math"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// Linear is the affine map y = x·Wᵀ + b.
type Linear struct {
	Weight *tensor.Tensor `param:"weight,matrix"` // (out, in)
	Bias   *tensor.Tensor `param:"bias"`          // (1, out)
}

// NewLinear returns a map with zero bias and weights uniform in
// ±√(6/(in+out)) (Glorot and Bengio 2010, equation 16). A map that stacks
// parts of out rows each takes out for one of them.
func NewLinear(in, out, parts int, r *rand.Rand) Linear {
	return Linear{Weight: Uniform(parts*out, in, math.Sqrt(6/float64(in+out)), r), Bias: tensor.New(1, parts*out)}
}

// Forward returns x·Wᵀ + b.
func (l Linear) Forward(t *tensor.Tape, x *tensor.Tensor) *tensor.Tensor {
	return t.Linear(x, tensor.Linear{Weight: l.Weight, Bias: l.Bias})
}

// ReLU returns dropout(max(x·Wᵀ + b, 0)).
func (l Linear) ReLU(t *tensor.Tape, x *tensor.Tensor, drop tensor.Mask) *tensor.Tensor {
	return t.Linear(x, tensor.Linear{Weight: l.Weight, Bias: l.Bias, Activation: tensor.ReLU, Drop: drop})
}

// LayerNorm normalises rows (Ba et al. 2016).
type LayerNorm struct {
	Gain  *tensor.Tensor `param:"weight"` // (1, D)
	Shift *tensor.Tensor `param:"bias"`   // (1, D)
	// Epsilon is added to the variance. NewLayerNorm sets what PyTorch adds.
	Epsilon float64
}

// NewLayerNorm returns a normalisation with gain one and shift zero.
func NewLayerNorm(dim int) LayerNorm {
	n := LayerNorm{Gain: tensor.New(1, dim), Shift: tensor.New(1, dim), Epsilon: 1e-5}
	for i := range n.Gain.Data {
		n.Gain.Data[i] = 1
	}
	return n
}

// Forward returns the normalised rows of x.
func (n LayerNorm) Forward(t *tensor.Tape, x *tensor.Tensor) *tensor.Tensor {
	return t.LayerNorm(x, n.Gain, n.Shift, n.Epsilon)
}

// Dropout hands out the masks of one training step, a new one for each use.
// A nil *Dropout drops nothing.
type Dropout struct {
	state uint64
}

// NewDropout returns the masks of a step: the same seed and step give the same.
func NewDropout(seed uint64, step int) *Dropout {
	return &Dropout{state: seed ^ mix(uint64(step)+1)}
}

// Mask returns the next mask. A nil Dropout, as in evaluation, drops nothing.
func (d *Dropout) Mask(rate float64) tensor.Mask {
	if d == nil || rate == 0 {
		return tensor.Mask{}
	}
	d.state += 0x9e3779b97f4a7c15
	return tensor.Mask{Key: uint32(mix(d.state) >> 32), Rate: rate}
}

// mix is the finaliser of SplitMix64 (Steele et al. 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Sinusoids returns the position encodings of positions 0 to n-1 (Vaswani et
// al. 2017, section 3.5): column i of the first half is sin(pos/10000^(2i/dim))
// and column i of the second half the cosine. The paper interleaves the two;
// the order of columns makes no difference to a trained model, and this is
// that of the authors' code and of published weights.
func Sinusoids(n, dim int) *tensor.Tensor {
	pe := tensor.New(n, dim)
	half := dim / 2
	for pos := range n {
		row := pe.Row(pos)
		for i := range half {
			angle := float64(pos) / math.Pow(10000, 2*float64(i)/float64(dim))
			row[i] = tensor.Float(math.Sin(angle))
			row[half+i] = tensor.Float(math.Cos(angle))
		}
	}
	return pe
}
