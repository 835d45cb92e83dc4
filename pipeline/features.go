package pipeline

import (
	"fmt"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// TokenFeatures are the vectors of one token, as extract_features of the authors' code
// writes them.
type TokenFeatures struct {
	Token  string          `json:"token"`
	Layers []LayerFeatures `json:"layers"`
}

// LayerFeatures is the vector of one layer.
type LayerFeatures struct {
	Index  int            `json:"index"` // as it was asked for
	Values []tensor.Float `json:"values"`
}

// Features returns the vectors of all tokens of each input at some layers: 1 to L, or from
// the end, -1 being the last; 0 are the embeddings.
func (e *Encoder) Features(inputs []Input, layers []int) ([][]TokenFeatures, error) {
	last := len(e.Network.Encoder.Layers)
	at := map[int][]int{} // of layers, where in the result they go
	for i, l := range layers {
		number := l
		if l < 0 {
			number = last + 1 + l
		}
		if number < 0 || number > last {
			return nil, fmt.Errorf("pipeline: there is no layer %d; want 0, the embeddings, to %d, or -1 to %d from the end", l, last, -last-1)
		}
		at[number] = append(at[number], i)
	}
	results := make([][]TokenFeatures, len(inputs))
	for i, in := range inputs {
		for _, id := range in.IDs {
			results[i] = append(results[i], TokenFeatures{e.Tokenizer.Token(id), make([]LayerFeatures, len(layers))})
		}
	}
	var kept [][]tensor.Float // of the batch, by place in layers
	keep := func(layer int, x *tensor.Tensor) {
		for _, i := range at[layer] {
			kept[i] = append(kept[i][:0], x.Data...)
		}
	}
	kept = make([][]tensor.Float, len(layers))
	err := e.Encode(inputs, keep, func(_ bert.Pass, x *tensor.Tensor, s tensor.Segments, which []int) error {
		d := x.Cols()
		if err := checkNumbers(x.Data); err != nil {
			return err
		}
		for k, input := range which {
			for r := s[k]; r < s[k+1]; r++ {
				for i, l := range layers {
					values := append([]tensor.Float(nil), kept[i][r*d:(r+1)*d]...)
					results[input][r-s[k]].Layers[i] = LayerFeatures{l, values}
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}
