// Package cpu says which kernels this processor can run and which one to use.
package cpu

import (
	"fmt"
	"os"
	"strings"
)

// Path is a family of kernels, one instruction set each.
type Path int

// The paths, slowest first.
const (
	Generic Path = iota // pure Go, on every machine
	AVX2                // 256-bit vectors with FMA
	AVX512              // 512-bit vectors: F, BW, DQ, VL
)

// EnvVar is the environment variable that forces a path.
const EnvVar = "KOTOBA_CPU"

var names = [...]string{Generic: "generic", AVX2: "avx2", AVX512: "avx512"}

// String returns the name that EnvVar takes.
func (p Path) String() string { return names[p] }

// Supported lists the paths that this processor runs, slowest first.
func Supported() []Path { return supported }

// Selected returns the path to use: the one that KOTOBA_CPU names, otherwise
// the fastest. With an unknown or unsupported name it returns the fastest and
// an error that says what can be chosen.
func Selected() (Path, error) { return choose(os.Getenv(EnvVar)) }

func choose(name string) (Path, error) {
	best := supported[len(supported)-1]
	if name == "" {
		return best, nil
	}
	var can []string
	for _, p := range supported {
		if p.String() == name {
			return p, nil
		}
		can = append(can, p.String())
	}
	return best, fmt.Errorf("%s=%s: this processor and build run %s; unset it or name one of these",
		EnvVar, name, strings.Join(can, ", "))
}
