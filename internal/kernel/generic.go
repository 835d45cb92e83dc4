package kernel

func newGenericImpl() *impl {
	return &impl{tile: genericTiles(), vector: genericVector(), fmaPeak: fmaPeakGeneric, peakFlops: 2 * 8}
}

// fmaPeakGeneric runs n rounds of eight independent multiply-adds.
func fmaPeakGeneric(n int) {
	var s [8]Float
	x := Float(n)
	s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	for range n {
		s0, s1, s2, s3 = s0*x+x, s1*x+x, s2*x+x, s3*x+x
		s4, s5, s6, s7 = s4*x+x, s5*x+x, s6*x+x, s7*x+x
	}
	peakSink = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7
}

var peakSink Float //nolint:unused // keeps the compiler from dropping the loop
