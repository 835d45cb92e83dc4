package bert

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/cpu"
	"github.com/kotoba-nlp/kotoba/internal/golden"
	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// weightsVariable names the folder that testdata/fetch_weights.sh has filled.
const weightsVariable = "KOTOBA_WEIGHTS"

// openWeights opens a folder of published weights.
func openWeights(t testing.TB, name string) *Folder {
	t.Helper()
	dir := os.Getenv(weightsVariable)
	if dir == "" {
		t.Skipf("%s is not set; fill a folder with models/bert/testdata/fetch_weights.sh and name it there", weightsVariable)
	}
	f, err := Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestPublishedWeightsAgreeWithTransformers compares hidden states of all-MiniLM-L6-v2, and
// the logits of masked words of a BERT-tiny with old names, on 200 texts.
func TestPublishedWeightsAgreeWithTransformers(t *testing.T) {
	want := golden.Open(t, "testdata/real.safetensors")
	for _, name := range []string{"minilm", "tiny"} {
		t.Run(name, func(t *testing.T) {
			n := openWeights(t, name).Network
			n.Pack()
			first, picked, summed := golden.Floats(t, want, name+".first"), golden.Floats(t, want, name+".picked"), golden.Floats(t, want, name+".summed")
			row, worst := 0, 0.0
			sines := make([]float64, n.Encoder.Vocab)
			for i := range sines {
				sines[i] = math.Sin(float64(i + 1))
			}
			check := func(at string, got, want tensor.Float) {
				d := math.Abs(float64(got - want))
				worst = max(worst, d)
				if !(d <= 1e-4) {
					t.Fatalf("%s: %v; want %v", at, got, want)
				}
			}
			batches := realBatches(t, want)
			if kernel.Path() == cpu.Generic {
				batches, picked = batches[:1], picked[:2*len(batches[0].IDs)] // it would take minutes
			}
			for _, b := range batches {
				p := Pass{Tape: tensor.NewInferenceTape()}
				y := n.Encoder.Encode(p, b)
				if n.Predictions != nil {
					y = n.Words(p, y, everyRow(y.Rows()))
				}
				for r := range y.Rows() {
					if row == 0 {
						for i, w := range first {
							check("first token", y.Row(0)[i], w)
						}
					}
					for k := range 2 {
						i := (7919*row + 104729*k) % y.Cols()
						check("token", y.Row(r)[i], picked[2*row+k])
					}
					// Differences of 1e-4 with a sign of their own each add to this.
					got := 0.0
					for i, x := range y.Row(r) {
						got += float64(x) * sines[i]
					}
					if d := math.Abs(got - float64(summed[row])); !(d <= 1e-4*math.Sqrt(float64(y.Cols())/2)) {
						t.Fatalf("token %d: the sum of all elements is %v; want %v", row, got, summed[row])
					}
					row++
				}
			}
			if 2*row != len(picked) {
				t.Errorf("%d tokens; want %d", row, len(picked)/2)
			}
			t.Logf("%d tokens, largest difference %.2g", row, worst)
		})
	}
}

// realBatches returns the texts of the reference, 20 a batch.
func realBatches(t *testing.T, f *checkpoint.File) (all []Batch) {
	t.Helper()
	ints := func(name string) []int64 {
		shape, _ := f.Shape(name)
		x, err := f.Ints(name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	ids := ints("ids")
	var b Batch
	b.Clear()
	for i, n := range ints("lengths") {
		for _, id := range ids[:n] {
			b.Append(0, int32(id))
		}
		b.End()
		ids = ids[n:]
		if i%20 == 19 {
			all = append(all, b)
			b = Batch{}
			b.Clear()
		}
	}
	return all
}

func everyRow(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}
