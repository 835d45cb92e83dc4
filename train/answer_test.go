package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// smallAnswer is a run whose questions are letters, and whose texts have letters in any
// order, but for a, which F1 leaves out as an article. The answer is the letter; with
// impossible, half of the texts have not got it.
func smallAnswer(t *testing.T, impossible bool) AnswerConfig {
	t.Helper()
	c, err := Answerers.Preset("bert-qa")
	if err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	var articles []object
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 64 {
		order := r.Perm(7)
		letters := make([]string, 6)
		for j := range letters {
			letters[j] = string(rune('b' + order[j]))
		}
		at := i % 6
		q := object{"id": fmt.Sprint(i), "question": letters[at], "answers": []object{{"text": letters[at], "answer_start": 2 * at}}}
		if impossible && i/6%2 == 1 {
			q = object{"id": fmt.Sprint(i), "question": string(rune('b' + order[6])), "answers": []object{}, "is_impossible": true}
		}
		articles = append(articles, object{"title": fmt.Sprint(i / 4), "paragraphs": []object{{"context": strings.Join(letters, " "), "qas": []object{q}}}})
	}
	text, err := json.Marshal(object{"version": "1", "data": articles})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "questions.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Init = smallEncoder(t)
	c.Data.Train, c.Data.Valid, c.Data.Batch = path, path, 8
	c.Data.MaxLength, c.Data.Stride = 8, 2 // two windows a text
	c.Training.MaxEpochs, c.Training.Rate = 100, 5e-3
	return c
}

