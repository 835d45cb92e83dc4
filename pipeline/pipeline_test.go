package pipeline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// words is the vocabulary of the tests.
var words = strings.Fields("[PAD] [UNK] [CLS] [SEP] [MASK] the cat sat on a mat ##s dog ran . ,")

// newFolder returns the folder of a small network with random weights.
func newFolder(t testing.TB, head func(m *bert.Model, r *rand.Rand) *bert.Folder) string {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	m, err := bert.New(bert.Config{
		Vocab: len(words), Dim: 8, Layers: 2, Heads: 2, FFN: 12, MaxLength: 12, Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.5,
	}, r)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := head(m, r).Save(dir); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.NewWordPiece(words, tokenizer.WordPieceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := tok.SaveFolder(dir, 0); err != nil {
		t.Fatal(err)
	}
	return dir
}

func bare(m *bert.Model, _ *rand.Rand) *bert.Folder {
	return &bert.Folder{Network: &bert.Network{Encoder: m}}
}

func classifier(m *bert.Model, r *rand.Rand) *bert.Folder {
	return &bert.Folder{Network: bert.NewClassifier(m, 3, r), Labels: []string{"no", "yes", "maybe"}}
}

func pretrained(m *bert.Model, r *rand.Rand) *bert.Folder {
	n, err := bert.NewPretraining(m.Config, r)
	if err != nil {
		panic(err)
	}
	return &bert.Folder{Network: n}
}

func mustOpen(t testing.TB, dir string) *Encoder {
	t.Helper()
	e, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var texts = []string{"the cat sat on a mat .", "dogs", "", "a dog ran , the cats sat", "the cat sat on a mat ."}

func inputs(e *Encoder) (all []Input) {
	for _, t := range texts {
		all = append(all, e.Text(t))
	}
	return all
}

// TestEmbeddingsArePooledHiddenStates compares vectors with ones computed from the hidden
// states of each text alone.
func TestEmbeddingsArePooledHiddenStates(t *testing.T) {
	e := mustOpen(t, newFolder(t, bare))
	for _, p := range []Pooling{Mean, Max, CLS} {
		for _, normalise := range []bool{false, true} {
			got, err := e.Embed(inputs(e), p, normalise)
			if err != nil {
				t.Fatal(err)
			}
			for i, text := range texts {
				want := pooled(hiddenStates(e, text), p)
				if normalise {
					n := math.Sqrt(Dot(want, want))
					for j := range want {
						want[j] /= tensor.Float(n)
					}
				}
				for j, w := range want {
					if math.Abs(float64(got[i][j]-w)) > 1e-5 {
						t.Fatalf("%s, normalise %v: text %d, element %d is %v; want %v", p, normalise, i, j, got[i][j], w)
					}
				}
			}
		}
	}
	if _, err := e.Embed(nil, "sum", true); err == nil {
		t.Error("no error for a pooling that is none")
	}
}

func TestLengthsBecomeOneUnlessTheyAreZero(t *testing.T) {
	v, zero := []tensor.Float{3, 0, -4}, make([]tensor.Float, 3)
	scale(v)
	scale(zero)
	if diff := cmp.Diff([][]tensor.Float{{0.6, 0, -0.8}, {0, 0, 0}}, [][]tensor.Float{v, zero}); diff != "" {
		t.Error(diff)
	}
}

// hiddenStates returns the rows of a text, without batches and pools.
func hiddenStates(e *Encoder, text string) (rows [][]tensor.Float) {
	var b bert.Batch
	b.Clear()
	b.Append(0, e.Text(text).IDs...)
	b.End()
	x := e.Network.Encoder.Encode(bert.Pass{Tape: tensor.NewInferenceTape()}, b)
	for r := range x.Rows() {
		rows = append(rows, slices.Clone(x.Row(r)))
	}
	return rows
}

func pooled(rows [][]tensor.Float, p Pooling) []tensor.Float {
	v := make([]tensor.Float, len(rows[0]))
	for j := range v {
		var column []tensor.Float
		for _, r := range rows {
			column = append(column, r[j])
		}
		switch p {
		case Mean:
			for _, x := range column {
				v[j] += x / tensor.Float(len(column))
			}
		case Max:
			v[j] = slices.Max(column)
		case CLS:
			v[j] = column[0]
		}
	}
	return v
}

func TestFoldersSayHowToPool(t *testing.T) {
	dir := newFolder(t, bare)
	write(t, dir, "1_Pooling/config.json", `{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}`)
	write(t, dir, "sentence_bert_config.json", `{"max_seq_length": 5}`)
	e := mustOpen(t, dir)
	if e.Pooling != CLS {
		t.Errorf("pooling %s; want that of the folder", e.Pooling)
	}
	if in := e.Sentence("the cat sat on a mat"); len(in.IDs) != 5 || in.Cut != 3 {
		t.Errorf("%+v; want 5 tokens, and 3 cut", in)
	}
	if in := e.Text("the cat sat on a mat"); in.Cut != 0 { // the limit is that of vectors
		t.Errorf("%+v; want none cut", in)
	}
	// As sentence-transformers 6 writes it, and in a folder of another name.
	dir = newFolder(t, bare)
	write(t, dir, "modules.json", `[{"path": "", "type": "a.Transformer"}, {"path": "pool", "type": "a.Pooling"}]`)
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "pool/config.json") {
		t.Errorf("error %v for a module without its file", err)
	}
	write(t, dir, "pool/config.json", `{"pooling_mode": "max"}`)
	write(t, dir, "tokenizer_config.json", `{"model_max_length": 6}`)
	if e := mustOpen(t, dir); e.Pooling != Max || len(e.Sentence("the cat sat on a mat").IDs) != 6 {
		t.Errorf("pooling %s, tokens %v; want those of the folder", e.Pooling, e.Sentence("the cat sat on a mat").IDs)
	}
	for text, want := range map[string]string{`{"pooling_mode": ["mean", "cls"]}`: `["mean" "cls"]`, `{"pooling_mode": "lasttoken"}`: "lasttoken", `{"pooling_mode_cls_token": false}`: "[]"} {
		write(t, dir, "pool/config.json", text)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v for %s", err, text)
		}
	}
	for file, text := range map[string]string{
		"1_Pooling/config.json":     `{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}`,
		"sentence_bert_config.json": `{"max_seq_length": 500}`,
		"tokenizer_config.json":     `{`,
	} {
		dir := newFolder(t, bare)
		write(t, dir, file, text)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("error %v for %s with %s", err, file, text)
		}
	}
}

