//go:build !amd64 || noasm || float64

package kernel

import "github.com/kotoba-nlp/kotoba/internal/cpu"

var genericImpl = newGenericImpl()

func implOf(cpu.Path) *impl { return genericImpl }
