package bert

import (
	"fmt"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// Config is the shape of a model and its regularisation: config.json of a Hugging Face
// folder.
type Config struct {
	Vocab            int     `json:"vocab_size" yaml:"vocab" doc:"entries of the vocabulary; 0: what the tokenizer has"`
	Dim              int     `json:"hidden_size" yaml:"dim" doc:"H"`
	Layers           int     `json:"num_hidden_layers" yaml:"layers" doc:"L"`
	Heads            int     `json:"num_attention_heads" yaml:"heads" doc:"A"`
	FFN              int     `json:"intermediate_size" yaml:"ffn" doc:"of the feed-forward network's inner layer, 4H in the paper"`
	MaxLength        int     `json:"max_position_embeddings" yaml:"max_length" doc:"longest sequence, in tokens"`
	Types            int     `json:"type_vocab_size" yaml:"types" doc:"kinds of segments: sentence A and sentence B"`
	Activation       string  `json:"hidden_act" yaml:"activation" doc:"gelu, gelu_new (its approximation by tanh), gelu_pytorch_tanh (the same) or relu"`
	Epsilon          float64 `json:"layer_norm_eps" yaml:"epsilon" doc:"what layer normalisation adds to the variance"`
	Init             float64 `json:"initializer_range" yaml:"init" doc:"standard deviation of initial weights"`
	Dropout          float64 `json:"hidden_dropout_prob" yaml:"dropout" doc:"of sub-layer results and of embeddings"`
	AttentionDropout float64 `json:"attention_probs_dropout_prob" yaml:"attention_dropout" doc:"of attention weights"`
}

// activations are the values of hidden_act.
var activations = map[string]tensor.Activation{
	"gelu": tensor.GELU, "gelu_new": tensor.GELUTanh, "gelu_pytorch_tanh": tensor.GELUTanh, "relu": tensor.ReLU,
}

// maxElements bounds each size of a model, and so what a hostile config.json makes it
// take.
const maxElements = 1 << 24

// shortest is how many tokens every model must take: [CLS], one and [SEP].
const shortest = 3

// Weights returns how many weights an encoder surely has, without making it: the
// embeddings of words and positions, and the matrices of its layers.
func (c Config) Weights() float64 {
	d := float64(c.Dim)
	return float64(c.Vocab+c.MaxLength)*d + float64(c.Layers)*(4*d*d+2*d*float64(c.FFN))
}

// Validate says what of a configuration cannot be.
func (c Config) Validate() error {
	if err := c.check(); err != nil {
		return fmt.Errorf("bert: %w", err)
	}
	return nil
}

func (c Config) check() error {
	for _, f := range []struct {
		name         string
		value, least int
	}{
		{"vocab_size", c.Vocab, 1},
		{"hidden_size", c.Dim, 1},
		{"num_hidden_layers", c.Layers, 1},
		{"num_attention_heads", c.Heads, 1},
		{"intermediate_size", c.FFN, 1},
		{"max_position_embeddings", c.MaxLength, shortest},
		{"type_vocab_size", c.Types, 1},
	} {
		if f.value < f.least || f.value > maxElements {
			return fmt.Errorf("%s is %d; want %d to %d", f.name, f.value, f.least, maxElements)
		}
	}
	if c.Dim%c.Heads != 0 {
		return fmt.Errorf("hidden_size is %d; want a multiple of the %d num_attention_heads", c.Dim, c.Heads)
	}
	if _, ok := activations[c.Activation]; !ok {
		return fmt.Errorf("hidden_act is %.40q; want gelu, gelu_new, gelu_pytorch_tanh or relu", c.Activation)
	}
	for _, rate := range []float64{c.Dropout, c.AttentionDropout} {
		if !(rate >= 0 && rate < 1) { // or NaN
			return fmt.Errorf("a dropout rate is %v; want at least 0 and less than 1", rate)
		}
	}
	if !(c.Epsilon > 0) || !(c.Init > 0) {
		return fmt.Errorf("layer_norm_eps is %v and initializer_range %v; want more than 0", c.Epsilon, c.Init)
	}
	return nil
}
