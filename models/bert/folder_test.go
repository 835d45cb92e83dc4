package bert

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

func newRandom() *rand.Rand { return rand.New(rand.NewPCG(3, 4)) }

func newPretraining(t testing.TB) *Network {
	t.Helper()
	n, err := NewPretraining(smallConfig, newRandom())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// networks are one of each kind of network.
func networks(t testing.TB) map[string]*Folder {
	t.Helper()
	n := newPretraining(t)
	words := &Network{Encoder: newPretraining(t).Encoder, Predictions: n.Predictions}
	words.Encoder.Pooler = nil
	tokens := NewClassifier(newPretraining(t).Encoder, 5, newRandom())
	tokens.Encoder.Pooler = nil
	answers := NewAnswerer(newPretraining(t).Encoder, newRandom())
	answers.Encoder.Pooler = nil
	threshold := -1.25
	return map[string]*Folder{
		"BertForPreTraining":            {Network: n},
		"BertForMaskedLM":               {Network: words},
		"BertForSequenceClassification": {Network: NewClassifier(n.Encoder, 3, newRandom()), Labels: []string{"no", "yes", "maybe"}},
		"BertForTokenClassification":    {Network: tokens, Labels: []string{"a", "b", "c", "d", "e"}},
		"BertForQuestionAnswering":      {Network: answers, NullThreshold: &threshold},
		"BertModel":                     {Network: &Network{Encoder: n.Encoder}},
	}
}

func TestSaveThenOpen(t *testing.T) {
	for kind, want := range networks(t) {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			if err := want.Save(dir); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, configFile))
			if err != nil || !strings.Contains(string(text), `"`+kind+`"`) {
				t.Errorf("%s, %v; want %s in it", text, err, kind)
			}
			got, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Labels, want.Labels) || got.Problem != want.Problem || !cmp.Equal(got.NullThreshold, want.NullThreshold) {
				t.Errorf("labels %v, problem %q, threshold %v; want %v, %q, %v", got.Labels, got.Problem, got.NullThreshold, want.Labels, want.Problem, want.NullThreshold)
			}
			checkSame(t, got.Network, want.Network)
			mapped, err := Map(dir)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, mapped.Network, want.Network)
			if err := mapped.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func checkSame(t *testing.T, got, want *Network) {
	t.Helper()
	a, b := nn.Params(want), nn.Params(got)
	if len(a) != len(b) {
		t.Fatalf("%d parameters; want %d", len(b), len(a))
	}
	for i := range a {
		if a[i].Name() != b[i].Name() || !same(a[i].Tensor.Data, b[i].Tensor.Data) {
			t.Errorf("%s is not %s, or differs", b[i].Name(), a[i].Name())
		}
	}
}

// TestFoldersSayWhatTheirNumbersAre: without id2label, transformers takes a classifier for
// one of two labels, and without problem_type a number for a logit.
func TestFoldersSayWhatTheirNumbersAre(t *testing.T) {
	dir := t.TempDir()
	f := &Folder{Network: NewClassifier(newPretraining(t).Encoder, 1, newRandom()), Problem: Regression}
	if err := f.Save(dir); err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(filepath.Join(dir, configFile))
	if err != nil || len(c.Labels) != 1 || c.Labels["0"] != "LABEL_0" || c.Problem != "regression" {
		t.Errorf("%+v, %v; want one label and a regression", c, err)
	}
	if got, err := Open(dir); err != nil || got.Labels != nil {
		t.Errorf("labels %q of a number, %v; want none", got.Labels, err)
	}
	for _, labels := range [][]string{{"toxic"}, nil} {
		n := max(len(labels), 3*(1-len(labels)))
		f := &Folder{Network: NewClassifier(newPretraining(t).Encoder, n, newRandom()), Labels: labels}
		if err := f.Save(dir); err != nil {
			t.Fatal(err)
		}
		if labels == nil {
			labels = []string{"LABEL_0", "LABEL_1", "LABEL_2"}
		}
		if got, err := Open(dir); err != nil || !slices.Equal(got.Labels, labels) {
			t.Errorf("labels %q, %v; want %q", got.Labels, err, labels)
		}
	}
}

