package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	lengthSize    = 8           // bytes of the header's length
	maxHeaderSize = 100_000_000 // the reference implementation's limit
	maxDims       = 64          // of a shape, as in PyTorch and NumPy
	metadataKey   = "__metadata__"
)

// dtype is the type of a tensor's elements.
type dtype string

// The types that are read; see also sizes. Of these f32 and i64 are written.
const (
	f32  dtype = "F32"
	f64  dtype = "F64"
	f16  dtype = "F16"
	bf16 dtype = "BF16"
	i64  dtype = "I64"
)

// expectedFloats says what to do about elements of another type.
const expectedFloats = "expected F32, F16, BF16 or F64 (save the weights in one of them: in PyTorch model.float() makes them F32)"

// sizes holds the bytes of an element of each type.
var sizes = map[dtype]uint64{
	"BOOL": 1, "U8": 1, "I8": 1,
	"U16": 2, "I16": 2, f16: 2, bf16: 2,
	"U32": 4, "I32": 4, f32: 4,
	"U64": 8, i64: 8, f64: 8,
}

// split cuts the content of a file into its header and the data after it.
func split(content []byte) (header, data []byte, err error) {
	if len(content) < lengthSize {
		return nil, nil, fmt.Errorf("it has %d bytes; expected a safetensors file, at least %d", len(content), lengthSize)
	}
	n, rest := binary.LittleEndian.Uint64(content), content[lengthSize:]
	if n > maxHeaderSize || n > uint64(len(rest)) {
		return nil, nil, fmt.Errorf("its header would have %d bytes; expected at most %d, what the file has", n, min(len(rest), maxHeaderSize))
	}
	return rest[:n], rest[n:], nil
}

// parseHeader reads the JSON object that describes the tensors.
func parseHeader(header []byte) (entries map[string]entry, metadata map[string]string, err error) {
	if !utf8.Valid(header) {
		return nil, nil, errors.New("its header is not UTF-8; expected a JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(header))
	entries = map[string]entry{}
	err = object(dec, func(key string) error {
		if key == metadataKey {
			metadata = map[string]string{}
			return object(dec, func(key string) error {
				value, err := text(dec)
				metadata[key] = value
				return err
			})
		}
		e, err := parseEntry(dec)
		if err != nil {
			return fmt.Errorf("tensor %.100q: %w", key, err)
		}
		entries[key] = e
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("its header: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("its header: more follows the JSON object; expected nothing but spaces")
	}
	return entries, metadata, nil
}

// object reads a JSON object. It calls value for each key, to read what
// belongs to it.
func object(dec *json.Decoder, value func(key string) error) error {
	if err := delimiter(dec, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for dec.More() {
		key, err := text(dec)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%.100q occurs twice; expected distinct names", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return delimiter(dec, '}')
}

func delimiter(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err != nil {
		return invalid(err)
	}
	if t != want {
		return fmt.Errorf("%.40q at byte %d; expected %v", fmt.Sprint(t), dec.InputOffset(), want)
	}
	return nil
}

func text(dec *json.Decoder) (string, error) {
	t, err := dec.Token()
	if err != nil {
		return "", invalid(err)
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("%v at byte %d; expected a string", t, dec.InputOffset())
	}
	return s, nil
}

// decode reads a value.
func decode(dec *json.Decoder, value any) error {
	err := dec.Decode(value)
	if errors.Is(err, io.EOF) {
		return invalid(err)
	}
	return err
}

func invalid(err error) error { return fmt.Errorf("expected a JSON object: %w", err) }

// natural is a number of a header: an integer in decimal digits.
type natural uint64

// UnmarshalJSON implements json.Unmarshaler.
func (n *natural) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil || v > math.MaxInt {
		return fmt.Errorf("%s; expected an integer of 0 to %d", plain(string(b)), math.MaxInt)
	}
	*n = natural(v)
	return nil
}

// naturals reads an array of numbers, no more than a shape may have.
func naturals(dec *json.Decoder) ([]int, error) {
	if err := delimiter(dec, '['); err != nil {
		return nil, err
	}
	all := []int{}
	for dec.More() {
		if len(all) == maxDims {
			return nil, fmt.Errorf("more than %d numbers", maxDims)
		}
		var n natural
		if err := decode(dec, &n); err != nil {
			return nil, err
		}
		all = append(all, int(n))
	}
	return all, delimiter(dec, ']')
}

// parseEntry reads the description of a tensor and checks that its shape and
// its place agree.
func parseEntry(dec *json.Decoder) (entry, error) {
	var kind *string
	var shape, offsets []int
	err := object(dec, func(key string) (err error) {
		switch key {
		case "dtype":
			err = decode(dec, &kind)
		case "shape":
			shape, err = naturals(dec)
		case "data_offsets":
			offsets, err = naturals(dec)
		default:
			return fmt.Errorf("unknown key %.100q; expected dtype, shape and data_offsets", key)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return entry{}, err
	case kind == nil || shape == nil:
		return entry{}, errors.New("no dtype or shape; expected dtype, shape and data_offsets")
	case len(offsets) != 2 || offsets[0] > offsets[1]:
		return entry{}, fmt.Errorf("data_offsets %v; expected a begin and an end", offsets)
	}
	e := entry{dtype: dtype(*kind), shape: slices.Clip(shape), lo: offsets[0], hi: offsets[1]}
	size, ok := sizes[e.dtype]
	if !ok {
		return entry{}, fmt.Errorf("dtype %.40q is unknown; %s", *kind, expectedFloats)
	}
	for _, n := range shape {
		var over uint64
		if over, size = bits.Mul64(size, uint64(n)); over != 0 {
			return entry{}, fmt.Errorf("shape %v: the number of its bytes overflows; expected %d", shape, e.hi-e.lo)
		}
	}
	if size != uint64(e.hi-e.lo) {
		return entry{}, fmt.Errorf("shape %v of %s takes %d bytes, but data_offsets %v hold %d; expected equal numbers", shape, *kind, size, offsets, e.hi-e.lo)
	}
	return e, nil
}

// checkLayout says whether tensors fill size bytes without gap or overlap.
func checkLayout(entries map[string]entry, size int) error {
	type named struct {
		name string
		entry
	}
	all := make([]named, 0, len(entries))
	for name, e := range entries {
		all = append(all, named{name, e})
	}
	slices.SortFunc(all, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi), cmp.Compare(a.name, b.name))
	})
	end := 0
	for _, e := range all {
		if e.lo != end {
			return fmt.Errorf("tensor %.100q begins at byte %d of the data; expected %d, where the one before it ends", e.name, e.lo, end)
		}
		end = e.hi
	}
	if end != size {
		return fmt.Errorf("its tensors take %d bytes, but %d follow the header; expected equal numbers (is the file complete?)", end, size)
	}
	return nil
}
