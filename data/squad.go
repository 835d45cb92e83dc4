package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/kotoba-nlp/kotoba/internal/jsonerror"
)

// SQuAD is the questions of a file of the Stanford Question Answering Dataset, 1.1
// (Rajpurkar et al. 2016) or 2.0 (2018), or of one of its form, as XQuAD and JaQuAD.
type SQuAD struct{ Questions []Question }

// Question is a question about a text.
type Question struct {
	ID, Title, Text, Context string
	Answers                  []Answer // those of several people may differ
	Impossible               bool     // the context does not answer it
	// Moved and Lost say that answers are not where the file says: moved are elsewhere in
	// the context, and the nearest place is taken, lost are nowhere in it.
	Moved, Lost bool
}

// Answer is a part of a question's context.
type Answer struct {
	Text  string
	Start int // in bytes of the context; -1 where the context has no such text
}

// Trainable returns the questions that a model can learn from: those that cannot be
// answered, and those with an answer that is in the context. Of these answers only those
// in the context are left.
func (s SQuAD) Trainable() (all []Question) {
	for _, q := range s.Questions {
		var found []Answer
		for _, a := range q.Answers {
			if a.Start >= 0 {
				found = append(found, a)
			}
		}
		if q.Answers = found; q.Impossible || len(found) > 0 {
			all = append(all, q)
		}
	}
	return all
}

// ReadSQuAD reads a file of questions.
func ReadSQuAD(path string) (SQuAD, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return SQuAD{}, fmt.Errorf("data: %w", err)
	}
	s, err := parseSQuAD(text)
	if err != nil {
		return SQuAD{}, fmt.Errorf("data: %s%w", path, err)
	}
	return s, nil
}

// squadFile is what of a file is read. Start is in code points.
type squadFile struct {
	Data []struct {
		Title      string           `json:"title"`
		Paragraphs []squadParagraph `json:"paragraphs"`
	} `json:"data"`
}

type squadParagraph struct {
	Context   string `json:"context"`
	Questions []struct {
		ID         string `json:"id"`
		Question   string `json:"question"`
		Impossible bool   `json:"is_impossible"`
		Answers    []struct {
			Text  string `json:"text"`
			Start int    `json:"answer_start"`
		} `json:"answers"`
	} `json:"qas"`
}

// parseSQuAD reads questions. Errors begin with the place: ":line:column: ", or ": ".
func parseSQuAD(text []byte) (s SQuAD, err error) {
	text = bytes.TrimPrefix(text, []byte(ByteOrderMark))
	if !utf8.Valid(text) {
		return s, fmt.Errorf(": %w", errNotUTF8)
	}
	var f squadFile
	if err := json.Unmarshal(text, &f); err != nil {
		return s, fmt.Errorf("%s: %w; want JSON in the form of SQuAD", jsonPlace(text, err), jsonerror.Plain(err))
	}
	seen := map[string]bool{}
	for i, article := range f.Data {
		for j := range article.Paragraphs {
			for _, q := range s.add(article.Title, &article.Paragraphs[j]) {
				switch place := fmt.Sprintf("data[%d].paragraphs[%d]", i, j); {
				case q.ID == "":
					return s, fmt.Errorf(": %s: the question %.60q has no id; want one", place, q.Text)
				case seen[q.ID]:
					return s, fmt.Errorf(": %s: the id %.60q is of an earlier question; want one of its own", place, q.ID)
				}
				seen[q.ID] = true
			}
		}
	}
	if len(s.Questions) == 0 {
		return s, errors.New(`: there are no questions; want the form of SQuAD, {"data": [{"paragraphs": [{"context": ..., "qas": [{"id": ..., "question": ..., "answers": ...}]}]}]}`)
	}
	return s, nil
}

// add appends the questions of a paragraph and returns them.
func (s *SQuAD) add(title string, p *squadParagraph) []Question {
	before := len(s.Questions)
	bytesOf := byteOffsets(p.Context)
	for _, q := range p.Questions {
		x := Question{ID: q.ID, Title: title, Text: q.Question, Context: p.Context, Impossible: q.Impossible || len(q.Answers) == 0}
		for _, a := range q.Answers {
			claimed := bytesOf[min(max(a.Start, 0), len(bytesOf)-1)]
			start := nearest(p.Context, a.Text, claimed)
			x.Lost = x.Lost || start < 0
			x.Moved = x.Moved || start >= 0 && (start != claimed || a.Start < 0)
			x.Answers = append(x.Answers, Answer{a.Text, start})
		}
		s.Questions = append(s.Questions, x)
	}
	return s.Questions[before:]
}

// byteOffsets returns where each code point of a text begins, and its end.
func byteOffsets(text string) []int {
	offsets := make([]int, 0, utf8.RuneCountInString(text)+1)
	for i := range text {
		offsets = append(offsets, i)
	}
	return append(offsets, len(text))
}

// nearest returns where part occurs in text nearest to a place, counted in code points,
// the earlier of two that are as near, -1 where it does not occur or is empty.
func nearest(text, part string, place int) int {
	switch {
	case part == "":
		return -1
	case strings.HasPrefix(text[place:], part):
		return place
	}
	before := strings.LastIndex(text[:min(place+len(part)-1, len(text))], part) // begins before place
	after := strings.Index(text[place:], part)
	if after < 0 || before >= 0 && utf8.RuneCountInString(text[before:place]) <= utf8.RuneCountInString(text[place:place+after]) {
		return before
	}
	return place + after
}

// jsonPlace is the line and column of an error of encoding/json, "" where it tells none.
func jsonPlace(text []byte, err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var offset int
	switch {
	case errors.As(err, &syntax):
		offset = int(syntax.Offset)
	case errors.As(err, &kind):
		offset = int(kind.Offset)
	default:
		return ""
	}
	read := text[:min(max(offset-1, 0), len(text))]
	line := bytes.Count(read, []byte("\n")) + 1
	column := utf8.RuneCount(read[bytes.LastIndexByte(read, '\n')+1:]) + 1
	return fmt.Sprintf(":%d:%d", line, column)
}
