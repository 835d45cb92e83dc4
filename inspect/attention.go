// Package inspect makes what a model does visible: attention weights as a web
// page and as heat maps, position encodings, training curves, and how well
// attention agrees with gold word alignments.
package inspect

import "fmt"

// Kind is one of the three kinds of attention of a Transformer.
type Kind int

// The kinds of attention.
const (
	EncoderSelf    Kind = iota // source tokens attend to source tokens
	DecoderSelf                // target tokens attend to target tokens before
	EncoderDecoder             // target tokens attend to source tokens
)

// String returns the name for people.
func (k Kind) String() string {
	return [...]string{"Encoder", "Decoder", "Encoder–decoder"}[k]
}

// Weights are attention weights in the order [layer][head][query][key]. Each is
// the share in [0, 1] of its attention that a query gives to a key.
type Weights [][][][]float32

// Attention is the attention of a model on one sentence or sentence pair.
type Attention struct {
	// Source and Target are the tokens at the positions of the encoder and of
	// the decoder. A model without one of the two has no tokens for it.
	Source, Target []string
	// Ended says that the last of them are end symbols.
	Ended bool
	// Input are the tokens that the decoder reads to put out those of Target:
	// the same, one place later. Nil stands for Target itself.
	Input []string
	// Encoder, Decoder and Cross are the weights of the three kinds, each nil
	// where the model has none.
	Encoder, Decoder, Cross Weights
}

// tokens returns the queries and the keys of a kind of attention.
func (a Attention) tokens(k Kind) (queries, keys []string) {
	switch k {
	case EncoderSelf:
		return a.Source, a.Source
	case DecoderSelf:
		if a.Input != nil {
			return a.Target, a.Input
		}
		return a.Target, a.Target
	}
	return a.Target, a.Source
}

// weights returns the weights of a kind of attention.
func (a Attention) weights(k Kind) Weights {
	return [...]Weights{a.Encoder, a.Decoder, a.Cross}[k]
}

// check says what is wrong with the shape of the weights.
func (a Attention) check() error {
	empty := true
	for _, k := range []Kind{EncoderSelf, DecoderSelf, EncoderDecoder} {
		w := a.weights(k)
		if len(w) == 0 {
			continue
		}
		empty = false
		queries, keys := a.tokens(k)
		if err := w.check(len(queries), len(keys)); err != nil {
			return fmt.Errorf("inspect: %s attention: %w", k, err)
		}
	}
	if empty {
		return fmt.Errorf("inspect: attention has no weights of any kind")
	}
	return nil
}

func (w Weights) check(queries, keys int) error {
	if queries == 0 || keys == 0 {
		return fmt.Errorf("weights for %d query and %d key tokens, want at least 1 of each", queries, keys)
	}
	for l, layer := range w {
		if len(layer) != len(w[0]) || len(layer) == 0 {
			return fmt.Errorf("layer %d has %d heads, want %d as layer 0 and at least 1", l, len(layer), len(w[0]))
		}
		for h, head := range layer {
			if len(head) != queries {
				return fmt.Errorf("layer %d, head %d has %d queries, want %d as there are tokens", l, h, len(head), queries)
			}
			for q, row := range head {
				if len(row) != keys {
					return fmt.Errorf("layer %d, head %d, query %d has %d keys, want %d as there are tokens",
						l, h, q, len(row), keys)
				}
			}
		}
	}
	return nil
}
