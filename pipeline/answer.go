package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// QA is a question and the text that may answer it.
type QA struct{ Question, Context string }

// AnswerOptions say how answers are found. Zero values are those of the paper's code.
type AnswerOptions struct {
	WindowOptions
	NBest     int // starts and ends of each window that are looked at, and answers returned; 0: 20
	MaxAnswer int // longest answer, in tokens; 0: 30
	// Null lets a question have no answer, as SQuAD 2.0 does: "" is an answer then.
	Null bool
	// NullThreshold is by how much the score of no answer must be above that of the best
	// answer for "" to be predicted (section 4.3, τ with the other sign).
	NullThreshold float64
	// Logits, if not nil, is given the logits of an answer starting and ending at each place
	// of a window. Windows are counted from 0 over all questions, and come in any order.
	Logits func(window int, starts, ends []float64)
}

// Answer is a part of a context that may answer a question.
type Answer struct {
	Score  float64 `json:"score"` // probability among the answers returned
	Start  int     `json:"start"` // in characters, code points of the context, as Python counts
	End    int     `json:"end"`
	Answer string  `json:"answer"` // the text from start to end; "" for no answer
	// The logits of its first and last token, of [CLS] for no answer.
	StartLogit float64 `json:"-"`
	EndLogit   float64 `json:"-"`
}

// logit is the score of an answer: S·T_i + E·T_j (section 4.2).
func (a Answer) logit() float64 { return a.StartLogit + a.EndLogit }

func compareLogits(a, b Answer) int { return cmp.Compare(a.logit(), b.logit()) }

