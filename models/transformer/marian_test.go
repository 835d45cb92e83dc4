package transformer

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/internal/golden"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

var exportDir = flag.String("export", "", "folder for TestExportMarian to write to, for testdata/check_export.py")

// TestImportMarian reads a folder that transformers wrote.
func TestImportMarian(t *testing.T) {
	in, err := ImportMarian("testdata/marian")
	if err != nil {
		t.Fatal(err)
	}
	if in.Start != 36 || in.End != 3 || in.Model.Start != 36 || in.Source != nil {
		t.Errorf("start %d and %d, end %d, source %v; want 36, 3 and none", in.Start, in.Model.Start, in.End, in.Source)
	}
	b := goldenBatch(t, in.Start)
	p := Pass{Tape: tensor.NewInferenceTape()}
	logits := in.Model.Decode(p, in.Model.Encode(p, b.Source), b.Source.Segments, b.Input)
	golden.Check(t, "logits", logits.Data, golden.Floats(t, golden.Open(t, "testdata/marian-logits.safetensors"), "logits"))
}

func TestImportMarianRefusesWhatItDoesNotImplement(t *testing.T) {
	for _, c := range []struct {
		field string
		value any
		want  string
	}{
		{"model_type", "bart", "model_type is bart; only marian"},
		{"activation_function", "gelu", "activation_function is gelu; only relu"},
		{"decoder_vocab_size", 50, "decoder_vocab_size is 50; only 37"},
		{"decoder_attention_heads", 4, "decoder_attention_heads is 4; only 2"},
		{"decoder_ffn_dim", 8, "decoder_ffn_dim is 8; only 24"},
		{"scale_embedding", false, "scale_embedding is false; only true"},
		{"share_encoder_decoder_embeddings", false, "share_encoder_decoder_embeddings is false"},
		{"tie_word_embeddings", false, "tie_word_embeddings is false"},
		{"normalize_before", true, "normalize_before is true"},
		{"static_position_embeddings", false, "static_position_embeddings is false"},
		{"add_final_layer_norm", true, "add_final_layer_norm is true"},
		{"d_model", nil, "there is no d_model"},
		{"d_model", "wide", "d_model"},
		{"d_model", 1 << 40, "model.shared.weight"},
		{"encoder_layers", 1 << 40, "model.encoder.layers.2.self_attn.q_proj.weight"},
		{"decoder_layers", 1, "unexpected 26 tensors (model.decoder.layers.1."},
		{"max_position_embeddings", 1 << 40, "max_position_embeddings"},
		{"max_position_embeddings", 1, "max_position_embeddings is 1; want 2"},
		{"eos_token_id", 37, "eos_token_id is 37"},
		{"eos_token_id", []int{3}, "eos_token_id"},
		{"decoder_start_token_id", -1, "decoder_start_token_id is -1"},
		{"dropout", 2, "dropout"},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("testdata/marian")); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, marianConfigFile)
		changeJSON(t, path, c.field, c.value)
		if _, err := ImportMarian(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s = %v: error %v; want one that names the file and says %q", c.field, c.value, err, c.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s = %v: error %q; want one line", c.field, c.value, err)
		}
	}
}

// TestImportMarianRefusesWeightsThatAreNoNumbers, in the embedding and in the bias of logits.
func TestImportMarianRefusesWeightsThatAreNoNumbers(t *testing.T) {
	for _, name := range []string{"model.shared.weight", "final_logits_bias"} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("testdata/marian")); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, checkpoint.WeightsFile)
		f := golden.Open(t, path)
		var tensors []checkpoint.Tensor
		for _, n := range f.Names() {
			shape, _ := f.Shape(n)
			data := slices.Clone(golden.Floats(t, f, n))
			if n == name {
				data[len(data)-1] = tensor.Float(math.NaN())
			}
			tensors = append(tensors, checkpoint.Tensor{Name: n, Shape: shape, Data: data})
		}
		if err := os.Remove(path); err != nil { // f is mapped
			t.Fatal(err)
		}
		if err := checkpoint.Write(path, tensors, f.Metadata()); err != nil {
			t.Fatal(err)
		}
		if _, err := ImportMarian(dir); err == nil || !strings.Contains(err.Error(), "of "+name+" is NaN") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// changeJSON gives a field of an object in a file another value.
func changeJSON(t *testing.T, path, field string, value any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	object[field] = value
	if err := writeJSON(path, object); err != nil {
		t.Fatal(err)
	}
}

var exportTexts = []string{"the cat saw a dog", "a dog saw the small cat", "cats", "the small dog ran"}

