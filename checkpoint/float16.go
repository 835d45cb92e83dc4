package checkpoint

import (
	"encoding/binary"
	"math"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// fromF16 returns a number of IEEE 754's binary16 (a sign, 5 bits of exponent, 10 of
// fraction), which single precision always has.
func fromF16(b uint16) float32 {
	// Where single precision has exponent and fraction, these bits are the number divided
	// by 2^112, the difference of the biases, subnormal numbers included.
	bits := uint32(b&0x7fff) << 13
	if x := math.Float32frombits(bits) * 0x1p112; x < 0x1p16 {
		bits = math.Float32bits(x)
	} else { // the exponent of infinity and of what is no number
		bits |= 0x7f80_0000
	}
	return math.Float32frombits(uint32(b&0x8000)<<16 | bits)
}

// fromBF16 returns a number of bfloat16: the upper half of single precision.
func fromBF16(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// decode16 converts elements of two bytes.
func decode16(data []byte, convert func(uint16) float32) []tensor.Float {
	v := make([]tensor.Float, len(data)/2)
	for i := range v {
		v[i] = tensor.Float(convert(binary.LittleEndian.Uint16(data[2*i:])))
	}
	return v
}
