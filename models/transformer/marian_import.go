package transformer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/jsonerror"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Imported is what a Marian folder holds.
type Imported struct {
	Model *Model
	// Source and Target are the vocabularies of the two languages, with the
	// model's ids; nil when the folder holds no vocab.json.
	Source, Target tokenizer.Tokenizer
	Start, End     int32 // what decoding starts from, and the token that ends it
}

// ImportMarian reads a folder in the layout of Hugging Face's Marian models,
// such as [ExportMarian] or save_pretrained of transformers writes. A model
// that computes anything else than Model does is an error that names the file,
// the field and its value.
func ImportMarian(dir string) (*Imported, error) {
	c, err := readMarianConfig(filepath.Join(dir, marianConfigFile))
	if err != nil {
		return nil, err
	}
	f, err := checkpoint.Open(filepath.Join(dir, marianWeightsFile))
	if err != nil {
		return nil, err
	}
	m, err := importModel(f, c)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	in := &Imported{Model: m, Start: int32(c.Start), End: int32(c.End)}
	pieces, err := readPieces(filepath.Join(dir, marianVocabFile), m.Vocab)
	if errors.Is(err, fs.ErrNotExist) {
		return in, nil
	}
	if err != nil {
		return nil, err
	}
	special := tokenizer.Special{
		Unknown: int32(slices.Index(pieces, "<unk>")), Begin: tokenizer.None, End: in.End, Pad: int32(c.Pad),
	}
	if special.Unknown < 0 {
		return nil, fmt.Errorf("transformer: %s has no <unk>; want one", filepath.Join(dir, marianVocabFile))
	}
	if in.Source, err = newMarianVocabulary(filepath.Join(dir, marianSourceFile), pieces, special); err != nil {
		return nil, err
	}
	if in.Target, err = newMarianVocabulary(filepath.Join(dir, marianTargetFile), pieces, special); err != nil {
		return nil, err
	}
	return in, nil
}

// requiredFields are those of config.json that have no usual value.
var requiredFields = []string{
	"model_type", "activation_function", "vocab_size", "d_model", "encoder_layers", "decoder_layers",
	"encoder_attention_heads", "decoder_attention_heads", "encoder_ffn_dim", "decoder_ffn_dim",
	"max_position_embeddings", "scale_embedding", "decoder_start_token_id", "pad_token_id", "eos_token_id",
}

func readMarianConfig(path string) (*marianConfig, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("transformer: %w", err)
	}
	c, err := parseMarianConfig(text)
	if err != nil {
		return nil, fmt.Errorf("transformer: %s: %w", path, err)
	}
	return c, nil
}

func parseMarianConfig(text []byte) (*marianConfig, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, jsonerror.Plain(err)
	}
	for _, name := range requiredFields {
		if v, ok := fields[name]; !ok || string(v) == "null" {
			return nil, fmt.Errorf("there is no %s; want that of a Marian model", name)
		}
	}
	c := &marianConfig{ShareEmbeddings: true, TieEmbeddings: true, StaticPositions: true, IsEncoderDecoder: true}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, jsonerror.Plain(err)
	}
	if c.DecoderVocab == 0 {
		c.DecoderVocab = c.Vocab
	}
	return c, c.check()
}

// maxMarianLength bounds max_position_embeddings; published models have 512.
const maxMarianLength = 1 << 16

// marianActivations are the values of activation_function.
var marianActivations = map[string]Activation{"relu": ReLU, "swish": Swish, "silu": Swish}

// check says which field has a value that Model does not implement.
func (c *marianConfig) check() error {
	for _, f := range []struct {
		name      string
		got, want any
	}{
		{"model_type", c.ModelType, "marian"},
		{"decoder_vocab_size", c.DecoderVocab, c.Vocab},
		{"decoder_attention_heads", c.DecoderHeads, c.EncoderHeads},
		{"decoder_ffn_dim", c.DecoderFFN, c.EncoderFFN},
		{"scale_embedding", c.ScaleEmbedding, true},
		{"share_encoder_decoder_embeddings", c.ShareEmbeddings, true},
		{"tie_word_embeddings", c.TieEmbeddings, true},
		{"static_position_embeddings", c.StaticPositions, true},
		{"normalize_before", c.NormBefore, false},
		{"normalize_embedding", c.NormEmbedding, false},
		{"add_final_layer_norm", c.FinalNorm, false},
		{"is_encoder_decoder", c.IsEncoderDecoder, true},
	} {
		if f.got != f.want {
			return fmt.Errorf("%s is %v; only %v is supported", f.name, f.got, f.want)
		}
	}
	if _, ok := marianActivations[c.Activation]; !ok {
		return fmt.Errorf("activation_function is %s; only relu, swish and silu are supported", c.Activation)
	}
	if c.MaxLength < 2 || c.MaxLength > maxMarianLength {
		return fmt.Errorf("max_position_embeddings is %d; want 2, for a token and the end, to %d", c.MaxLength, maxMarianLength)
	}
	for name, id := range map[string]int{"decoder_start_token_id": c.Start, "pad_token_id": c.Pad, "eos_token_id": c.End} {
		if id < 0 || id >= c.Vocab {
			return fmt.Errorf("%s is %d; want an id below vocab_size, %d", name, id, c.Vocab)
		}
	}
	return c.model().Validate()
}

