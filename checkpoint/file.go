// Package checkpoint stores parameters in safetensors files, the format of
// Hugging Face (https://github.com/huggingface/safetensors): eight bytes with
// the length of a JSON header, the header, and the elements of all tensors in
// little-endian order.
//
// [Save] and [Load] move the parameters of a model, [Write] and [Open] are the
// file format itself. Files are written whole or not at all, and their bytes
// depend on nothing but what is stored.
package checkpoint

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"unsafe"

	"github.com/edsrzf/mmap-go"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// File is an open safetensors file, mapped into memory. It is safe for
// concurrent use. The file must not be truncated while it is open; [Write]
// never does that, it puts a new file in the old one's place.
type File struct {
	path     string
	mapped   mmap.MMap
	data     []byte // what follows the header
	entries  map[string]entry
	metadata map[string]string
}

// entry says where in a file's data a tensor is.
type entry struct {
	dtype  dtype
	shape  []int
	lo, hi int
}

// Open maps a file and checks its header: tensors have distinct names, known
// element types and sizes that agree with their shapes, and fill the file
// without gaps or overlaps. An error names the file, what is wrong with it and
// what was expected.
func Open(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return f, nil
}

func open(path string) (_ *File, err error) {
	osFile, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = osFile.Close() }() // opened for reading only; the mapping stays
	info, err := osFile.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("it is not a regular file (%s)", info.Mode())
	case info.Size() < lengthSize:
		return nil, fmt.Errorf("it has %d bytes; expected a safetensors file, at least %d", info.Size(), lengthSize)
	}
	mapped, err := mmap.Map(osFile, mmap.COPY, 0)
	if err != nil {
		return nil, err
	}
	f, err := parse(mapped)
	if err != nil {
		_ = mapped.Unmap() // the first error tells more
		return nil, err
	}
	f.path, f.mapped = path, mapped
	return f, nil
}

// parse checks the content of a file. It allocates in proportion to the
// header, and slices of the result are views of content.
func parse(content []byte) (*File, error) {
	header, data, err := split(content)
	if err != nil {
		return nil, err
	}
	entries, metadata, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	if err := checkLayout(entries, len(data)); err != nil {
		return nil, err
	}
	return &File{data: data, entries: entries, metadata: metadata}, nil
}

// Close unmaps the file. Slices that [File.Floats] and [File.Ints] have
// returned are invalid afterwards.
func (f *File) Close() error {
	f.data, f.entries = nil, nil
	if err := f.mapped.Unmap(); err != nil {
		return fmt.Errorf("checkpoint: %s: %w", f.path, err)
	}
	return nil
}

// Path is the path that the file was opened by.
func (f *File) Path() string { return f.path }

// Names returns the names of all tensors in order.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.entries)) }

// Metadata returns the texts that the file carries beside its tensors, nil
// when there are none. It must not be changed.
func (f *File) Metadata() map[string]string { return f.metadata }

// Shape returns the shape of a tensor, and whether there is one of that name.
func (f *File) Shape(name string) (shape []int, ok bool) {
	e, ok := f.entries[name]
	return slices.Clone(e.shape), ok
}

// Floats returns the elements of a tensor of floating-point numbers (F32, F16,
// BF16 or F64) in row-major order. The tensor must have the given shape. Where
// the file's format and place in memory allow, the slice is a view of the file,
// valid until Close; writing to it does not change the file. Numbers of half precision
// and bfloat16 are converted exactly, those of double precision are rounded.
func (f *File) Floats(name string, shape ...int) ([]tensor.Float, error) {
	e, err := f.find(name, shape)
	if err != nil {
		return nil, err
	}
	data := f.data[e.lo:e.hi]
	switch e.dtype {
	case f32:
		if unsafe.Sizeof(tensor.Float(0)) == 4 {
			if v, ok := view[tensor.Float](data); ok {
				return v, nil
			}
		}
		return decodeF32(data), nil
	case f64:
		return decodeF64(data), nil
	case f16:
		return decode16(data, fromF16), nil
	case bf16:
		return decode16(data, fromBF16), nil
	}
	return nil, fmt.Errorf("checkpoint: %s: tensor %q has elements of type %s; %s", f.path, name, e.dtype, expectedFloats)
}

// Ints returns the elements of a tensor of 64-bit integers, as Floats does.
func (f *File) Ints(name string, shape ...int) ([]int64, error) {
	e, err := f.find(name, shape)
	if err != nil {
		return nil, err
	}
	if e.dtype != i64 {
		return nil, fmt.Errorf("checkpoint: %s: tensor %q has elements of type %s; expected I64", f.path, name, e.dtype)
	}
	data := f.data[e.lo:e.hi]
	if v, ok := view[int64](data); ok {
		return v, nil
	}
	return decodeI64(data), nil
}

func (f *File) find(name string, shape []int) (entry, error) {
	e, ok := f.entries[name]
	if !ok {
		return entry{}, fmt.Errorf("checkpoint: %s: there is no tensor %q", f.path, name)
	}
	if !slices.Equal(e.shape, shape) {
		return entry{}, fmt.Errorf("checkpoint: %s: tensor %q has shape %v; expected %v", f.path, name, e.shape, shape)
	}
	return e, nil
}

// littleEndian says whether numbers in memory are stored as in files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// view returns data as elements of type T where their order of bytes and
// alignment are the machine's.
func view[T tensor.Float | int64](data []byte) (v []T, ok bool) {
	if len(data) == 0 {
		return []T{}, true
	}
	p := unsafe.Pointer(unsafe.SliceData(data))
	if !littleEndian || uintptr(p)%unsafe.Alignof(*new(T)) != 0 {
		return nil, false
	}
	return unsafe.Slice((*T)(p), len(data)/int(unsafe.Sizeof(*new(T)))), true
}
