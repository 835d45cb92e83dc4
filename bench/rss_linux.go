package bench

import "golang.org/x/sys/unix"

// peakRSS returns the largest resident size that the process has had, in MiB.
func peakRSS() float64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Maxrss) / 1024
}