// TestOldLabellersHaveAPooler opens a classifier of words as old versions of transformers
// wrote it.
func TestOldLabellersHaveAPooler(t *testing.T) {
	dir := t.TempDir()
	f := &Folder{Network: NewClassifier(newPretraining(t).Encoder, 5, newRandom())}
	if err := f.Save(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, configFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "BertForSequenceClassification", tokenClassification, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err = Open(dir); err != nil || f.Network.Encoder.Pooler != nil {
		t.Errorf("%v, a pooler %v; want none", err, f.Network.Encoder.Pooler != nil)
	}
}

func TestWeightsThatAreNoNumbersAreRefused(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(-1)} {
		dir := t.TempDir()
		n := newPretraining(t)
		n.Encoder.Layers[1].Inner.Weight.Data[5] = tensor.Float(bad)
		if err := (&Folder{Network: n}).Save(dir); err != nil {
			t.Fatal(err)
		}
		for name, open := range map[string]func(string) (*Folder, error){"Open": Open, "Map": Map} {
			if _, err := open(dir); err == nil || !strings.Contains(err.Error(), "element 5 of bert.encoder.layer.1.intermediate.dense.weight is") {
				t.Errorf("%s of weights with %v: error %v", name, bad, err)
			}
		}
	}
}

func TestVocabulariesAreThoseOfTheWeights(t *testing.T) {
	f := &Folder{Network: newPretraining(t)}
	rows := smallConfig.Vocab
	for _, x := range []struct {
		rows, entries int
		ok            bool
	}{
		{rows, rows, true},
		{rows, rows + 1, false},
		{30522, 30522, true},
		{30522, 30521, true},
		{30522, 30520, false}, // of two
		{30528, 30522, true},
		{30528, 30464, false}, // of 64
		{1 << 15, 1<<15 - 1023, true},
		{1 << 15, 1<<15 - 1024, false},
	} {
		f.Network.Encoder.Vocab = x.rows
		if err := f.CheckVocabulary(x.entries); (err == nil) != x.ok {
			t.Errorf("%d entries for %d rows: %v", x.entries, x.rows, err)
		}
	}
}

// same says whether elements are equal in single precision, which files have.
func same(a, b []tensor.Float) bool {
	return slices.EqualFunc(a, b, func(x, y tensor.Float) bool { return float32(x) == float32(y) })
}

// TestMatricesOfOneRowAreNoVectors stores a model that predicts a number and knows one type
// of segment.
func TestMatricesOfOneRowAreNoVectors(t *testing.T) {
	c := smallConfig
	c.Types = 1
	m, err := New(c, newRandom())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := (&Folder{Network: NewClassifier(m, 1, newRandom())}).Save(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err != nil {
		t.Error(err)
	}
}

// TestOldNamesAreRead opens a folder as old versions of transformers wrote it: gamma and
// beta, positions, and the output matrix beside the embeddings that it is tied to; and in
// two files.
func TestOldNamesAreRead(t *testing.T) {
	n := newPretraining(t)
	dir := t.TempDir()
	if err := (&Folder{Network: n}).Save(dir); err != nil {
		t.Fatal(err)
	}
	all := checkpoint.Tensors(nn.Params(n))
	for i, x := range all {
		if strings.Contains(x.Name, "LayerNorm") {
			all[i].Name = strings.NewReplacer(".weight", ".gamma", ".bias", ".beta").Replace(x.Name)
		}
	}
	positions := make([]int64, smallConfig.MaxLength)
	all = append(all,
		checkpoint.Tensor{Name: positionIDs, Shape: []int{1, len(positions)}, Ints: positions},
		checkpoint.Tensor{Name: tiedWeight, Shape: []int{smallConfig.Vocab, smallConfig.Dim}, Data: n.Encoder.Embeddings.Words.Data},
		checkpoint.Tensor{Name: tiedBias, Shape: []int{smallConfig.Vocab}, Data: n.Predictions.Bias.Data})
	writeShards(t, dir, all)
	got, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range nn.Params(got.Network) {
		if want := nn.Params(n)[i]; !same(p.Tensor.Data, want.Tensor.Data) {
			t.Errorf("%s differs", p.Name())
		}
	}
	// A tied matrix that is another one is not dropped in silence.
	other := slices.Clone(n.Encoder.Embeddings.Words.Data)
	other[0]++
	all[len(all)-2].Data = other
	writeShards(t, dir, all)
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), tiedWeight) {
		t.Errorf("error %v for an output matrix of its own", err)
	}
	// A file of all weights comes before an index, so that what is saved is what is opened.
	if err := (&Folder{Network: n}).Save(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err != nil {
		t.Errorf("%v after saving beside an index", err)
	}
}

// indexed returns what puts the weights of a folder in a file of another name, with an index.
func indexed(index string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Rename(filepath.Join(dir, checkpoint.WeightsFile), filepath.Join(dir, "part.safetensors")); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "model.safetensors.index.json"), index)
	}
}

