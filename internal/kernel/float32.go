//go:build !float64

package kernel

// Float is the element type of every tensor. The build tag float64 widens it
// for tests that compare gradients with finite differences.
type Float = float32
