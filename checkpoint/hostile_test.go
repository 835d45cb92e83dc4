package checkpoint

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// content returns a file of the given header and size bytes of data.
func content(header string, size int) []byte {
	c := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(c, header...), make([]byte, size)...)
}

// damaged holds files that must be refused, by what the error says of them.
var damaged = map[string][]byte{
	"it has 0 bytes":                 {},
	"it has 7 bytes":                 make([]byte, 7),
	"its header would have 18446":    slices.Repeat([]byte{0xff}, 64),
	"would have 10 bytes":            append([]byte{10, 0, 0, 0, 0, 0, 0, 0}, `{}`...),
	"would have 100000001 bytes":     binary.LittleEndian.AppendUint64(nil, 100_000_001),
	"expected a JSON object: EOF":    content("", 0),
	"expected {":                     content("[]", 0),
	"expected a JSON object":         content(`{"a":`, 0),
	"more follows the JSON object":   content(`{} {}`, 0),
	"is not UTF-8":                   content("{\"\xff\":0}", 0),
	`"a" occurs twice`:               content(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{}}`, 0),
	`"shape" occurs twice`:           content(`{"a":{"shape":[1],"shape":[2]}}`, 0),
	`unknown key "x"`:                content(`{"a":{"x":1}}`, 0),
	"no dtype or shape":              content(`{"a":{"data_offsets":[0,0]}}`, 0),
	"data_offsets []":                content(`{"a":{"dtype":"U8","shape":[0]}}`, 0),
	"data_offsets [0 0 0]":           content(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}`, 0),
	"data_offsets [4 0]":             content(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}`, 4),
	`dtype "F31" is unknown`:         content(`{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}`, 4),
	"shape: -1":                      content(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4),
	"shape: 1.5":                     content(`{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, 4),
	"shape: null":                    content(`{"a":{"dtype":"F32","shape":[null],"data_offsets":[0,4]}}`, 4),
	"shape: 9223372036854775808":     content(`{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}`, 4),
	"data_offsets: 1844674407370955": content(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}`, 4),
	"overflows":                      content(`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, 0),
	"takes 4 bytes, but":             content(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, 8),
	"takes 6917529027641081856":      content(`{"a":{"dtype":"F32","shape":[1729382256910270464],"data_offsets":[0,4]}}`, 4),
	"is the file complete":           content(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4),
	"but 12 follow":                  content(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 12),
	"begins at byte 8":               content(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}`, 12),
	"begins at byte 2":               content(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, 6),
	"begins at byte 0":               content(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4),
	"expected a string":              content(`{"__metadata__":{"a":1}}`, 0),
}

func TestOpenRefusesDamagedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "damaged.safetensors")
	for want, data := range damaged {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err == nil {
			_ = f.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v; want one that names the file and says %q", err, want)
		}
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: error %v", err)
	}
	if _, err := Open(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

// TestEveryTruncationIsRefused cuts a file short at every byte.
func TestEveryTruncationIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := Write(path, []Tensor{{Name: "x", Shape: []int{3}, Data: []tensor.Float{1, 2, 3}}}, nil); err != nil {
		t.Fatal(err)
	}
	whole := read(t, path)
	for n := range whole {
		if _, err := parse(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are accepted", n, len(whole))
		}
	}
}

func TestElementsOfOtherTypes(t *testing.T) {
	header := `{"d":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"h":{"dtype":"F16","shape":[1],"data_offsets":[16,18]},` +
		`"s":{"dtype":"F32","shape":[1],"data_offsets":[18,22]}}`
	data := binary.LittleEndian.AppendUint64(nil, math.Float64bits(1.5))
	data = binary.LittleEndian.AppendUint64(data, math.Float64bits(-2))
	data = append(data, 0, 0)
	data = binary.LittleEndian.AppendUint32(data, math.Float32bits(3))
	f, err := parse(append(content(header, 0), data...))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Floats("d", 2); err != nil || !slices.Equal(got, []tensor.Float{1.5, -2}) {
		t.Errorf("doubles are %v, %v", got, err)
	}
	if got, err := f.Floats("s", 1); err != nil || !slices.Equal(got, []tensor.Float{3}) {
		t.Errorf("a number that is not aligned is %v, %v", got, err)
	}
	for want, read := range map[string]func() error{
		"type F16; expected F32 or F64": func() error { _, err := f.Floats("h", 1); return err },
		"type F64; expected I64":        func() error { _, err := f.Ints("d", 2); return err },
		"shape [2]; expected [1 2]":     func() error { _, err := f.Floats("d", 1, 2); return err },
		`no tensor "x"`:                 func() error { _, err := f.Ints("x"); return err },
	} {
		if err := read(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one that says %q", err, want)
		}
	}
}

// FuzzParse checks that no content makes the parser fail otherwise than by an
// error, that what it accepts can be read, and that another implementation
// accepts it too.
func FuzzParse(f *testing.F) {
	for _, data := range damaged {
		f.Add(data)
	}
	f.Add(content(`{}`, 0))
	f.Add(content(`{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}  `, 8))
	f.Add(content(`{"x":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"y":{"dtype":"F64","shape":[0,9],"data_offsets":[8,8]}}`, 8))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parse(data)
		if err != nil {
			return
		}
		for _, name := range file.Names() {
			shape, _ := file.Shape(name)
			switch file.entries[name].dtype {
			case f32, f64:
				_, err = file.Floats(name, shape...)
			case i64:
				_, err = file.Ints(name, shape...)
			}
			if err != nil {
				t.Errorf("%q cannot be read: %v", name, err)
			}
		}
		if _, err := safetensors.Deserialize(data); err != nil {
			t.Errorf("accepted, but not by the other implementation: %v", err)
		}
	})
}
