package bert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// canonical returns the name that Params has for a tensor of a folder: old checkpoints
// have gamma and beta for weight and bias of layer normalisation, and encoders alone do
// without the prefix of a network.
func canonical(name string, bare bool) string {
	if s, ok := strings.CutSuffix(name, ".gamma"); ok {
		name = s + ".weight"
	}
	if s, ok := strings.CutSuffix(name, ".beta"); ok {
		name = s + ".bias"
	}
	if bare {
		name = "bert." + name
	}
	return name
}

// Tensors that folders may have beside the parameters.
const (
	positionIDs  = "bert.embeddings.position_ids"   // 0, 1, 2, ...
	tiedWeight   = "cls.predictions.decoder.weight" // the embeddings of words
	tiedBias     = "cls.predictions.decoder.bias"   // cls.predictions.bias
	wordsName    = "bert.embeddings.word_embeddings.weight"
	wordBiasName = "cls.predictions.bias"
)

// renamed is the tensors of a folder by the names of Params, without those that say
// nothing new.
type renamed struct {
	checkpoint.Source
	original map[string]string
}

func rename(f checkpoint.Source) (renamed, error) {
	names := f.Names()
	bare := !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "bert.") })
	r := renamed{f, map[string]string{}}
	for _, name := range names {
		to := canonical(name, bare)
		if before, ok := r.original[to]; ok {
			return r, fmt.Errorf("bert: %s: tensors %q and %q are one and the same parameter", f.Path(), before, name)
		}
		r.original[to] = name
	}
	delete(r.original, positionIDs)
	return r, cmp.Or(r.dropTied(tiedWeight, wordsName), r.dropTied(tiedBias, wordBiasName))
}

// dropTied leaves out a tensor that is to be equal to another, its parameter; it becomes
// the parameter where that is missing.
func (r renamed) dropTied(name, parameter string) error {
	original, ok := r.original[name]
	if !ok {
		return nil
	}
	delete(r.original, name)
	shape, _ := r.Source.Shape(original)
	to, ok := r.original[parameter]
	if !ok {
		r.original[parameter] = original
		return nil
	}
	a, err := r.Source.Floats(original, shape...)
	if err != nil {
		return err
	}
	b, err := r.Source.Floats(to, shape...)
	if err != nil {
		return err
	}
	if !slices.Equal(a, b) {
		return fmt.Errorf("bert: %s: tensors %q and %q differ; only models that share them are supported", r.Path(), original, to)
	}
	return nil
}

// Names implements checkpoint.Source.
func (r renamed) Names() []string {
	var names []string
	for name := range r.original {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Shape implements checkpoint.Source.
func (r renamed) Shape(name string) ([]int, bool) {
	original, ok := r.original[name]
	if !ok {
		return nil, false
	}
	return r.Source.Shape(original)
}

// Floats implements checkpoint.Source.
func (r renamed) Floats(name string, shape ...int) ([]tensor.Float, error) {
	if original, ok := r.original[name]; ok {
		name = original
	}
	return r.Source.Floats(name, shape...)
}
