package checkpoint

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
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
	"its header would have 92233720": slices.Repeat([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 2),
	"data_offsets: expected a JSON":  content(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,`, 0),
	`"ab" occurs twice`:              content(`{"ab":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0),
	"begins at byte 92233720368547":  content(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}}`, 4),
	"shape: 18446744073709551616":    content(`{"a":{"dtype":"F32","shape":[18446744073709551616,0],"data_offsets":[0,0]}}`, 0),
	"shape: more than 64 numbers":    content(`{"a":{"dtype":"F32","shape":[1`+strings.Repeat(",1", 64)+`],"data_offsets":[0,4]}}`, 4),
	`shape: "[\n1]"; expected`:       content("{\"a\":{\"dtype\":\"F32\",\"shape\":[[\n1]],\"data_offsets\":[0,4]}}", 4),
	"but data_offsets [0 9] hold 9":  content(`{"a":{"dtype":"F16","shape":[4],"data_offsets":[0,9]}}`, 9),
	"begins at byte 1":               content(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}}`, 5),
	"begins at byte 3":               content(`{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}}`, 8),
	`dtype "F8_E4M3" is unknown; expected F32, F16, BF16 or F64 (save`: content(`{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}`, 1),
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
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error %q; want one line", err)
		}
	}
}

// TestHostileHeadersTakeLittle bounds the memory that a header makes the parser take, and
// the length of the error.
func TestHostileHeadersTakeLittle(t *testing.T) {
	const size = 1 << 22
	many := func(text string) string { return strings.Repeat(text, size/len(text)) }
	const object = `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`
	for name, header := range map[string]string{
		"dimensions":      strings.Replace(object, "[1]", "[0"+many(",0")+"]", 1),
		"offsets":         strings.Replace(object, "[0,1]", "[0"+many(",0")+"]", 1),
		"a name":          strings.Replace(object, "U8", "?", 1)[:2] + many("a") + strings.Replace(object, "U8", "?", 1)[2:],
		"a name twice":    `{"` + many("a") + strings.TrimSuffix(object[2:], "}") + `,"` + many("a") + object[2:],
		"a place":         strings.Replace(object[:2]+many("a")+object[2:], "[0,1]", "[7,8]", 1),
		"a key":           strings.Replace(object, "dtype", many("d"), 1),
		"a type":          strings.Replace(object, "U8", many("U"), 1),
		"a number":        strings.Replace(object, "[1]", "["+many("1")+"]", 1),
		"a nested number": strings.Replace(object, "[1]", many("["), 1),
		"a text":          `"` + many("a") + `"`,
		"nothing":         many(" "),
		"no tensors":      many("["),
	} {
		data := content(header, 1)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parse(data)
		runtime.ReadMemStats(&after)
		if err == nil || len(err.Error()) > 1000 {
			t.Errorf("%s: error %.1000v; want a short one", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 10*size {
			t.Errorf("%s: %d bytes for a header of %d", name, took, len(header))
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
	header := `{"d":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"h":{"dtype":"I16","shape":[1],"data_offsets":[16,18]},` +
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
		`"h" has elements of type I16; expected F32, F16, BF16 or F64 (save the weights in one of them`: func() error { _, err := f.Floats("h", 1); return err },
		"type F64; expected I64":    func() error { _, err := f.Ints("d", 2); return err },
		"shape [2]; expected [1 2]": func() error { _, err := f.Floats("d", 1, 2); return err },
		`no tensor "x"`:             func() error { _, err := f.Ints("x"); return err },
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
	f.Add(content(`{"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"y":{"dtype":"BF16","shape":[1,2],"data_offsets":[4,8]}}`, 8))
	f.Add(content(`{"x":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"y":{"dtype":"F64","shape":[0,9],"data_offsets":[8,8]}}`, 8))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parse(data)
		if err != nil {
			return
		}
		for _, name := range file.Names() {
			shape, _ := file.Shape(name)
			switch file.entries[name].dtype {
			case f32, f64, f16, bf16:
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

// TestPicklesAreNamed: a folder of PyTorch's own format is not one where nothing is.
func TestPicklesAreNamed(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenFolder(dir); err == nil || strings.Contains(err.Error(), "pickle") {
		t.Errorf("error %v for an empty folder", err)
	}
	if err := os.WriteFile(filepath.Join(dir, pickleFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(dir); err == nil || !strings.Contains(err.Error(), "pytorch_model.bin is a pickle of Python") {
		t.Errorf("error %v; want one that says what is there", err)
	}
}
