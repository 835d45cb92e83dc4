package metrics

import "math/bits"

// pcg64 is the generator of NumPy's default_rng: PCG XSL-RR 128/64 of O'Neill,
// "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms
// for Random Number Generation" (2014). The standard library has the DXSM
// variant only.
type pcg64 struct {
	hi, lo       uint64 // state
	incHi, incLo uint64
	spare        uint32 // upper half of the last number, if full
	full         bool
}

// newPCG64 returns the generator that NumPy seeds with one integer.
func newPCG64(seed uint64) *pcg64 {
	w := seedWords(seed)
	p := &pcg64{incHi: w[2]<<1 | w[3]>>63, incLo: w[3]<<1 | 1}
	p.step()
	var carry uint64
	p.lo, carry = bits.Add64(p.lo, w[1], 0)
	p.hi, _ = bits.Add64(p.hi, w[0], carry)
	p.step()
	return p
}

// step advances the linear congruential generator underneath.
func (p *pcg64) step() {
	const mulHi, mulLo = 2549297995355413924, 4865540595714422341
	hi, lo := bits.Mul64(p.lo, mulLo)
	hi += p.hi*mulLo + p.lo*mulHi
	var carry uint64
	p.lo, carry = bits.Add64(lo, p.incLo, 0)
	p.hi, _ = bits.Add64(hi, p.incHi, carry)
}

// uint32 returns the lower and the upper half of each output in turn.
func (p *pcg64) uint32() uint32 {
	if p.full {
		p.full = false
		return p.spare
	}
	p.step()
	out := bits.RotateLeft64(p.hi^p.lo, -int(p.hi>>58))
	p.spare, p.full = uint32(out>>32), true
	return uint32(out)
}

// below returns a uniform number in [0, n), n > 0: Lemire, "Fast Random Integer
// Generation in an Interval" (2019).
func (p *pcg64) below(n uint32) uint32 {
	if n == 1 {
		return 0 // without drawing, as NumPy
	}
	hi, lo := bits.Mul32(p.uint32(), n)
	if lo < n {
		for threshold := -n % n; lo < threshold; {
			hi, lo = bits.Mul32(p.uint32(), n)
		}
	}
	return hi
}

// bitSource draws single bits, lowest first.
type bitSource struct {
	rng  *pcg64
	word uint32
	left int
}

func (b *bitSource) next() bool {
	if b.left == 0 {
		b.word, b.left = b.rng.uint32(), 32
	}
	bit := b.word&1 == 1
	b.word >>= 1
	b.left--
	return bit
}

// seedWords hashes a seed to the state and increment of a generator, upper
// halves first, as NumPy's SeedSequence does.
func seedWords(seed uint64) [4]uint64 {
	const (
		initA, mulA = 0x43b0d7e5, 0x931e8875
		initB, mulB = 0x8b51f9dd, 0x58f38ded
		mixL, mixR  = 0xca01f9dd, 0x4973f715
	)
	hash := func(value uint32, state *uint32, mul uint32) uint32 {
		value ^= *state
		*state *= mul
		value *= *state
		return value ^ value>>16
	}
	state := uint32(initA)
	pool := [4]uint32{uint32(seed), uint32(seed >> 32)}
	for i := range pool {
		pool[i] = hash(pool[i], &state, mulA)
	}
	for from := range pool {
		for to := range pool {
			if from != to {
				mixed := mixL*pool[to] - mixR*hash(pool[from], &state, mulA)
				pool[to] = mixed ^ mixed>>16
			}
		}
	}
	state = initB
	var words [4]uint64
	for i := range 8 {
		words[i/2] |= uint64(hash(pool[i%4], &state, mulB)) << (32 * (i % 2))
	}
	return words
}
