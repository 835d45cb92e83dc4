package transformer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Files of a Marian folder.
const (
	marianConfigFile     = "config.json"
	marianGenerationFile = "generation_config.json"
	marianWeightsFile    = "model.safetensors"
	marianVocabFile      = "vocab.json"
	marianTokenizerFile  = "tokenizer_config.json"
	marianSourceFile     = "source.spm"
	marianTargetFile     = "target.spm"
)

// Names of tensors in a Marian folder beyond those of the parameters.
const (
	embeddingName  = "model.shared.weight"
	logitsBiasName = "final_logits_bias"
)

// marianConfig is config.json: the fields that decide what a model computes
// (https://huggingface.co/docs/transformers/model_doc/marian).
type marianConfig struct {
	Architectures     []string `json:"architectures"`
	ModelType         string   `json:"model_type"`
	Activation        string   `json:"activation_function"`
	Vocab             int      `json:"vocab_size"`
	DecoderVocab      int      `json:"decoder_vocab_size"`
	Dim               int      `json:"d_model"`
	EncoderLayers     int      `json:"encoder_layers"`
	DecoderLayers     int      `json:"decoder_layers"`
	EncoderHeads      int      `json:"encoder_attention_heads"`
	DecoderHeads      int      `json:"decoder_attention_heads"`
	EncoderFFN        int      `json:"encoder_ffn_dim"`
	DecoderFFN        int      `json:"decoder_ffn_dim"`
	MaxLength         int      `json:"max_position_embeddings"`
	Dropout           float64  `json:"dropout"`
	AttentionDropout  float64  `json:"attention_dropout"`
	ActivationDropout float64  `json:"activation_dropout"`
	ScaleEmbedding    bool     `json:"scale_embedding"`
	ShareEmbeddings   bool     `json:"share_encoder_decoder_embeddings"`
	TieEmbeddings     bool     `json:"tie_word_embeddings"`
	StaticPositions   bool     `json:"static_position_embeddings"`
	NormBefore        bool     `json:"normalize_before"`
	NormEmbedding     bool     `json:"normalize_embedding"`
	FinalNorm         bool     `json:"add_final_layer_norm"`
	IsEncoderDecoder  bool     `json:"is_encoder_decoder"`
	TorchType         string   `json:"dtype"`
	marianSymbols
}

// marianSymbols are the ids that generation needs.
type marianSymbols struct {
	Start     int `json:"decoder_start_token_id"`
	Pad       int `json:"pad_token_id"`
	End       int `json:"eos_token_id"`
	ForcedEnd int `json:"forced_eos_token_id"`
}

// padBias is what an exported model adds to the logit of <pad>, so that it is
// never generated and takes no probability: its embedding is zero there.
const padBias = -100

