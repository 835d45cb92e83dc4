package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

// Activation is a function of each element.
type Activation int

// The activations. The first four are those of the kernels.
const (
	Identity = Activation(kernel.Identity)
	ReLU     = Activation(kernel.ReLU)       // max(x, 0)
	GELU     = Activation(kernel.GELUExact)  // x/2·(1 + erf(x/√2)) (Hendrycks and Gimpel 2016, section 2)
	GELUTanh = Activation(kernel.GELUApprox) // x/2·(1 + tanh(√(2/π)(x + 0.044715x³))), its approximation
	Tanh     = GELUTanh + 1
	Logistic = GELUTanh + 2 // 1/(1 + e^-x)
)