// Answer returns the best answers to each question, up to NBest of different text. The
// first is what is predicted; the others follow by score. With Null, "" is among them,
// beyond NBest if need be. Where none of the best starts and ends go together, or a question
// or its context is empty, the only answer is "" with score 0.
func (e *Encoder) Answer(questions []QA, o AnswerOptions) ([][]Answer, error) {
	if e.Network.Answer == nil {
		return nil, errors.New("pipeline: the model has no head for answers (qa_outputs); want one that was trained on questions")
	}
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	windows := make([][]Window, len(questions))
	var inputs []Input
	for i, q := range questions {
		if windows[i], err = e.Windows(q.Question, q.Context, o.WindowOptions); err != nil && !errors.Is(err, ErrBlank) {
			return nil, fmt.Errorf("%w (question %d)", err, i+1)
		}
		for _, w := range windows[i] {
			inputs = append(inputs, w.Input)
		}
	}
	readings := make([]reading, len(inputs))
	err = e.Encode(inputs, nil, func(p bert.Pass, x *tensor.Tensor, s tensor.Segments, which []int) error {
		logits := e.Network.Spans(p, x)
		if err := checkNumbers(logits.Data); err != nil {
			return err
		}
		for i, input := range which {
			c := columns(logits, s[i], s[i+1])
			if o.Logits != nil {
				o.Logits(input, c[0], c[1])
			}
			readings[input] = read(c, o.NBest)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	results := make([][]Answer, len(questions))
	for i, q := range questions {
		n := len(windows[i])
		results[i] = decode(q.Context, windows[i], readings[:n], o)
		readings = readings[n:]
	}
	return results, nil
}

// Validate says what of the options cannot be, but for the windows.
func (o AnswerOptions) Validate() error {
	_, err := o.filled()
	return err
}

// filled returns options without zeros, but for the windows.
func (o AnswerOptions) filled() (AnswerOptions, error) {
	o.NBest, o.MaxAnswer = cmp.Or(o.NBest, 20), cmp.Or(o.MaxAnswer, 30)
	switch {
	case o.NBest < 1:
		return o, fmt.Errorf("pipeline: the best %d answers are asked for; want at least 1", o.NBest)
	case o.MaxAnswer < 1:
		return o, fmt.Errorf("pipeline: answers may have %d tokens; want at least 1", o.MaxAnswer)
	case math.IsNaN(o.NullThreshold):
		return o, errors.New("pipeline: the threshold of no answer is not a number; want one")
	}
	return o, nil
}

// columns returns the logits of starts and of ends of some tokens.
func columns(logits *tensor.Tensor, from, to int) (c [2][]float64) {
	for r := from; r < to; r++ {
		for i, x := range logits.Row(r) {
			c[i] = append(c[i], float64(x))
		}
	}
	return c
}

// reading is what is kept of the logits of a window: the places with the highest ones of
// starts and of ends, the highest first, and those of [CLS].
type reading struct {
	places [2][]int
	logits [2][]float64
	null   [2]float64
}

func read(logits [2][]float64, n int) (r reading) {
	for i, all := range logits {
		r.places[i] = best(all, n)
		for _, place := range r.places[i] {
			r.logits[i] = append(r.logits[i], all[place])
		}
		r.null[i] = all[0]
	}
	return r
}

// candidate is a possible answer: tokens from and to, the last one, of the context, or
// none where both are -1.
type candidate struct {
	from, to   int
	start, end float64 // logits
}

func (c candidate) logit() float64 { return c.start + c.end }

// candidates returns the answers that the best starts and ends of a window make
// (write_predictions of run_squad.py): in the context, the end not before the start, not
// longer than most tokens, and the start with the most context of all windows.
func (r reading) candidates(w Window, most int) (all []candidate) {
	token := func(place int) (t int, ok bool) {
		t = place - w.First + w.From
		return t, w.From <= t && t < w.To
	}
	for i, start := range r.places[0] {
		from, ok := token(start)
		if !ok || !w.Central[from-w.From] {
			continue
		}
		for j, end := range r.places[1] {
			if to, ok := token(end); ok && from <= to && to-from < most {
				all = append(all, candidate{from, to, r.logits[0][i], r.logits[1][j]})
			}
		}
	}
	return all
}

// decode returns the best answers of all windows of a context.
func decode(context string, windows []Window, readings []reading, o AnswerOptions) []Answer {
	if len(windows) == 0 {
		return []Answer{{}}
	}
	var all []candidate
	null := candidate{-1, -1, math.Inf(1), 0} // the window that is least sure that there is none
	for i, w := range windows {
		all = append(all, readings[i].candidates(w, o.MaxAnswer)...)
		if c := (candidate{-1, -1, readings[i].null[0], readings[i].null[1]}); c.logit() < null.logit() {
			null = c
		}
	}
	if o.Null {
		all = append(all, null)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.logit(), a.logit()) })
	var answers []Answer
	seen := map[string]bool{}
	add := func(c candidate) {
		if a := c.cut(context, windows); !seen[a.Answer] && (a.Answer != "" || c.from < 0) {
			seen[a.Answer] = true
			answers = append(answers, a)
		}
	}
	for _, c := range all {
		if len(answers) == o.NBest {
			break
		}
		add(c)
	}
	if o.Null {
		add(null)
	}
	if len(answers) == 0 {
		return []Answer{{}}
	}
	setScores(answers)
	if o.Null && nullOdds(answers) > o.NullThreshold {
		toFront(answers, func(a Answer) bool { return a.Answer == "" })
	} else {
		toFront(answers, func(a Answer) bool { return a.Answer != "" })
	}
	return answers
}

// cut returns the part of the context that a candidate is.
func (c candidate) cut(context string, windows []Window) Answer {
	a := Answer{StartLogit: c.start, EndLogit: c.end}
	if c.from >= 0 {
		tokens := windows[0].Tokens
		start := tokens[c.from].Start
		end := max(tokens[c.to].End, start)
		a.Answer = context[start:end]
		a.Start = utf8.RuneCountInString(context[:start])
		a.End = a.Start + utf8.RuneCountInString(a.Answer)
	}
	return a
}

// setScores sets the scores of answers: a softmax of their logits.
func setScores(answers []Answer) {
	logits := make([]float64, len(answers))
	for i, a := range answers {
		logits[i] = a.logit()
	}
	for i, p := range softmax(logits) {
		answers[i].Score = p
	}
}

// toFront moves the first answer of a kind to the front, where there is one.
func toFront(answers []Answer, is func(Answer) bool) {
	if i := slices.IndexFunc(answers, is); i > 0 {
		a := answers[i]
		copy(answers[1:i+1], answers[:i])
		answers[0] = a
	}
}

// nullOdds is the score of no answer less that of the best answer (section 4.3), which
// counts as 0 where there is none.
func nullOdds(answers []Answer) float64 {
	var null, best Answer
	for _, a := range answers {
		switch {
		case a.Answer == "":
			null = a
		case best.Answer == "" || a.logit() > best.logit():
			best = a
		}
	}
	return null.logit() - best.StartLogit - best.EndLogit
}
