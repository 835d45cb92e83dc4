package checkpoint

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Tensor is an array under a name: of floating-point numbers, stored in single
// precision, or of integers.
type Tensor struct {
	Name  string
	Shape []int          // empty for a single number
	Data  []tensor.Float // elements in row-major order
	Ints  []int64        // the elements instead of Data, if not nil
}

// elements returns the number of elements that the shape asks for, and of
// those there are.
func (t Tensor) elements() (want, have int) {
	want = 1
	for _, n := range t.Shape {
		if n < 0 {
			return -1, max(len(t.Data), len(t.Ints))
		}
		want *= n
	}
	return want, max(len(t.Data), len(t.Ints))
}

// dtype returns the type of the elements in a file.
func (t Tensor) dtype() dtype {
	if t.Ints != nil {
		return i64
	}
	return f32
}

// Write puts tensors, and texts to keep with them, into a file. Tensors are
// written one after the other without a copy of the whole. The file appears
// at path when it is complete and on disk; after an error, which names path,
// whatever was there before is untouched.
func Write(path string, tensors []Tensor, metadata map[string]string) error {
	ordered := slices.Clone(tensors)
	// As the reference implementation does: the widest elements first, so
	// that all are aligned.
	slices.SortFunc(ordered, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(sizes[b.dtype()], sizes[a.dtype()]), cmp.Compare(a.Name, b.Name))
	})
	header, err := formatHeader(ordered, metadata)
	if err == nil {
		err = atomicfile.Write(path, func(w io.Writer) error { return write(w, header, ordered) })
	}
	if err != nil {
		return fmt.Errorf("checkpoint: write %s: %w", path, err)
	}
	return nil
}

// formatHeader returns the header of a file and its length before it.
func formatHeader(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	type description struct {
		DType   dtype  `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	objects := make(map[string]any, len(tensors)+1)
	if len(metadata) > 0 {
		objects[metadataKey] = metadata
	}
	end := 0
	for _, t := range tensors {
		if want, have := t.elements(); want != have || t.Data != nil && t.Ints != nil {
			return nil, fmt.Errorf("tensor %q has %d elements; shape %v wants %d", t.Name, have, t.Shape, want)
		}
		if _, ok := objects[t.Name]; ok || t.Name == metadataKey {
			return nil, fmt.Errorf("two tensors are named %q; want distinct names", t.Name)
		}
		begin := end
		end += max(len(t.Data), len(t.Ints)) * int(sizes[t.dtype()])
		objects[t.Name] = description{t.dtype(), append([]int{}, t.Shape...), [2]int{begin, end}}
	}
	text, err := json.Marshal(objects) // keys in order
	if err != nil {
		return nil, err
	}
	text = append(text, bytes.Repeat([]byte(" "), (lengthSize-len(text)%lengthSize)%lengthSize)...)
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}

func write(w io.Writer, header []byte, tensors []Tensor) error {
	buf := bufio.NewWriterSize(w, 1<<18)
	_, err := buf.Write(header)
	for _, t := range tensors {
		for _, v := range t.Data {
			_, err = buf.Write(binary.LittleEndian.AppendUint32(buf.AvailableBuffer(), math.Float32bits(float32(v))))
		}
		for _, v := range t.Ints {
			_, err = buf.Write(binary.LittleEndian.AppendUint64(buf.AvailableBuffer(), uint64(v)))
		}
		if err != nil { // of any write: a bufio.Writer keeps its first error
			return err
		}
	}
	return buf.Flush()
}

func decodeF32(data []byte) []tensor.Float {
	v := make([]tensor.Float, len(data)/4)
	for i := range v {
		v[i] = tensor.Float(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
	}
	return v
}

func decodeF64(data []byte) []tensor.Float {
	v := make([]tensor.Float, len(data)/8)
	for i := range v {
		v[i] = tensor.Float(math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])))
	}
	return v
}

func decodeI64(data []byte) []int64 {
	v := make([]int64, len(data)/8)
	for i := range v {
		v[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return v
}
