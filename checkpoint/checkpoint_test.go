package checkpoint

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/nlpodyssey/safetensors"
	"pgregory.net/rapid"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// model is a model with a matrix, a vector and stacked parameters.
type model struct {
	Embedding *tensor.Tensor `param:"embedding"`
	QKV       layer          `param:"q+k+v"`
}

type layer struct {
	Weight *tensor.Tensor `param:"weight"`
	Bias   *tensor.Tensor `param:"bias"`
}

// newModel returns a model whose elements count up from start.
func newModel(start float64) *model {
	m := &model{tensor.New(5, 4), layer{tensor.New(6, 4), tensor.New(1, 6)}}
	for _, p := range nn.Params(m) {
		for i := range p.Tensor.Data {
			p.Tensor.Data[i] = tensor.Float(start)
			start++
		}
	}
	return m
}

func mustOpen(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestSaveThenLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	want := newModel(1)
	moment := Tensor{Name: "adam.m", Shape: []int{3}, Data: []tensor.Float{1, 2, 3}}
	step := Tensor{Name: "step", Ints: []int64{1 << 60}}
	if err := Save(path, nn.Params(want), map[string]string{"note": "テスト"}, moment, step); err != nil {
		t.Fatal(err)
	}
	f := mustOpen(t, path)
	wantNames := []string{"adam.m", "embedding", "k.bias", "k.weight", "q.bias", "q.weight", "step", "v.bias", "v.weight"}
	if diff := cmp.Diff(wantNames, f.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if f.Metadata()["note"] != "テスト" {
		t.Errorf("metadata is %v", f.Metadata())
	}
	got := newModel(-100)
	gotMoment := Tensor{Name: "adam.m", Shape: []int{3}, Data: make([]tensor.Float, 3)}
	gotStep := Tensor{Name: "step", Ints: make([]int64, 1)}
	if err := Load(f, nn.Params(got), gotMoment, gotStep); err != nil {
		t.Fatal(err)
	}
	for i, p := range nn.Params(got) {
		if diff := cmp.Diff(nn.Params(want)[i].Tensor.Data, p.Tensor.Data); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.Name(), diff)
		}
	}
	if diff := cmp.Diff([]Tensor{moment, step}, []Tensor{gotMoment, gotStep}); diff != "" {
		t.Errorf("extra tensors (-want +got):\n%s", diff)
	}
}

// TestMapTakesTheFilesElements, but for parameters that are stored in parts.
func TestMapTakesTheFilesElements(t *testing.T) {
	if unsafe.Sizeof(tensor.Float(0)) != 4 {
		t.Skip("elements are float64")
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	want := nn.Params(newModel(1))
	if err := Save(path, want, nil); err != nil {
		t.Fatal(err)
	}
	f := mustOpen(t, path)
	got := nn.Params(newModel(-100))
	if err := Map(f, got); err != nil {
		t.Fatal(err)
	}
	views := 0
	for i, p := range got {
		if diff := cmp.Diff(want[i].Tensor.Data, p.Tensor.Data); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.Name(), diff)
		}
		if len(p.Names) > 1 {
			continue
		}
		shape, _ := f.Shape(p.Names[0])
		floats, err := f.Floats(p.Names[0], shape...)
		if err != nil {
			t.Fatal(err)
		}
		views++
		if &p.Tensor.Data[0] != &floats[0] {
			t.Errorf("%s is a copy", p.Name())
		}
	}
	if views == 0 {
		t.Error("no parameter is one tensor of the file")
	}
}

func TestStackedParametersAreStoredInParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	m := newModel(0)
	if err := Save(path, nn.Params(m), nil); err != nil {
		t.Fatal(err)
	}
	f := mustOpen(t, path)
	k, err := f.Floats("k.weight", 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.QKV.Weight.Data[8:16], k); diff != "" {
		t.Errorf("k.weight (-want +got):\n%s", diff)
	}
	v, err := f.Floats("v.bias", 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.QKV.Bias.Data[4:6], v); diff != "" {
		t.Errorf("v.bias (-want +got):\n%s", diff)
	}
}

func TestLoadRefusesAnotherModel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := Save(path, nn.Params(newModel(0)), nil); err != nil {
		t.Fatal(err)
	}
	f := mustOpen(t, path)
	type one struct {
		X *tensor.Tensor `param:"x"`
	}
	wide := newModel(7)
	wide.QKV.Bias = tensor.New(1, 12)
	for _, test := range []struct {
		name  string
		model any
		extra []Tensor
		want  []string
	}{
		{"other names", &one{tensor.New(2, 2)}, nil, []string{
			"lacks 1 tensors (x)", "unexpected 7 tensors (embedding, k.bias, k.weight, q.bias, q.weight, v.bias, v.weight)",
		}},
		{"other shape", wide, nil, []string{`"q.bias" has shape [2]; expected [4]`}},
		{"too little room", newModel(7), []Tensor{{Name: "x", Shape: []int{2}}}, []string{"lacks 1 tensors (x)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Load(f, nn.Params(test.model), test.extra...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(test.want, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q; want %q in it", err, want)
				}
			}
		})
	}
	if !slices.Equal(wide.Embedding.Data, newModel(7).Embedding.Data) {
		t.Error("a load that failed has changed a parameter")
	}
}