// ExportMarian writes a model and its vocabulary as a folder that
// MarianMTModel and MarianTokenizer of Hugging Face's transformers load, and
// CTranslate2 converts. The model must be post-norm and start decoding from
// the vocabulary's <pad>.
//
// Ids differ in the folder: <pad> becomes the last, as in published Marian
// models, whose converters rely on it. Its embedding is zero and its logit
// constant; all other logits are those of m.
//
// The folder, new or an empty one, appears when all is in it.
func ExportMarian(dir string, m *Model, vocab *tokenizer.SentencePiece) error {
	if err := exportable(m, vocab); err != nil {
		return fmt.Errorf("transformer: export to %s: %w", dir, err)
	}
	ids, err := marianIDs(vocab, int(vocab.Special().Pad))
	if err != nil {
		return fmt.Errorf("transformer: export to %s: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o755); err != nil {
		return fmt.Errorf("transformer: export: %w", err)
	}
	if err := atomicfile.Folder(dir, func(tmp string) error { return writeMarian(tmp, m, vocab, ids) }); err != nil {
		return fmt.Errorf("transformer: export: %w", err)
	}
	return nil
}

// writeMarian writes the files of a Marian folder, with ids as in vocab.json.
func writeMarian(dir string, m *Model, vocab *tokenizer.SentencePiece, ids map[string]int) error {
	pad := int(vocab.Special().Pad)
	for _, name := range []string{marianSourceFile, marianTargetFile} {
		if err := vocab.Save(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	end := vocab.Token(vocab.Special().End)
	symbols := marianSymbols{Start: m.Vocab - 1, Pad: m.Vocab - 1, End: ids[end], ForcedEnd: ids[end]}
	for name, content := range map[string]any{
		marianConfigFile:     exportedConfig(m.Config, symbols),
		marianGenerationFile: generationConfig{symbols, m.MaxLength},
		marianVocabFile:      ids,
		marianTokenizerFile: tokenizerConfig{
			Class: "MarianTokenizer", MaxLength: m.MaxLength,
			Unknown: vocab.Token(vocab.Special().Unknown), End: end, Pad: vocab.Token(int32(pad)),
		},
	} {
		if err := writeJSON(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	metadata := map[string]string{"format": "pt"} // which transformers insists on
	return checkpoint.Write(filepath.Join(dir, marianWeightsFile), exportedTensors(m, pad), metadata)
}

// exportable says why a model cannot be a Marian folder.
func exportable(m *Model, vocab *tokenizer.SentencePiece) error {
	s := vocab.Special()
	switch {
	case m.PreNorm:
		return fmt.Errorf("the model normalises before its sub-layers (pre_norm); Marian models do so after them: train with pre_norm: false")
	case vocab.Len() != m.Vocab:
		return fmt.Errorf("the vocabulary has %d entries and the model %d; want equal numbers", vocab.Len(), m.Vocab)
	case s.Pad == tokenizer.None || s.End == tokenizer.None:
		return fmt.Errorf("the vocabulary lacks <pad> or </s>; Marian models need both")
	case m.Start != int(s.Pad):
		return fmt.Errorf("the decoder starts from id %d (start); want %d, <pad>, as in Marian models", m.Start, s.Pad)
	}
	return nil
}

// marianIDs returns the exported id of each entry: pad comes last, the others
// keep their order.
func marianIDs(vocab *tokenizer.SentencePiece, pad int) (map[string]int, error) {
	ids := make(map[string]int, vocab.Len())
	for id := range vocab.Len() {
		piece := vocab.Token(int32(id))
		if _, ok := ids[piece]; ok {
			return nil, fmt.Errorf("two entries of the vocabulary are %q; %s needs distinct ones", piece, marianVocabFile)
		}
		switch {
		case id == pad:
			ids[piece] = vocab.Len() - 1
		case id > pad:
			ids[piece] = id - 1
		default:
			ids[piece] = id
		}
	}
	return ids, nil
}

func exportedConfig(c Config, symbols marianSymbols) marianConfig {
	return marianConfig{
		Architectures: []string{"MarianMTModel"}, ModelType: "marian", Activation: string(c.activation()),
		Vocab: c.Vocab, DecoderVocab: c.Vocab, Dim: c.Dim,
		EncoderLayers: c.EncoderLayers, DecoderLayers: c.DecoderLayers,
		EncoderHeads: c.Heads, DecoderHeads: c.Heads, EncoderFFN: c.FFN, DecoderFFN: c.FFN,
		MaxLength: c.MaxLength,
		Dropout:   c.Dropout, AttentionDropout: c.AttentionDropout, ActivationDropout: c.ActivationDropout,
		ScaleEmbedding: true, ShareEmbeddings: true, TieEmbeddings: true, StaticPositions: true,
		IsEncoderDecoder: true, TorchType: "float32",
		marianSymbols: symbols,
	}
}

// generationConfig is generation_config.json.
type generationConfig struct {
	marianSymbols
	MaxLength int `json:"max_length"`
}

// tokenizerConfig is tokenizer_config.json.
type tokenizerConfig struct {
	Class     string `json:"tokenizer_class"`
	MaxLength int    `json:"model_max_length"`
	Separate  bool   `json:"separate_vocabs"`
	Unknown   string `json:"unk_token"`
	End       string `json:"eos_token"`
	Pad       string `json:"pad_token"`
}

// exportedTensors returns what model.safetensors holds: the parameters, their
// ids in exported order, and the bias of the logits. Positions are left out,
// and the embedding's other names: transformers makes them.
func exportedTensors(m *Model, pad int) []checkpoint.Tensor {
	d := m.Dim
	all := checkpoint.Tensors(nn.Params(m))
	i := slices.IndexFunc(all, func(t checkpoint.Tensor) bool { return t.Name == embeddingName })
	all[i].Data = slices.Concat(all[i].Data[:pad*d], all[i].Data[(pad+1)*d:], make([]tensor.Float, d))
	bias := make([]tensor.Float, m.Vocab)
	if m.logitsBias != nil {
		copy(bias, slices.Delete(slices.Clone(m.logitsBias.Data), pad, pad+1))
	}
	bias[m.Vocab-1] = padBias
	return append(all, checkpoint.Tensor{Name: logitsBiasName, Shape: []int{1, m.Vocab}, Data: bias})
}

func writeJSON(path string, content any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(content); err != nil {
		return fmt.Errorf("transformer: %s: %w", path, err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("transformer: %w", err)
	}
	return nil
}