// writeShards puts tensors in two files with an index.
func writeShards(t *testing.T, dir string, all []checkpoint.Tensor) {
	t.Helper()
	_ = os.Remove(filepath.Join(dir, checkpoint.WeightsFile))
	var entries []string
	for i, part := range [][]checkpoint.Tensor{all[:7], all[7:]} {
		name := []string{"a.safetensors", "b.safetensors"}[i]
		if err := checkpoint.Write(filepath.Join(dir, name), part, nil); err != nil {
			t.Fatal(err)
		}
		for _, x := range part {
			entries = append(entries, `"`+x.Name+`": "`+name+`"`)
		}
	}
	write(t, filepath.Join(dir, "model.safetensors.index.json"), `{"metadata": {}, "weight_map": {`+strings.Join(entries, ", ")+"}}")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFoldersThatCannotBe(t *testing.T) {
	good := newPretraining(t)
	for name, test := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string
	}{
		"no folder":               {func(t *testing.T, dir string) { _ = os.RemoveAll(dir) }, "config.json"},
		"no weights":              {func(t *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, checkpoint.WeightsFile)) }, checkpoint.WeightsFile},
		"not JSON":                {func(t *testing.T, dir string) { write(t, filepath.Join(dir, configFile), "{") }, "config.json"},
		"another model":           {replace(`"model_type": "bert"`, `"model_type": "gpt2"`), `model_type is "gpt2"`},
		"relative positions":      {replace(`"absolute"`, `"relative_key"`), "position_embedding_type"},
		"unknown activation":      {replace(`"gelu"`, `"mish"`), "hidden_act"},
		"other vocabulary":        {replace(`"vocab_size": 29`, `"vocab_size": 31`), "word_embeddings.weight"},
		"more layers":             {replace(`"num_hidden_layers": 2`, `"num_hidden_layers": 3`), "layer.2."},
		"fewer layers":            {replace(`"num_hidden_layers": 2`, `"num_hidden_layers": 1`), "unexpected"},
		"hostile size":            {replace(`"intermediate_size": 20`, `"intermediate_size": 9223372036854775807`), "intermediate_size"},
		"no heads":                {replace(`"num_attention_heads": 3`, `"num_attention_heads": 0`), "num_attention_heads"},
		"index of nothing":        {indexed(`{"weight_map": {}}`), "weight_map"},
		"index out of the folder": {indexed(`{"weight_map": {"x": "../x.safetensors"}}`), "want a file in the folder"},
		"index of other tensors":  {indexed(`{"weight_map": {"x": "part.safetensors"}}`), "lacks 1 tensors (x)"},
		"another name": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, checkpoint.WeightsFile)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, strings.ReplaceAll(string(text), "word_embeddings.weight", "word_embeddingz.weight"))
		}, "it lacks 1 tensors (bert.embeddings.word_embeddings.weight) and has unexpected 1 tensors (bert.embeddings.word_embeddingz.weight)"},
		"answers of three rows": {func(t *testing.T, dir string) {
			n := newPretraining(t)
			head := n.Encoder.linear(n.Encoder.Dim, 3, nil)
			n.Answer = &head
			if err := (&Folder{Network: n}).Save(dir); err != nil {
				t.Fatal(err)
			}
		}, "has shape [3 12]; want (2, 12)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "model")
			if err := (&Folder{Network: good}).Save(dir); err != nil {
				t.Fatal(err)
			}
			test.change(t, dir)
			if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want one with %q", err, test.want)
			}
		})
	}
}

// replace changes a text in config.json.
func replace(from, to string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, configFile)
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), from) {
			t.Fatalf("%s has no %s: %v", text, from, err)
		}
		write(t, path, strings.Replace(string(text), from, to, 1))
	}
}

// TestSequencesOfABatchDoNotTouchEachOther compares a batch with its sequences alone.
func TestSequencesOfABatchDoNotTouchEachOther(t *testing.T) {
	n := newPretraining(t)
	all := [][]int32{{3, 1, 4}, {1, 5, 9, 2, 6, 5, 3}, {8}}
	encode := func(sequences ...[]int32) []tensor.Float {
		var b Batch
		b.Clear()
		for _, s := range sequences {
			b.Append(0, s...)
			b.End()
		}
		return n.Encoder.Encode(Pass{Tape: tensor.NewInferenceTape()}, b).Data
	}
	together := encode(all...)
	var alone []tensor.Float
	for _, s := range all {
		alone = append(alone, encode(s)...)
	}
	for i, want := range alone {
		if d := together[i] - want; d > 1e-5 || d < -1e-5 {
			t.Fatalf("element %d is %v in the batch and %v alone", i, together[i], want)
		}
	}
}