func TestLongListsAreCut(t *testing.T) {
	names := strings.Split("abcdefghijkl", "")
	if got, want := list(names), "12 tensors (a, b, c, d, e, f, g, h, i, j, ...)"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

func TestWriteIsDeterministicAndAligned(t *testing.T) {
	a := Tensor{Name: "a", Shape: []int{1, 3}, Data: []tensor.Float{1, 2, 3}}
	b := Tensor{Name: "b", Shape: []int{2}, Ints: []int64{-1, math.MaxInt64}}
	dir := t.TempDir()
	one, two := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	meta := map[string]string{"x": "1", "y": "2"}
	for path, tensors := range map[string][]Tensor{one: {a, b}, two: {b, a}} {
		if err := Write(path, tensors, meta); err != nil {
			t.Fatal(err)
		}
	}
	first, second := read(t, one), read(t, two)
	if !bytes.Equal(first, second) {
		t.Errorf("two orders of tensors give two files:\n%q\n%q", first, second)
	}
	f := mustOpen(t, one)
	if f.entries["b"].lo%8 != 0 || (len(first)-len(f.data))%8 != 0 {
		t.Error("integers are not aligned to 8 bytes")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWriteRefusesWhatIsNoFile(t *testing.T) {
	x := Tensor{Name: "x", Shape: []int{1}, Data: []tensor.Float{1}}
	path := filepath.Join(t.TempDir(), "f")
	for name, tensors := range map[string][]Tensor{
		"two of a name":    {x, x},
		"reserved name":    {{Name: metadataKey, Shape: []int{0}}},
		"too few elements": {{Name: "x", Shape: []int{2}, Data: x.Data}},
		"negative sizes":   {{Name: "x", Shape: []int{-1, -1}, Data: x.Data}},
		"both kinds":       {{Name: "x", Shape: []int{1}, Data: x.Data, Ints: []int64{1}}},
	} {
		if err := Write(path, tensors, nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v; want one that names %s", name, err, path)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file is there: %v", err)
	}
}

// TestFailedWriteLeavesTheOldFile fails at every stage of a write.
func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	occupied := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(occupied, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{occupied, filepath.Join(dir, "absent", "m")} {
		if err := Write(bad, nil, nil); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("error %v; want one that names %s", err, bad)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 {
		t.Errorf("the folder holds %v; want the old file and the folder", left)
	}
}

// failAfter is a full disk: it takes n bytes.
type failAfter struct{ n int }

func (w *failAfter) Write(p []byte) (int, error) {
	if len(p) > w.n {
		return w.n, syscall.ENOSPC
	}
	w.n -= len(p)
	return len(p), nil
}

func TestWriteReportsAFullDisk(t *testing.T) {
	x := []Tensor{{Name: "x", Shape: []int{1 << 18}, Data: make([]tensor.Float, 1<<18)}, {Name: "y", Shape: []int{1}, Ints: []int64{1}}}
	header, err := formatHeader(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	size := len(header) + 4<<18 + 8
	for n := range 50 {
		n = size - 1 - n*size/50
		if err := write(&failAfter{n}, header, x); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("room for %d bytes: error %v", n, err)
		}
	}
	if err := write(&failAfter{size}, header, x); err != nil {
		t.Errorf("room for all %d bytes: %v", size, err)
	}
}

// TestAgreesWithAnotherImplementation reads what nlpodyssey/safetensors
// writes, and the other way round.
func TestAgreesWithAnotherImplementation(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Float32(), 0, 20).Draw(t, "data")
		ints := rapid.SliceOfN(rapid.Int64(), 1, 5).Draw(t, "ints")
		name := rapid.StringN(0, 8, 32).Draw(t, "name")
		floats := make([]tensor.Float, len(data))
		for i, v := range data {
			floats[i] = tensor.Float(v)
		}
		path := filepath.Join(dir, "f")
		err := Write(path, []Tensor{
			{Name: name, Shape: []int{len(data)}, Data: floats},
			{Name: "i" + name, Shape: []int{len(ints), 1}, Ints: ints},
		}, map[string]string{name: name})
		if err != nil {
			t.Fatal(err)
		}
		ours, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		other, err := safetensors.Deserialize(ours)
		if err != nil {
			t.Fatalf("the other implementation cannot read it: %v", err)
		}
		views := map[string]safetensors.TensorView{}
		for _, n := range other.Names() {
			views[n], _ = other.Tensor(n)
		}
		theirs, err := safetensors.Serialize(views, map[string]string{name: name})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, theirs, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		got, err := f.Floats(name, len(data))
		if err != nil {
			t.Fatal(err)
		}
		gotInts, err := f.Ints("i"+name, len(ints), 1)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(floats, got) + cmp.Diff(ints, gotInts); diff != "" {
			t.Errorf("elements (-want +got):\n%s", diff)
		}
	})
}
