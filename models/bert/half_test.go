package bert

import (
	"path/filepath"
	"testing"

	"github.com/kotoba-nlp/kotoba/internal/golden"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// TestWeightsOfTwoBytesAgreeWithTransformers opens folders of half precision and of
// bfloat16.
func TestWeightsOfTwoBytesAgreeWithTransformers(t *testing.T) {
	for _, kind := range []string{"float16", "bfloat16"} {
		dir := filepath.Join("testdata", kind)
		f, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		hidden := f.Network.Encoder.Encode(Pass{Tape: tensor.NewInferenceTape()}, readBatch(t).Batch)
		want := golden.Floats(t, golden.Open(t, filepath.Join(dir, "hidden.safetensors")), "hidden")
		golden.Check(t, "hidden states of "+kind, hidden.Data, want)
	}
}
