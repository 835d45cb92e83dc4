package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/metrics"
)

// Predictions are the answers to the questions of a file, in its order: what the official
// scripts of SQuAD evaluate, in the files that the paper's code, run_squad.py, writes.
type Predictions struct {
	IDs     []string
	Answers [][]Answer // as Encoder.Answer returns them
}

// Texts returns the answer that is predicted to each question, "" for none.
func (p Predictions) Texts() []string {
	var all []string
	for _, answers := range p.Answers {
		all = append(all, answers[0].Answer)
	}
	return all
}

// Against returns what is predicted for some questions beside what is right.
func (p Predictions) Against(questions []data.Question) []metrics.SQuADAnswer {
	var all []metrics.SQuADAnswer
	for i, text := range p.Texts() {
		x := metrics.SQuADAnswer{Predicted: text}
		for _, right := range questions[i].Answers {
			x.Gold = append(x.Gold, right.Text)
		}
		all = append(all, x)
	}
	return all
}

// NullOdds returns the score of no answer less that of the best answer to each question
// (section 4.3), which counts as 0 where there is none. The official script takes it for how
// probable no answer is. The answers must be of options with Null.
func (p Predictions) NullOdds() []float64 {
	var all []float64
	for _, answers := range p.Answers {
		all = append(all, nullOdds(answers))
	}
	return all
}

// Write writes predictions.json: the answer to each question by its id.
func (p Predictions) Write(w io.Writer) error { return writeMap(w, p.IDs, p.Texts()) }

// WriteNullOdds writes null_odds.json: NullOdds by id.
func (p Predictions) WriteNullOdds(w io.Writer) error { return writeMap(w, p.IDs, p.NullOdds()) }

// nbestEntry is an answer in nbest_predictions.json.
type nbestEntry struct {
	Text        string  `json:"text"`
	Probability float64 `json:"probability"`
	StartLogit  float64 `json:"start_logit"`
	EndLogit    float64 `json:"end_logit"`
}

// WriteNBest writes nbest_predictions.json: all answers to each question by its id, the
// most probable first.
func (p Predictions) WriteNBest(w io.Writer) error {
	var all [][]nbestEntry
	for _, answers := range p.Answers {
		answers = slices.Clone(answers)
		slices.SortStableFunc(answers, func(a, b Answer) int { return compareLogits(b, a) })
		var entries []nbestEntry
		for _, a := range answers {
			entries = append(entries, nbestEntry{a.Answer, a.Score, a.StartLogit, a.EndLogit})
		}
		all = append(all, entries)
	}
	return writeMap(w, p.IDs, all)
}

// writeMap writes an object of JSON with the keys in their order.
func writeMap[T any](w io.Writer, keys []string, values []T) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("    ", "    ")
	put := func(x any) error {
		if err := e.Encode(x); err != nil {
			return fmt.Errorf("pipeline: %w", err)
		}
		b.Truncate(b.Len() - 1) // the end of the line
		return nil
	}
	b.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		if err := put(key); err != nil {
			return err
		}
		b.WriteString(": ")
		if err := put(values[i]); err != nil {
			return err
		}
	}
	b.WriteString("\n}\n")
	_, err := w.Write(b.Bytes())
	return err
}
