//go:build !amd64 || noasm || float64

package cpu

var supported = []Path{Generic}