// TestSentencesGetWhatFoldersSay: a prompt, and lower case before a vocabulary with case.
func TestSentencesGetWhatFoldersSay(t *testing.T) {
	dir := newFolder(t, bare)
	write(t, dir, "config_sentence_transformers.json", `{"prompts": {"query": "the ", "none": ""}, "default_prompt_name": "query"}`)
	write(t, dir, "sentence_bert_config.json", `{"max_seq_length": 8, "do_lower_case": true}`)
	write(t, dir, "tokenizer_config.json", `{"do_lower_case": false}`)
	e := mustOpen(t, dir)
	if got, want := e.Sentence("CAT sat"), e.Text("the cat sat"); !slices.Equal(got.IDs, want.IDs) {
		t.Errorf("tokens %v; want %v", got.IDs, want.IDs)
	}
	if got, want := e.Text("CAT"), e.Text("[UNK]"); !slices.Equal(got.IDs, want.IDs) {
		t.Errorf("tokens %v of a text that is no sentence; want %v", got.IDs, want.IDs)
	}
	write(t, dir, "1_Pooling/config.json", `{"pooling_mode_mean_tokens": true, "include_prompt": false}`)
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "include_prompt false") {
		t.Errorf("error %v for a prompt that does not count", err)
	}
	write(t, dir, "config_sentence_transformers.json", `{"prompts": {"query": "the "}, "default_prompt_name": "x"}`)
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), `default_prompt_name is "x"`) {
		t.Errorf("error %v for a prompt that is not there", err)
	}
}

func TestTextsAreCutShorter(t *testing.T) {
	e := mustOpen(t, newFolder(t, bare))
	for _, tokens := range []int{-1, 1, 2} {
		if err := e.Shorten(tokens); err == nil || !strings.Contains(err.Error(), "want at least 3") {
			t.Errorf("%d tokens: error %v", tokens, err)
		}
	}
	for tokens, want := range map[int]int{0: 8, 100: 8, 3: 3} {
		e := mustOpen(t, newFolder(t, bare))
		if err := e.Shorten(tokens); err != nil || len(e.Text("the cat sat on a mat").IDs) != want {
			t.Errorf("%d tokens: %d are left, error %v; want %d", tokens, len(e.Text("the cat sat on a mat").IDs), err, want)
		}
	}
}

func TestPairsAreCutWhereTheyAreLonger(t *testing.T) {
	e := mustOpen(t, newFolder(t, bare))
	in := e.Pair("the cat sat on a mat the cat", "a dog")
	if got := fmt.Sprint(in); len(in.IDs) != 12 || in.Second != 3 || in.Cut != 1 {
		t.Errorf("%s; want 12 tokens, 3 of them of the pair, 1 cut", got)
	}
}

