//go:build float64

package kernel

// Float is the element type of every tensor.
type Float = float64
