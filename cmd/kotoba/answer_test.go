package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// smallAnswerer makes a folder of a small network with random weights and a head for
// answers, of windows up to 16 tokens.
func smallAnswerer(t *testing.T) string {
	t.Helper()
	words := strings.Fields("[PAD] [UNK] [CLS] [SEP] [MASK] a good bad film play was it ##s very ? .")
	r := rand.New(rand.NewPCG(1, 2))
	m, err := bert.New(bert.Config{
		Vocab: len(words), Dim: 16, Layers: 2, Heads: 2, FFN: 32, MaxLength: 16, Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.3,
	}, r)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.NewWordPiece(words, tokenizer.WordPieceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "model")
	if err := (&bert.Folder{Network: bert.NewAnswerer(m, r)}).Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := tok.SaveFolder(dir, 0); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runAnswer runs the command and returns what it prints.
func runAnswer(stdin string, args ...string) (string, error) {
	c := newAnswer()
	var out bytes.Buffer
	c.SetArgs(args)
	c.SetIn(strings.NewReader(stdin))
	c.SetOut(&out)
	c.SetErr(&out)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.Execute()
	return out.String(), err
}

func fromJSON(t *testing.T, text string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), to); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

const reviews = "It was a ½ good film. It was a very bad play. Films was good."

func TestAnswerPrintsWhatThePipelineFinds(t *testing.T) {
	dir := smallAnswerer(t)
	e, err := pipeline.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, err := e.Answer([]pipeline.QA{{Question: "good film?", Context: reviews}, {Question: "bad?", Context: reviews}}, pipeline.AnswerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	args := []string{dir, "--question", "good film?", "--question", "bad?", "--context", "-", "--json"}
	ignoreLogits := cmp.Transformer("printed", func(a pipeline.Answer) [4]any { return [4]any{a.Score, a.Start, a.End, a.Answer} })
	one, err := runAnswer(reviews, args...)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(one), "\n") {
		var got pipeline.Answer
		fromJSON(t, line, &got)
		if diff := cmp.Diff(want[i][0], got, ignoreLogits); diff != "" {
			t.Errorf("question %d (-want +got):\n%s", i, diff)
		}
		if part := string([]rune(reviews)[got.Start:got.End]); part != got.Answer {
			t.Errorf("question %d: %q is at the place of %q", i, part, got.Answer)
		}
	}
	several, err := runAnswer(reviews, append(args, "--top-k", "3")...)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(several), "\n") {
		var got []pipeline.Answer
		fromJSON(t, line, &got)
		if diff := cmp.Diff(want[i][:3], got, ignoreLogits); diff != "" {
			t.Errorf("question %d, the best three (-want +got):\n%s", i, diff)
		}
	}
	text, err := runAnswer(reviews, dir, "--question", "bad?", "--context", "-", "--null-threshold", "-1e9")
	if err != nil || !strings.HasSuffix(text, "  0-0  \n") {
		t.Errorf("%q, %v; want no answer", text, err)
	}
}

const twoQuestions = `{"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context": "` + reviews + `", "qas": [
 {"id": "z", "question": "What was good?", "answers": [{"text": "½ good film", "answer_start": 9}], "is_impossible": false},
 {"id": "a", "question": "Was it?", "answers": [], "is_impossible": IMPOSSIBLE}]}]}]}`

// TestAnswerScoresAFile compares files and scores with those of the pipeline and of metrics.
func TestAnswerScoresAFile(t *testing.T) {
	dir := smallAnswerer(t)
	at := func(name string) string { return filepath.Join(filepath.Dir(dir), name) }
	file := at("squad.json")
	putText(t, file, strings.Replace(twoQuestions, "IMPOSSIBLE", "true", 1))
	args := []string{dir, "--data", file, "--predictions", at("p.json"), "--nbest", at("n.json"), "--null-odds", at("o.json"), "--null-threshold", "0.5"}
	out, err := runAnswer("", args...)
	if err != nil {
		t.Fatal(err)
	}
	e, err := pipeline.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := e.Answer([]pipeline.QA{{Question: "What was good?", Context: reviews}, {Question: "Was it?", Context: reviews}}, pipeline.AnswerOptions{Null: true, NullThreshold: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline.Predictions{IDs: []string{"z", "a"}, Answers: answers}
	var got metrics.SQuAD2Scores
	fromJSON(t, out, &got)
	gold := []metrics.SQuADAnswer{{Gold: []string{"½ good film"}, Predicted: p.Texts()[0]}, {Predicted: p.Texts()[1]}}
	if diff := cmp.Diff(metrics.SQuAD2(gold, metrics.SQuADWords, p.NullOdds(), 1e9), got); diff != "" {
		t.Errorf("scores (-want +got):\n%s", diff)
	}
	var texts map[string]string
	var odds map[string]float64
	var nbest map[string][]struct{ Text string }
	fromJSON(t, takeText(t, at("p.json")), &texts)
	fromJSON(t, takeText(t, at("o.json")), &odds)
	fromJSON(t, takeText(t, at("n.json")), &nbest)
	for i, id := range p.IDs {
		if texts[id] != p.Texts()[i] || odds[id] != p.NullOdds()[i] || len(nbest[id]) != len(answers[i]) {
			t.Errorf("%s: %q, %v and %d answers; want %q, %v and %d", id, texts[id], odds[id], len(nbest[id]), p.Texts()[i], p.NullOdds()[i], len(answers[i]))
		}
	}
	if _, err := runAnswer("", args...); err == nil || !strings.Contains(err.Error(), "p.json exists") {
		t.Errorf("error %v for files that are there", err)
	}
	putText(t, file, strings.Replace(twoQuestions, `, "answers": [], "is_impossible": IMPOSSIBLE`, `, "answers": [{"text": "very bad", "answer_start": 31}]`, 1))
	if out, err = runAnswer("", dir, "--data", file, "--characters"); err != nil || !strings.HasPrefix(out, `{"exact_match":`) {
		t.Errorf("%s, %v; want the scores of SQuAD 1.1", out, err)
	}
	if _, err = runAnswer("", dir, "--data", file, "--null-odds", at("o2.json")); err == nil || !strings.Contains(err.Error(), "all questions") {
		t.Errorf("error %v for odds of nothing", err)
	}
}

func putText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func takeText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnswerSaysWhatItCannotWorkWith(t *testing.T) {
	dir := smallAnswerer(t)
	long := strings.Repeat("a good film ", 5)
	for want, args := range map[string][]string{
		"answer needs --question and --context, or --data": {dir, "--question", "a"},
		"leave out --question and --context":               {dir, "--data", "x", "--question", "a"},
		"--predictions, --nbest, --null-odds and --cha":    {dir, "--question", "a", "--context", "-", "--characters"},
		"--top-k is 0; want 1 to 20":                       {dir, "--question", "a", "--context", "-", "--top-k", "0"},
		"--context: open nosuch.txt":                       {dir, "--question", "a", "--context", "nosuch.txt"},
		"nosuch.json: no such file":                        {dir, "--data", "nosuch.json"},
		"the question has 15 tokens":                       {dir, "--question", long, "--context", "-"},
		"the longest window is 17 tokens":                  {dir, "--question", "a", "--context", "-", "--max-length", "17"},
		"--question 1: pipeline: the question or its cont": {dir, "--question", " ", "--context", "-"},
		"the name of the model is empty":                   {"", "--question", "a", "--context", "-"},
		"there is no folder nosuch":                        {"nosuch", "--question", "a", "--context", "-"},
	} {
		if _, err := runAnswer("a film", args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v; want one with %q", args[1:], err, want)
		}
	}
}