// exported returns a model and the vocabulary that belongs to it. The model
// has almost learned to repeat its input.
func exported(t *testing.T) (*Model, *tokenizer.SentencePiece) {
	t.Helper()
	opt := tokenizer.DefaultTrainOptions()
	opt.VocabSize, opt.CharacterCoverage = 25, 1
	opt.Special = tokenizer.Special{Pad: 0, Unknown: 1, Begin: 2, End: 3}
	vocab, err := tokenizer.Train(slices.Values(exportTexts), opt)
	if err != nil {
		t.Fatal(err)
	}
	c := smallConfig
	c.Vocab = vocab.Len()
	m := newModel(t, c)
	var sentences [][]int32
	for _, text := range exportTexts {
		sentences = append(sentences, append(vocab.Encode(text), opt.Special.End))
	}
	b := newBatch(sentences, sentences, opt.Special.Pad)
	adam, tape := optim.NewAdam(nn.Params(m), 0.9, 0.98, 1e-9, 0), tensor.NewTape()
	for range 100 {
		tape.Reset()
		adam.ZeroGrad()
		loss, _ := m.Loss(Pass{Tape: tape}, b, tensor.CrossEntropy{Smoothing: 0.1, Scale: 1 / float64(len(b.Output))})
		tape.Backward(loss)
		adam.Step(5e-3, 1)
	}
	return m, vocab
}

// exportCheck is what testdata/check_export.py compares with: ids are those
// of the folder.
type exportCheck struct {
	Texts  []string         `json:"texts"`
	Source [][]int32        `json:"source"`
	Input  [][]int32        `json:"input"`
	Logits [][]tensor.Float `json:"logits"`
	Greedy [][]int32        `json:"greedy"`
}

// TestExportMarian exports a model and imports it again. With -export it
// leaves the folder, and what the model computes, for testdata/check_export.py.
func TestExportMarian(t *testing.T) {
	dir := t.TempDir()
	if *exportDir != "" {
		dir = *exportDir
	}
	m, vocab := exported(t)
	if err := ExportMarian(dir, m, vocab); err != nil {
		t.Fatal(err)
	}
	in, err := ImportMarian(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := computeCheck(t, m, vocab, 0, 3, func(id int32) int32 {
		to, _ := in.Target.ID(vocab.Token(id))
		return to
	})
	got := computeCheck(t, in.Model, in.Source, in.Start, in.End, func(id int32) int32 { return id })
	golden.Check(t, "logits", slices.Concat(got.Logits...), slices.Concat(want.Logits...))
	got.Logits = want.Logits
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the imported model (-want +got):\n%s", diff)
	}
	for i, text := range exportTexts {
		if decoded := in.Target.Decode(want.Source[i]); decoded != text {
			t.Errorf("decoded %q; want %q", decoded, text)
		}
	}
	if *exportDir != "" {
		if err := writeJSON(filepath.Join(dir, "check.json"), want); err != nil {
			t.Fatal(err)
		}
	}
}

// computeCheck runs a model on texts; rename makes ids those of the folder.
func computeCheck(t *testing.T, m *Model, vocab tokenizer.Tokenizer, start, end int32, rename func(id int32) int32) exportCheck {
	t.Helper()
	c := exportCheck{Texts: exportTexts}
	var sources, inputs [][]int32
	for _, text := range exportTexts {
		ids := append(vocab.Encode(text), end)
		sources = append(sources, ids)
		inputs = append(inputs, append([]int32{start}, ids[:len(ids)-1]...))
	}
	logits := forward(m, sources, inputs)
	for r := range logits.Rows() {
		row := make([]tensor.Float, m.Vocab)
		for id := range row {
			row[rename(int32(id))] = logits.Row(r)[id]
		}
		c.Logits = append(c.Logits, row[:m.Vocab-1]) // all but <pad>
	}
	d := m.NewDecoder(nn.NewSequences(sources...))
	results, err := decode.Run(d, decode.Limits(len(sources), 12), decode.Options{
		Begin: start, End: end, Beam: 1, NBest: 1, Banned: []int32{start}, Penalty: decode.LengthPenalty{Name: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range sources {
		c.Source = append(c.Source, renameAll(sources[i], rename))
		c.Input = append(c.Input, renameAll(inputs[i], rename))
		c.Greedy = append(c.Greedy, renameAll(results[i][0].Tokens, rename))
	}
	return c
}

func renameAll(ids []int32, rename func(id int32) int32) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = rename(id)
	}
	return out
}

func TestExportMarianRefusesOtherModels(t *testing.T) {
	for want, change := range map[string]func(m *Model){
		"pre_norm":                        func(m *Model) { m.PreNorm = true },
		"has 25 entries and the model 26": func(m *Model) { m.Vocab++ },
		"starts from id 2 (start)":        func(m *Model) { m.Start = 2 },
	} {
		m, vocab := exported(t)
		change(m)
		dir := filepath.Join(t.TempDir(), "out")
		if err := ExportMarian(dir, m, vocab); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one that says %q", err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("a folder was made")
		}
	}
}

// TestExportsThatFailLeaveNothing exports what JSON cannot say.
func TestExportsThatFailLeaveNothing(t *testing.T) {
	m, vocab := exported(t)
	m.Dropout = math.NaN()
	parent := t.TempDir()
	if err := ExportMarian(filepath.Join(parent, "out"), m, vocab); err == nil {
		t.Error("no error for a dropout of NaN")
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("%v was left behind, %v", left, err)
	}
}

func TestReadPiecesRefusesWrongIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), marianVocabFile)
	for _, text := range []string{``, `[]`, `{"a":0}`, `{"a":0,"b":0}`, `{"a":0,"b":2}`, `{"a":-1,"b":0}`, `{"a":0.5,"b":1}`} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readPieces(path, 2); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v; want one that names the file", text, err)
		}
	}
}
