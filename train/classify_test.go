package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// smallEncoder returns the folder of a small BERT with random weights.
func smallEncoder(t *testing.T) string {
	t.Helper()
	words := strings.Fields("[PAD] [UNK] [CLS] [SEP] [MASK] a b c d e f g h")
	n, err := bert.NewPretraining(bert.Config{
		Vocab: len(words), Dim: 16, Layers: 1, Heads: 2, FFN: 24, MaxLength: 20, Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.3,
		Dropout: 0.1, AttentionDropout: 0.1,
	}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.NewWordPiece(words, tokenizer.WordPieceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := errors.Join((&bert.Folder{Network: n}).Save(dir), tok.SaveFolder(dir, 0)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// smallClassify is a run whose texts are pairs of letters. The label is whether the second
// one follows the first in the alphabet, and for numbers how far it is.
func smallClassify(t *testing.T, regression bool) ClassifyConfig {
	t.Helper()
	c, err := Classifiers.Preset("bert-classify")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("first\tsecond\tlabel\n")
	for i := range 8 {
		for j := range 8 {
			label := fmt.Sprint(float64(j-i) / 7)
			if !regression {
				label = fmt.Sprint(j > i)
			}
			fmt.Fprintf(&table, "%c\t%c\t%s\n", 'a'+i, 'a'+j, label)
		}
	}
	path := filepath.Join(t.TempDir(), "table.tsv")
	if err := os.WriteFile(path, []byte(table.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Init = smallEncoder(t)
	c.Data = ClassifyDataConfig{Train: path, Valid: path, Text: "first", Pair: "second", Label: "label", Regression: regression, Batch: 8}
	c.Training.MaxEpochs, c.Training.Rate = 60, 1.5e-2
	return c
}

func trainClassifier(ctx context.Context, t *testing.T, dir string, c ClassifyConfig, progress func(Progress, *Validation)) (Validation, error) {
	t.Helper()
	run, err := NewClassifyRun(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return run.Train(ctx, progress)
}

func TestClassifiersLearnWhatTheyAreShown(t *testing.T) {
	for name, test := range map[string]struct {
		regression bool
		metric     string
	}{"labels": {false, "accuracy"}, "numbers": {true, "pearson"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			v, err := trainClassifier(context.Background(), t, dir, smallClassify(t, test.regression), func(Progress, *Validation) {})
			if err != nil {
				t.Fatal(err)
			}
			if *v.Score != v.Scores[test.metric] || *v.Score < 0.95 {
				t.Errorf("%v; want a score of %s of 0.95 or more", v.Scores, test.metric)
			}
			e, err := pipeline.Open(dir) // the run is a model
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.Classify([]pipeline.Input{e.Pair("a", "h"), e.Pair("h", "a")})
			if err != nil {
				t.Fatal(err)
			}
			if test.regression {
				if up, down := got[0][0].Score, got[1][0].Score; up < 0.6 || down > -0.6 {
					t.Errorf("%v and %v; want about 1 and -1", up, down)
				}
				return
			}
			if got[0][0].Label != "true" || got[1][0].Label != "false" {
				t.Errorf("%v; want true, then false", got)
			}
		})
	}
}

// TestFreshPartsAreNotThoseOfTheEncoder compares the weights that training begins with.
func TestFreshPartsAreNotThoseOfTheEncoder(t *testing.T) {
	type fresh struct {
		pooler bool
		layers int
	}
	begin := func(f fresh) *bert.Model {
		c := smallClassify(t, false)
		c.FreshPooler, c.FreshLayers = f.pooler, f.layers
		run, err := NewClassifyRun(t.TempDir(), c)
		if err != nil {
			t.Fatal(err)
		}
		return run.Task.Encoder.Network.Encoder
	}
	same := func(a, b *tensor.Tensor) bool { return slices.Equal(a.Data, b.Data) }
	last := len(begin(fresh{}).Layers) - 1
	for _, f := range []fresh{{}, {pooler: true}, {layers: 1}, {layers: last + 1}} {
		a, b := begin(fresh{}), begin(f)
		if !same(a.Embeddings.Words, b.Embeddings.Words) || same(a.Pooler.Weight, b.Pooler.Weight) == f.pooler {
			t.Errorf("%+v: the pooler is the encoder's: %v", f, !f.pooler)
		}
		for i := range a.Layers {
			if anew := i > last-f.layers; same(a.Layers[i].QKV.Weight, b.Layers[i].QKV.Weight) == anew {
				t.Errorf("%+v: layer %d is the encoder's: %v", f, i, !anew)
			}
		}
	}
	c := smallClassify(t, false)
	c.FreshLayers = last + 2
	if _, err := NewClassifyRun(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), "fresh_layers") {
		t.Errorf("error %v for more layers than there are", err)
	}
}

func TestClassifiersGoOnBitForBit(t *testing.T) {
	c := smallClassify(t, false)
	c.Training.MaxEpochs = 3
	c.Training.ValidateEvery = 5
	c.Data.WordDropout = 0.3
	goesOnBitForBit(t, 7, checkpoint.WeightsFile, func(ctx context.Context, dir string, progress func(Progress, *Validation)) error {
		_, err := trainClassifier(ctx, t, dir, c, func(p Progress, v *Validation) {
			if p.TokensPerSec < 1 {
				t.Errorf("%v tokens a second", p.TokensPerSec)
			}
			progress(p, v)
		})
		return err
	})
}

func TestOneLabelIsNoClassification(t *testing.T) {
	c := smallClassify(t, false)
	text, err := os.ReadFile(c.Data.Train)
	if err != nil {
		t.Fatal(err)
	}
	c.Data.Train = filepath.Join(t.TempDir(), "one.tsv")
	if err := os.WriteFile(c.Data.Train, bytes.ReplaceAll(text, []byte("true"), []byte("false")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewClassifyRun(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), `has the label "false" alone`) {
		t.Errorf("error %v; want one that says that there is one label", err)
	}
}

func TestNumbersAreWanted(t *testing.T) {
	c := smallClassify(t, false)
	c.Data.Regression = true
	if _, err := NewClassifyRun(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), `table.tsv:2: label "false"; want a number`) {
		t.Errorf("error %v for labels that are no numbers", err)
	}
}

// TestChoicesAreLearned chooses the one of four letters that is a or b.
func TestChoicesAreLearned(t *testing.T) {
	c := smallClassify(t, false)
	dir := t.TempDir()
	var table strings.Builder
	table.WriteString("sent1,sent2,ending0,ending1,ending2,ending3,label\n")
	for i := range 64 {
		at, right := i%8, i/8%4
		fmt.Fprintf(&table, "%c,", 'a'+at)
		for choice := range 4 {
			letter := 2 + (at+choice)%6
			if choice == right {
				letter = at % 2
			}
			fmt.Fprintf(&table, ",%c", 'a'+letter)
		}
		fmt.Fprintf(&table, ",%d\n", right)
	}
	for _, name := range []string{"train.csv", "val.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.Data = ClassifyDataConfig{Task: "swag", Dir: dir, Batch: 8}
	c.Training.Rate, c.Training.MaxEpochs = 5e-3, 20
	run := t.TempDir()
	v, err := trainClassifier(context.Background(), t, run, c, func(Progress, *Validation) {})
	if err != nil || *v.Score < 0.9 {
		t.Errorf("%v, %v; want an accuracy of 0.9 or more", v.Scores, err)
	}
	task, err := OpenClassifier(run, filepath.Join(dir, "val.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if again := validated(t, task, task.Encoder); task.Valid() != 64 || *again.Score != *v.Score {
		t.Errorf("%d rows, %v; want those of training", task.Valid(), again.Scores)
	}
	f, err := bert.Open(run)
	if err != nil || !f.Choices {
		t.Errorf("%+v, %v; want a model of multiple choice", f, err)
	}
}

// validated returns what a task that was opened to be validated says, and closes its encoder.
func validated(t *testing.T, task Task, e *pipeline.Encoder) Validation {
	t.Helper()
	v, err := task.Validate(t.Context())
	if err := errors.Join(err, e.Close()); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTablesThatDoNotFit(t *testing.T) {
	for want, change := range map[string]func(d *ClassifyDataConfig){
		"data.task and files of one's own are given":   func(d *ClassifyDataConfig) { *d = ClassifyDataConfig{Task: "sst2", Dir: "x", Pair: "second", Batch: 8} },
		"data.dir (--data) is x":                       func(d *ClassifyDataConfig) { d.Dir = "x" },
		"labels.tsv:3: the label is empty; want one":   func(d *ClassifyDataConfig) { d.Train = "labels.tsv" },
		"data.label (--label) is not given; tables of": func(d *ClassifyDataConfig) { d.Label = "" },
	} {
		c := smallClassify(t, false)
		t.Chdir(t.TempDir())
		if err := os.WriteFile("labels.tsv", []byte("first\tsecond\tlabel\na\tb\ttrue\na\tb\t\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		change(&c.Data)
		if _, err := NewClassifyRun("run", c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
}
