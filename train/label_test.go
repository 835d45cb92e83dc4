package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/pipeline"
)

// smallLabel is a run whose sentences are letters. With entities a pair of the same letter is
// one, of the type of its first half or second half of the alphabet, else each letter has the
// half as its label.
func smallLabel(t *testing.T, entities bool) LabelConfig {
	t.Helper()
	c, err := Labellers.Preset("bert-label")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range 40 {
		for j := range 3 {
			n := (i + 3*j) % 8
			half := [2]string{"LOW", "HIGH"}[n/4]
			if !entities {
				fmt.Fprintf(&text, "%c %s\n", 'a'+n, half)
				continue
			}
			if (i+j)%2 == 0 {
				fmt.Fprintf(&text, "%c B-%s\n%c I-%s\n", 'a'+n, half, 'a'+n, half)
			} else {
				fmt.Fprintf(&text, "%c O\n", 'a'+n)
			}
		}
		text.WriteString("\n")
	}
	path := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Init = smallEncoder(t)
	c.Data.Train, c.Data.Valid, c.Data.Batch = path, path, 8
	c.Data.MaxLength = 5 // sentences of more than three letters are two sequences
	c.Training.MaxEpochs, c.Training.Rate = 60, 5e-3
	return c
}

func trainLabeller(ctx context.Context, t *testing.T, dir string, c LabelConfig, progress func(Progress, *Validation)) (Validation, error) {
	t.Helper()
	run, err := NewLabelRun(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return run.Train(ctx, progress)
}

func TestLabelsOfWordsAreLearned(t *testing.T) {
	for name, test := range map[string]struct {
		entities bool
		maxLen   int
		metric   string
		text     string
		want     []string
	}{
		"labels":   {false, 5, "accuracy", "a b g", []string{"LOW 0-3", "HIGH 4-5"}},
		"entities": {true, 0, "f1", strings.Repeat("a ", 2) + "d" + strings.Repeat(" g", 2), []string{"LOW 0-3", "HIGH 6-9"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, c := t.TempDir(), smallLabel(t, test.entities)
			c.Data.MaxLength = test.maxLen
			v, err := trainLabeller(context.Background(), t, dir, c, func(Progress, *Validation) {})
			if err != nil {
				t.Fatal(err)
			}
			if *v.Score != v.Scores[test.metric] || *v.Score < 0.95 {
				t.Errorf("%v; want a %s of 0.95 or more", v.Scores, test.metric)
			}
			task, sentences, err := OpenLabeller(dir, c.Data.Train)
			if err != nil {
				t.Fatal(err)
			}
			if again := validated(t, task, task.Encoder); sentences != 40 || *again.Score != *v.Score {
				t.Errorf("%d sentences, %v; want those of training", sentences, again.Scores)
			}
			e, err := pipeline.Open(dir) // the run is a model
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.Entities([]string{test.text})
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, x := range got[0] {
				all = append(all, fmt.Sprintf("%s %d-%d", x.Group, x.Start, x.End))
			}
			if fmt.Sprint(all) != fmt.Sprint(test.want) {
				t.Errorf("%q; want %q", all, test.want)
			}
		})
	}
}

func TestLabellersGoOnBitForBit(t *testing.T) {
	c := smallLabel(t, true)
	c.Training.MaxEpochs, c.Training.ValidateEvery = 2, 5
	goesOnBitForBit(t, 7, checkpoint.WeightsFile, func(ctx context.Context, dir string, progress func(Progress, *Validation)) error {
		_, err := trainLabeller(ctx, t, dir, c, progress)
		return err
	})
}

// TestSentencesInPartsAreScoredWhole: where a sentence is cut, an entity on both sides of the
// cut is still one.
func TestSentencesInPartsAreScoredWhole(t *testing.T) {
	c := smallLabel(t, true)
	c.Data.MaxLength = 4 // sequences of two words
	run, err := NewLabelRun(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	task := run.Task
	var right [][]string
	for _, x := range task.valid {
		var labels []string
		for _, id := range x.labels {
			labels = append(labels, task.Encoder.Labels[id])
		}
		right = append(right, labels)
	}
	if len(right) != 100 {
		t.Fatalf("%d sequences of 40 sentences; want three and two by turns", len(right))
	}
	scores, first := task.scores(right)
	if first != 1 || scores["accuracy"] != 1 || scores["recall"] != 1 {
		t.Errorf("%v for what is right; want 1", scores)
	}
	for i := range right {
		if strings.HasPrefix(right[i][0], "I-") {
			right[i][0] = "B-" + right[i][0][2:] // two entities for one
		}
	}
	if scores, first := task.scores(right); first > 0.5 || scores["accuracy"] < 0.7 {
		t.Errorf("%v where entities are cut in two; want less", scores)
	}
}

// TestLabelsOfValidationAloneCount: a rare label may be there only.
func TestLabelsOfValidationAloneCount(t *testing.T) {
	c := smallLabel(t, true)
	c.Data.Valid = filepath.Join(t.TempDir(), "valid.txt")
	if err := os.WriteFile(c.Data.Valid, []byte("a B-RARE\nb O\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run, err := NewLabelRun(t.TempDir(), c)
	if err != nil || !slices.Contains(run.Task.Encoder.Labels, "B-RARE") {
		t.Fatalf("error %v; want the label B-RARE among those of the run", err)
	}
}

func TestSentencesThatCannotBeRead(t *testing.T) {
	for want, change := range map[string]func(*LabelConfig){
		"data.train is not given":    func(c *LabelConfig) { c.Data.Train = "" },
		"data.batch is 0":            func(c *LabelConfig) { c.Data.Batch = 0 },
		"cut at 2 tokens; want at":   func(c *LabelConfig) { c.Data.MaxLength = 2 },
		"data.valid_share is 0":      func(c *LabelConfig) { c.Data.Valid, c.Data.ValidShare = "", 0 },
		"there is no column 3 among": func(c *LabelConfig) { c.Data.Label = 3 },
		`has the label "X" alone`: func(c *LabelConfig) {
			c.Data.Train, c.Data.Valid = filepath.Join(t.TempDir(), "x.txt"), ""
			if err := os.WriteFile(c.Data.Train, []byte("a X\n\nb X\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"init is not given":        func(c *LabelConfig) { c.Init = "" },
		"nosuch.txt: no such file": func(c *LabelConfig) { c.Data.Valid = "nosuch.txt" },
	} {
		c, dir := smallLabel(t, true), filepath.Join(t.TempDir(), "run")
		change(&c)
		if _, err := NewLabelRun(dir, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a folder is left", want)
		}
	}
}

func TestOneSentenceIsNotEnough(t *testing.T) {
	c := smallLabel(t, false)
	c.Data.Train, c.Data.Valid = filepath.Join(t.TempDir(), "one.txt"), ""
	if err := os.WriteFile(c.Data.Train, []byte("a X\nb Y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewLabelRun(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), "one.txt has one sentence only") {
		t.Errorf("error %v; want one that says how few there are", err)
	}
}

// TestLabellersThatDivergeSaySo validates what has become NaN.
func TestLabellersThatDivergeSaySo(t *testing.T) {
	c := smallLabel(t, false)
	c.Training.Schedule, c.Training.WarmupShare, c.Training.Rate, c.Training.ValidateEvery, c.Training.MaxSteps = "constant", 0, 1e30, 1, 3
	_, err := trainLabeller(context.Background(), t, t.TempDir(), c, func(Progress, *Validation) {})
	if err == nil || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("error %v; want one of a loss that is NaN", err)
	}
}

// TestEncodersWantTheirVocabulary exchanges two words of a run's.
func TestEncodersWantTheirVocabulary(t *testing.T) {
	dir, c := t.TempDir(), smallLabel(t, false)
	c.Training.MaxEpochs = 1
	if _, err := trainLabeller(t.Context(), t, dir, c, func(Progress, *Validation) {}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, checkpoint.WordsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(string(text), "\n")
	last := len(words) - 2 // before the end of the last line
	words[last], words[last-1] = words[last-1], words[last]
	if err := os.WriteFile(path, []byte(strings.Join(words, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.Open(dir); err == nil || !strings.Contains(err.Error(), "was trained with another vocabulary") {
		t.Errorf("error %v; want one that says that the vocabulary is another", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := trainLabeller(t.Context(), t, dir, c, func(Progress, *Validation) {}); err == nil || !strings.Contains(err.Error(), "was trained with another vocabulary") {
		t.Errorf("error %v of going on without a vocabulary; want one that says that it is another", err)
	}
}

// TestRunsThatHadNoTimeForTheirFolderBegin removes what a run writes after its configuration.
func TestRunsThatHadNoTimeForTheirFolderBegin(t *testing.T) {
	dir, c := t.TempDir(), smallLabel(t, false)
	c.Training.MaxEpochs = 1
	if _, err := NewLabelRun(dir, c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", checkpoint.WordsFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := trainLabeller(context.Background(), t, dir, c, func(Progress, *Validation) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.Open(dir); err != nil {
		t.Error(err)
	}
}