// model returns the configuration of the model.
func (c *marianConfig) model() Config {
	return Config{
		Vocab: c.Vocab, Dim: c.Dim, Heads: c.EncoderHeads, FFN: c.EncoderFFN,
		EncoderLayers: c.EncoderLayers, DecoderLayers: c.DecoderLayers, MaxLength: c.MaxLength, Start: -1, Activation: marianActivations[c.Activation],
		Dropout: c.Dropout, AttentionDropout: c.AttentionDropout, ActivationDropout: c.ActivationDropout,
	}
}

// importModel returns the model that f holds.
func importModel(f *checkpoint.File, c *marianConfig) (*Model, error) {
	if err := checkSizes(f, c); err != nil {
		return nil, err
	}
	m, err := New(c.model(), rand.New(rand.NewPCG(0, 0))) // weights that Load replaces
	if err != nil {
		return nil, err
	}
	var extra []checkpoint.Tensor
	for _, t := range m.derived() {
		if _, ok := f.Shape(t.Name); ok {
			t.Data = make([]tensor.Float, t.Shape[0]*t.Shape[1])
			extra = append(extra, t)
		}
	}
	if err := checkpoint.Load(f, nn.Params(m), extra...); err != nil {
		return nil, err
	}
	for i, want := range m.derived() {
		at := slices.IndexFunc(extra, func(t checkpoint.Tensor) bool { return t.Name == want.Name })
		if at < 0 {
			continue
		}
		if i == 0 {
			m.setLogitsBias(extra[at].Data)
		} else if !near(extra[at].Data, want.Data) {
			return nil, fmt.Errorf("transformer: %s: tensor %q is not what the model computes in its place", f.Path(), want.Name)
		}
	}
	if isZero(m.Embedding.Row(c.Start)) {
		m.Start = c.Start
	}
	all := nn.Params(m)
	if m.logitsBias != nil {
		all = append(all, nn.Param{Names: []string{m.derived()[0].Name}, Tensor: m.logitsBias})
	}
	return m, checkpoint.CheckFinite(f.Path(), all)
}

// checkSizes says where a configuration and a file differ, before memory is
// taken for what the configuration says.
func checkSizes(f *checkpoint.File, c *marianConfig) error {
	check := func(name string, want ...int) error {
		if got, ok := f.Shape(name); !ok || !slices.Equal(got, want) {
			return fmt.Errorf("transformer: %s: tensor %q has shape %v; %s says %v", f.Path(), name, got, marianConfigFile, want)
		}
		return nil
	}
	if err := check(embeddingName, c.Vocab, c.Dim); err != nil {
		return err
	}
	for side, layers := range map[string]int{"encoder": c.EncoderLayers, "decoder": c.DecoderLayers} {
		for i := range layers {
			name := fmt.Sprintf("model.%s.layers.%d.", side, i)
			err := cmp.Or(
				check(name+"self_attn.q_proj.weight", c.Dim, c.Dim),
				check(name+"fc1.weight", c.EncoderFFN, c.Dim))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// derived returns the tensors that a Marian folder may hold beside the
// parameters: the bias of the logits, then those that are equal to what the
// model has anyway.
func (m *Model) derived() []checkpoint.Tensor {
	all := []checkpoint.Tensor{{Name: logitsBiasName, Shape: []int{1, m.Vocab}}}
	for _, name := range []string{"lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"} {
		all = append(all, checkpoint.Tensor{Name: name, Shape: []int{m.Vocab, m.Dim}, Data: m.Embedding.Data})
	}
	for _, name := range []string{"model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"} {
		all = append(all, checkpoint.Tensor{Name: name, Shape: []int{m.MaxLength, m.Dim}, Data: m.positions.Data})
	}
	return all
}

// setLogitsBias makes the model add bias to its logits.
func (m *Model) setLogitsBias(bias []tensor.Float) {
	if isZero(bias) {
		return
	}
	m.logitsBias = tensor.New(1, len(bias))
	copy(m.logitsBias.Data, bias)
}

func isZero(x []tensor.Float) bool {
	return !slices.ContainsFunc(x, func(v tensor.Float) bool { return v != 0 })
}

// near says whether elements differ by rounding only.
func near(a, b []tensor.Float) bool {
	for i := range a {
		if !(math.Abs(float64(a[i]-b[i])) <= 1e-5) {
			return false
		}
	}
	return true
}