func TestMasksAreFilledByProbability(t *testing.T) {
	e := mustOpen(t, newFolder(t, pretrained))
	one, err := e.FillMask("the [MASK] sat", 100)
	if err != nil || len(one) != 1 || len(one[0]) != len(words) {
		t.Fatalf("%v, %v; want all words for one place", one, err)
	}
	sum, last := 0.0, 1.0
	for _, f := range one[0] {
		sum += f.Score
		if f.Score > last || words[f.Token] != f.TokenStr {
			t.Errorf("%+v after one of %v", f, last)
		}
		if f.TokenStr == "dog" && f.Sequence != "the dog sat" {
			t.Errorf("%+v; want the text with the word", f)
		}
		last = f.Score
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("probabilities sum to %v", sum)
	}
	two, err := e.FillMask("[MASK] cat [MASK]", 2)
	if err != nil || len(two) != 2 || len(two[0]) != 2 {
		t.Fatalf("%v, %v; want two words for each of two places", two, err)
	}
	if want := "[CLS] " + two[0][0].TokenStr + " cat [MASK] [SEP]"; !strings.HasPrefix(two[0][0].TokenStr, "[") && !strings.HasPrefix(two[0][0].TokenStr, "##") && two[0][0].Sequence != want {
		t.Errorf("%q; want %q", two[0][0].Sequence, want)
	}
	for _, text := range []string{"no mask", "[MASK] the cat sat on a mat the cat sat on a mat"} {
		if _, err := e.FillMask(text, 5); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
	if _, err := mustOpen(t, newFolder(t, bare)).FillMask("[MASK]", 5); err == nil {
		t.Error("no error for a model without the head")
	}
}

func TestLabelsComeByProbability(t *testing.T) {
	e := mustOpen(t, newFolder(t, classifier))
	all, err := e.Classify(inputs(e))
	if err != nil {
		t.Fatal(err)
	}
	for i, labels := range all {
		if len(labels) != 3 || labels[0].Score < labels[1].Score || math.Abs(labels[0].Score+labels[1].Score+labels[2].Score-1) > 1e-6 {
			t.Errorf("text %d: %v; want three labels by probability", i, labels)
		}
	}
	if fmt.Sprint(all[0]) != fmt.Sprint(all[4]) {
		t.Errorf("%v and %v for the same text", all[0], all[4])
	}
	if _, err := mustOpen(t, newFolder(t, bare)).Classify(nil); err == nil {
		t.Error("no error for a model without the head")
	}
}

func TestFeaturesAreTheLayersHiddenStates(t *testing.T) {
	e := mustOpen(t, newFolder(t, bare))
	all, err := e.Features(inputs(e), []int{-1, 0, 2})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		rows := hiddenStates(e, text)
		if len(all[i]) != len(rows) || all[i][0].Token != "[CLS]" {
			t.Fatalf("text %d: %d tokens, the first %s; want %d and [CLS]", i, len(all[i]), all[i][0].Token, len(rows))
		}
		for r, token := range all[i] {
			l := token.Layers
			if l[0].Index != -1 || l[2].Index != 2 || fmt.Sprint(l[0].Values) != fmt.Sprint(l[2].Values) || fmt.Sprint(l[0].Values) == fmt.Sprint(l[1].Values) {
				t.Fatalf("text %d, token %d: layers %v", i, r, l)
			}
			for j, w := range rows[r] {
				if math.Abs(float64(l[0].Values[j]-w)) > 1e-5 {
					t.Fatalf("text %d, token %d, element %d is %v; want %v", i, r, j, l[0].Values[j], w)
				}
			}
		}
	}
	if _, err := e.Features(nil, []int{3}); err == nil {
		t.Error("no error for a layer that is none")
	}
}

// TestPublishedSimilarities compares with the figures of the model's page at Hugging Face.
func TestPublishedSimilarities(t *testing.T) {
	dir := os.Getenv("KOTOBA_WEIGHTS")
	if dir == "" {
		t.Skip("KOTOBA_WEIGHTS is not set; fill a folder with models/bert/testdata/fetch_weights.sh and name it there")
	}
	e := mustOpen(t, filepath.Join(dir, "minilm"))
	v, err := e.Embed([]Input{e.Text("The weather is lovely today."), e.Text("It's so sunny outside!"), e.Text("He drove to the stadium.")}, e.Pooling, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		i, j int
		want float64
	}{{0, 1, 0.6660}, {0, 2, 0.1046}, {1, 2, 0.1411}, {0, 0, 1}} {
		if got := Dot(v[x.i], v[x.j]); math.Abs(got-x.want) > 1e-4 {
			t.Errorf("texts %d and %d: %.4f; want %.4f", x.i, x.j, got, x.want)
		}
	}
}

func TestModelsOfOneTypeReadPairs(t *testing.T) {
	e := mustOpen(t, newFolder(t, classifier))
	n := e.Network.Encoder
	n.Types, n.Embeddings.Types = 1, tensor.New(1, n.Dim)
	windows, err := e.Windows("the cat", "sat on", WindowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Classify([]Input{e.Pair("the cat", "sat on"), windows[0].Input}); err != nil {
		t.Error(err)
	}
}
