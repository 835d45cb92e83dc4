//go:build !linux

package bench

func peakRSS() float64 { return 0 }
