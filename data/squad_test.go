package data

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// squadText has questions of SQuAD 1.1 and 2.0 and the keys that others add. The code
// points of its first context are 0 ½, 1 space, 2 日, 3 本, 4 space, 5 a, 6 space, 7 𝄞, 8 a.
const squadText = `{"version": "v2.0", "extra": [1], "data": [
 {"title": "T", "paragraphs": [
  {"context": "½ 日本 a 𝄞a", "document_id": 3, "qas": [
   {"id": "q1", "question": "Where?", "question_type": "x", "answers": [{"text": "日本", "answer_start": 2, "answer_type": "y"}, {"text": "a", "answer_start": 8}]},
   {"id": "q2", "question": "Why?", "is_impossible": true, "answers": [], "plausible_answers": [{"text": "a", "answer_start": 5}]},
   {"id": "q3", "question": "Who?", "answers": [{"text": "a", "answer_start": 6}, {"text": "a", "answer_start": 7}, {"text": "½ 日", "answer_start": 99}]},
   {"id": "q4", "question": "Lost?", "answers": [{"text": "b", "answer_start": 0}, {"text": "", "answer_start": 0}]},
   {"id": "q5", "question": "Half?", "answers": [{"text": "b", "answer_start": 0}, {"text": "\ud834\udd1ea", "answer_start": -1}]},
   {"id": "q7", "question": "Before?", "answers": [{"text": "½", "answer_start": -1}]}]},
  {"context": "", "qas": [{"id": "q8", "question": "Of what?", "answers": [{"text": "a", "answer_start": 0}]}]}]},
 {"title": "U", "paragraphs": [{"context": "x", "qas": [{"id": "q6", "question": ""}]}]}]}`

func TestSQuADIsReadInBytes(t *testing.T) {
	const context = "½ 日本 a 𝄞a"
	question := func(id, text string, answers ...Answer) Question {
		return Question{ID: id, Title: "T", Text: text, Context: context, Answers: answers}
	}
	q2, q6 := question("q2", "Why?"), Question{ID: "q6", Title: "U", Context: "x", Impossible: true}
	q2.Impossible = true
	want := SQuAD{
		Questions: []Question{
			question("q1", "Where?", Answer{"日本", 3}, Answer{"a", 16}),
			q2,
			question("q3", "Who?", Answer{"a", 10}, Answer{"a", 16}, Answer{"½ 日", 0}),
			question("q4", "Lost?", Answer{"b", -1}, Answer{"", -1}),
			question("q5", "Half?", Answer{"b", -1}, Answer{"𝄞a", 12}),
			question("q7", "Before?", Answer{"½", 0}),
			{ID: "q8", Title: "T", Text: "Of what?", Answers: []Answer{{"a", -1}}},
			q6,
		},
	}
	for i, q := range want.Questions {
		want.Questions[i].Moved = slices.Contains([]string{"q3", "q5", "q7"}, q.ID)
		want.Questions[i].Lost = slices.Contains([]string{"q4", "q5", "q8"}, q.ID)
	}
	got, err := ReadSQuAD(writeTable(t, "s.json", "\ufeff"+squadText))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	half := want.Questions[4]
	half.Answers = half.Answers[1:]
	trained := []Question{want.Questions[0], q2, want.Questions[2], half, want.Questions[5], q6}
	if diff := cmp.Diff(trained, got.Trainable()); diff != "" {
		t.Errorf("to train with (-want +got):\n%s", diff)
	}
	if len(got.Questions[4].Answers) != 2 {
		t.Error("Trainable has changed the questions")
	}
}

// TestAnswersAreFoundAtTheNearestPlace compares with a search of all places.
func TestAnswersAreFoundAtTheNearestPlace(t *testing.T) {
	for _, text := range []string{"", "a", "aaaa", "abcabcab", "日本日本a日", "a日a本a"} {
		for _, part := range []string{"a", "aa", "ab", "日", "本日", "c", "日本日本a日", "b"} {
			for _, place := range byteOffsets(text) {
				distance := func(at int) int {
					return utf8.RuneCountInString(text[min(at, place):max(at, place)])
				}
				want := -1
				for i := range text {
					if strings.HasPrefix(text[i:], part) && (want < 0 || distance(i) < distance(want)) {
						want = i
					}
				}
				if got := nearest(text, part, place); got != want {
					t.Errorf("%q is nearest to %d of %q at %d; want %d", part, place, text, got, want)
				}
			}
		}
	}
}

func TestSQuADThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":         {"", ":1:1: unexpected end of JSON input; want JSON in the form of SQuAD"},
		"cut off":         {"{\n \"data\": [", ":2:10: unexpected end"},
		"a comma":         {"{\n \"日本\": [1,,]}", ":2:11: invalid character ','"},
		"a second object": {`{"data": []} {}`, ":1:14: invalid character '{' after top-level value"},
		"another form":    {`{"questions": []}`, "there are no questions; want the form of SQuAD"},
		"no paragraphs":   {`{"data": [{"title": "x"}]}`, "there are no questions"},
		"null":            {"null", "there are no questions"},
		"a list":          {"[]", ":1:1: the whole: found array, want an object"},
		"a number's text": {`{"data": [{"paragraphs": [{"context": "a", "qas": [{"id": 5}]}]}]}`, "data.paragraphs.qas.id"},
		"half a place":    {`{"data": [{"paragraphs": [{"context": "a", "qas": [{"id": "x", "answers": [{"answer_start": 0.5}]}]}]}]}`, "answer_start"},
		"answers of HF":   {`{"data": [{"paragraphs": [{"context": "a", "qas": [{"id": "x", "answers": {"text": ["a"]}}]}]}]}`, "qas.answers"},
		"no id":           {`{"data": [{}, {"paragraphs": [{"context": "a", "qas": [{"question": "Why?"}]}]}]}`, `: data[1].paragraphs[0]: the question "Why?" has no id`},
		"an id twice":     {`{"data": [{"paragraphs": [{"qas": [{"id": "x"}]}, {"qas": [{"id": "x"}]}]}]}`, `: data[0].paragraphs[1]: the id "x" is of an earlier question`},
		"bytes":           {"{\"data\": \"\xff\"}", ": not valid UTF-8"},
	} {
		path := writeTable(t, "s.json", test.text)
		_, err := ReadSQuAD(path)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "data: "+path+":") {
			t.Errorf("%s: error %v; want one with %q and the file's name", name, err, test.want)
		}
	}
	if _, err := ReadSQuAD(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("no error for a file that is not there")
	}
}

// TestSQuADCorpora reads real files where they are.
func TestSQuADCorpora(t *testing.T) {
	const dir = "../../shared/data"
	for name, want := range map[string]int{
		"xquad/xquad.en.json": 1190, "xquad/xquad.de.json": 1190, "jaquad/jaquad_dev_0000.json": 1029, "jaquad/jaquad_train_0000.json": 1002,
	} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			t.Skip("the corpora XQuAD and JaQuAD are not there")
		}
		s, err := ReadSQuAD(path)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := slices.IndexFunc(s.Questions, func(q Question) bool { return q.Moved || q.Lost })
		if len(s.Questions) != want || len(s.Trainable()) != want || elsewhere >= 0 {
			t.Errorf("%s: %d questions, %d to train with, number %d the first with an answer elsewhere; want %d, all in place", name, len(s.Questions), len(s.Trainable()), elsewhere, want)
		}
	}
}

func FuzzReadSQuAD(f *testing.F) {
	f.Add([]byte(squadText))
	f.Add([]byte(`{"data": [{"paragraphs": [{"context": "aab", "qas": [{"id": "x", "answers": [{"text": "b", "answer_start": -9223372036854775808}]}]}]}]}`))
	f.Add([]byte("{\"data\": [\n"))
	f.Add([]byte(`{"data": [{"paragraphs": [{"context": "\ud800a", "qas": [{"id": "\u0000", "answers": [{"text": "a", "answer_start": 9223372036854775807}]}]}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseSQuAD(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), ":") {
				t.Errorf("error %v; want a place in front", err)
			}
			return
		}
		for _, q := range s.Questions {
			for _, a := range q.Answers {
				if a.Start >= 0 && !strings.HasPrefix(q.Context[a.Start:], a.Text) {
					t.Errorf("%q is not at %d of %q", a.Text, a.Start, q.Context)
				}
				if a.Start < 0 && a.Text != "" && strings.Contains(q.Context, a.Text) {
					t.Errorf("%q is not found in %q", a.Text, q.Context)
				}
			}
		}
		if !utf8.Valid(text) || len(s.Questions) > bytes.Count(text, []byte("{")) {
			t.Errorf("%d questions of %q", len(s.Questions), text)
		}
	})
}
