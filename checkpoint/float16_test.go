package checkpoint

import (
	"encoding/binary"
	"math"
	"testing"
	"unsafe"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// oracle16 is what a number of two bytes means: a sign, exponent bits of which all set
// mean infinity or no number and none set a subnormal number, and a fraction.
func oracle16(b uint16, exponentBits int) float64 {
	fractionBits := 15 - exponentBits
	exponent, fraction := int(b)>>fractionBits&(1<<exponentBits-1), float64(int(b)%(1<<fractionBits))
	bias := 1<<(exponentBits-1) - 1
	var x float64
	switch {
	case exponent == 1<<exponentBits-1 && fraction == 0:
		x = math.Inf(1)
	case exponent == 1<<exponentBits-1:
		return math.NaN()
	case exponent == 0:
		x = math.Ldexp(fraction, 1-bias-fractionBits)
	default:
		x = math.Ldexp(1+math.Ldexp(fraction, -fractionBits), exponent-bias)
	}
	if b >= 1<<15 {
		return math.Copysign(x, -1)
	}
	return x
}

// TestEveryNumberOfTwoBytesIsConvertedExactly reads all 65536 of both types.
func TestEveryNumberOfTwoBytesIsConvertedExactly(t *testing.T) {
	const count = 1 << 16
	var all []byte
	for b := range count {
		all = binary.LittleEndian.AppendUint16(all, uint16(b))
	}
	for kind, exponentBits := range map[string]int{"F16": 5, "BF16": 8} {
		f, err := parse(append(content(`{"x":{"dtype":"`+kind+`","shape":[256,256],"data_offsets":[0,131072]}}`, 0), all...))
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Floats("x", 256, 256)
		if err != nil || len(got) != count {
			t.Fatalf("%d elements of %s, %v; want %d", len(got), kind, err, count)
		}
		for b, x := range got {
			want := oracle16(uint16(b), exponentBits)
			same := float64(x) == want && math.Signbit(float64(x)) == math.Signbit(want)
			if !same && !(math.IsNaN(float64(x)) && math.IsNaN(want)) {
				t.Fatalf("%s %#04x is %v; want %v", kind, b, x, want)
			}
		}
	}
	for b, want := range map[uint16]float64{
		0x0001: 0x1p-24, 0x03ff: 0x1.ff8p-15, 0x0400: 0x1p-14, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x3555: 0.333251953125,
	} {
		if got := fromF16(b); float64(got) != want {
			t.Errorf("F16 %#04x is %v; want %v", b, got, want)
		}
	}
	if got := fromBF16(0x4049); got != 3.140625 {
		t.Errorf("BF16 0x4049 is %v; want 3.140625", got)
	}
}

// TestSinglePrecisionIsNotCopied checks that elements are those in the file's memory.
func TestSinglePrecisionIsNotCopied(t *testing.T) {
	if unsafe.Sizeof(tensor.Float(0)) != 4 {
		t.Skip("elements are float64")
	}
	header := `{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	for len(header)%lengthSize != 0 {
		header += " "
	}
	f, err := parse(content(header, 8))
	if err != nil {
		t.Fatal(err)
	}
	x, err := f.Floats("x", 2)
	if err != nil {
		t.Fatal(err)
	}
	copy(f.data[4:], []byte{0, 0, 0x80, 0x3f})
	if x[0] != 0 || x[1] != 1 {
		t.Errorf("elements are %v after the file has 0 and 1", x)
	}
}
