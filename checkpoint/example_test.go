package checkpoint_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// layer is the smallest of models: its field tags are names in checkpoints.
type layer struct {
	Linear nn.Linear `param:"layer"`
}

func newLayer() *layer {
	return &layer{nn.Linear{Weight: tensor.New(2, 3), Bias: tensor.New(1, 2)}}
}

// A model is saved together with a step counter, and loaded into another.
func Example() {
	dir, err := os.MkdirTemp("", "checkpoint")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "model.safetensors")

	trained := newLayer()
	trained.Linear.Weight.Data[0] = 0.5
	step := checkpoint.Tensor{Name: "step", Ints: []int64{1000}}
	if err := checkpoint.Save(path, nn.Params(trained), nil, step); err != nil {
		log.Fatal(err)
	}

	f, err := checkpoint.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	loaded := newLayer()
	step.Ints = []int64{0}
	if err := checkpoint.Load(f, nn.Params(loaded), step); err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Names(), loaded.Linear.Weight.Data[0], step.Ints[0])
	// Output: [layer.bias layer.weight step] 0.5 1000
}
