package main
func vectorKernels(s isa) { _ = s }