func trainAnswerer(ctx context.Context, t *testing.T, dir string, c AnswerConfig, progress func(Progress, *Validation)) (Validation, error) {
	t.Helper()
	run, err := NewAnswerRun(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return run.Train(ctx, progress)
}

func TestAnswersAreLearned(t *testing.T) {
	for name, impossible := range map[string]bool{"all have answers": false, "half have none": true} {
		t.Run(name, func(t *testing.T) {
			dir, c := t.TempDir(), smallAnswer(t, impossible)
			v, err := trainAnswerer(context.Background(), t, dir, c, func(Progress, *Validation) {})
			if err != nil {
				t.Fatal(err)
			}
			if *v.Score != v.Scores["f1"] || *v.Score < 95 {
				t.Errorf("%v; want an F1 of 95 or more", v.Scores)
			}
			task, err := OpenAnswerer(dir, c.Data.Train)
			if err != nil {
				t.Fatal(err)
			}
			if again := validated(t, task, task.Encoder); len(task.Valid) != 64 || *again.Score != *v.Score {
				t.Errorf("%d questions, %v; want those of training", len(task.Valid), again.Scores)
			}
			e, err := pipeline.Open(dir) // the run is a model
			if err != nil {
				t.Fatal(err)
			}
			if want, ok := v.Scores["null_threshold"]; ok != (e.NullThreshold != nil) || ok && *e.NullThreshold != want {
				t.Errorf("the model has the threshold %v; want %v, if any: %v", e.NullThreshold, want, ok)
			}
			if impossible {
				return // half of the texts are too few to find letters in a new one
			}
			got, err := e.Answer([]pipeline.QA{{Question: "g", Context: "d g b c h e"}}, c.Data.Options())
			if err != nil || got[0][0].Answer != "g" || got[0][0].Start != 2 {
				t.Errorf("%+v, %v; want the letter asked for, at 2", got[0][0], err)
			}
		})
	}
}

func TestAnswerersGoOnBitForBit(t *testing.T) {
	c := smallAnswer(t, true)
	c.Training.MaxEpochs, c.Training.ValidateEvery = 2, 5
	goesOnBitForBit(t, 7, checkpoint.WeightsFile, func(ctx context.Context, dir string, progress func(Progress, *Validation)) error {
		_, err := trainAnswerer(ctx, t, dir, c, progress)
		return err
	})
}

// TestLossOfAnswersIsThatOfValidation: without dropout, the loss of all windows in one batch
// of training is what validation computes from the logits of its own batches.
func TestLossOfAnswersIsThatOfValidation(t *testing.T) {
	c := smallAnswer(t, true)
	c.Data.Batch = 1000
	run, err := NewAnswerRun(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	task := run.Task
	if task.Epoch(0) != 1 || len(task.train) < 100 {
		t.Fatalf("%d windows; want one batch of two for each text", len(task.train))
	}
	for i := range task.train { // answers of one token would hide a start that is taken for an end
		task.train[i].end = int32(i % len(task.train[i].IDs))
		task.right[i].end = task.train[i].end
	}
	tape := tensor.NewTape()
	loss, l := task.Loss(tape, nil, 0, 1/float64(task.Targets(0)))
	v, err := task.Validate(context.Background())
	if err != nil || l.Tokens != 2*len(task.train) || math.Abs(float64(loss.Data[0])-v.Loss) > 1e-5 {
		t.Errorf("loss %v of %d places, %v in validation, %v; want the same", loss.Data[0], l.Tokens, v.Loss, err)
	}
}

func TestArticlesAreOnOneSide(t *testing.T) {
	var all []data.Question
	for i, title := range []string{"a", "a", "b", "b", "b", "c"} {
		all = append(all, data.Question{ID: fmt.Sprint(i), Title: title})
	}
	for share, want := range map[float64]int{0.1: 5, 0.17: 2, 0.5: 2, 0.6: 2, 0.7: 2, 0.9: 2} {
		first, last, err := splitArticles(all, share)
		if err != nil || len(first) != want || len(first)+len(last) != len(all) {
			t.Errorf("%v: %d and %d questions, %v; want %d for training", share, len(first), len(last), err, want)
		}
	}
	for n := 1; n <= 2; n++ {
		if _, _, err := splitArticles(all[:n], 0.9); err == nil || !strings.Contains(err.Error(), "one article only") {
			t.Errorf("%d questions of one article: error %v; want one, as nothing is left for training", n, err)
		}
	}
	untitled := []data.Question{{Context: "x"}, {Context: "x"}, {Context: "y"}}
	if first, _, err := splitArticles(untitled, 0.1); err != nil || len(first) != 2 {
		t.Errorf("%d questions, %v; want two, of the first text", len(first), err)
	}
}

func TestQuestionsThatCannotBeRead(t *testing.T) {
	for want, change := range map[string]func(*AnswerConfig){
		"data.train is not given":     func(c *AnswerConfig) { c.Data.Train = "" },
		"data.batch is 0":             func(c *AnswerConfig) { c.Data.Batch = 0 },
		"data.valid_share is 1":       func(c *AnswerConfig) { c.Data.Valid, c.Data.ValidShare = "", 1 },
		"nosuch-*.json: no such file": func(c *AnswerConfig) { c.Data.Train = "nosuch-*.json" },
		"init is not given":           func(c *AnswerConfig) { c.Init = "" },
		"answers may have -1 tokens":  func(c *AnswerConfig) { c.Data.MaxAnswer = -1 },
		"the longest window is 400":   func(c *AnswerConfig) { c.Data.MaxLength = 400 },
		"none of the 1 questions for training, z first, has a text and an answer that is in it": func(c *AnswerConfig) {
			c.Data.Train = filepath.Join(t.TempDir(), "lost.json")
			lost := `{"data": [{"paragraphs": [{"context": "a", "qas": [{"id": "z", "question": "b", "answers": [{"text": "c", "answer_start": 0}]}]}]}]}`
			if err := os.WriteFile(c.Data.Train, []byte(lost), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		c, dir := smallAnswer(t, false), filepath.Join(t.TempDir(), "run")
		change(&c)
		if _, err := NewAnswerRun(dir, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a folder is left", want)
		}
	}
}

// TestThresholdGivesTheScoresBesideIt: also where it is best to answer nothing, and all
// scores of no answer are below those of answers.
func TestThresholdGivesTheScoresBesideIt(t *testing.T) {
	predictions := func(odds ...float64) (p pipeline.Predictions) {
		for _, x := range odds {
			p.Answers = append(p.Answers, []pipeline.Answer{{Answer: "b"}, {Answer: "", StartLogit: x}})
		}
		return p
	}
	right := func(texts ...string) (all []data.Question) {
		for _, x := range texts {
			q := data.Question{Impossible: x == ""}
			if x != "" {
				q.Answers = []data.Answer{{Text: x}}
			}
			all = append(all, q)
		}
		return all
	}
	for _, x := range []struct {
		task      *AnswerTask
		p         pipeline.Predictions
		threshold float64
		f1        float64
		nothing   bool
	}{
		{&AnswerTask{Valid: right("b", "", "")}, predictions(-5, -3, -1), -5, 100, false},
		{&AnswerTask{Valid: right("b", "", "")}, predictions(5, 7, 9), 5, 100, false},
		{&AnswerTask{Valid: right("x", "", "")}, predictions(-5, -3, -1), -6, 200. / 3, true},
		{&AnswerTask{Valid: right("b", "b", "")}, predictions(-5, -3, -1), -3, 100, false},
	} {
		got := x.task.scores(x.p, true)
		if got["null_threshold"] != x.threshold || math.Abs(got["f1"]-x.f1) > 1e-9 || math.Abs(got["exact_match"]-x.f1) > 1e-9 {
			t.Errorf("%v; want f1 and exact match %v, threshold %v", got, x.f1, x.threshold)
		}
		if nothing := unanswered(x.p, got["null_threshold"]); nothing != x.nothing {
			t.Errorf("at the threshold %v nothing is answered: %v; want %v", got["null_threshold"], nothing, x.nothing)
		}
		s := metrics.SQuAD2(x.p.Against(x.task.Valid), metrics.SQuADWords, x.p.NullOdds(), got["null_threshold"])
		if s.F1 != got["f1"] || s.Exact != got["exact_match"] {
			t.Errorf("at the threshold %v: %v, %v; want %v", got["null_threshold"], s.F1, s.Exact, got)
		}
	}
}
