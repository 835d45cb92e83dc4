package metrics

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// SQuADAnswer is what is predicted for a question and what is right.
type SQuADAnswer struct {
	Gold      []string // right answers; none where the text does not answer the question
	Predicted string   // "" for no answer
}

// SQuADUnit is what F1 counts.
type SQuADUnit int

const (
	// SQuADWords are those of the official scripts, between white space.
	SQuADWords SQuADUnit = iota
	// SQuADCharacters are for languages without spaces, such as Japanese, where a whole
	// answer is one word for the scripts: the code points of the normalised answer but for
	// white space. Exact match is the same. (The notebook that comes with JaQuAD counts
	// tokens of its model and their places, which cannot be compared between models.)
	SQuADCharacters
)

// SQuAD1Scores are what the official script of SQuAD 1.1 prints, in percent.
type SQuAD1Scores struct {
	ExactMatch float64 `json:"exact_match"`
	F1         float64 `json:"f1"`
}

// SQuAD2Scores are what the official script of SQuAD 2.0 prints, in percent but for
// totals and thresholds.
type SQuAD2Scores struct {
	Exact float64 `json:"exact"`
	F1    float64 `json:"f1"`
	Total int     `json:"total"`
	*SQuADHasAns
	*SQuADNoAns
	*SQuADBest
}

// SQuADHasAns are the scores of the questions that have answers; nil where none has.
type SQuADHasAns struct {
	HasAnsExact float64 `json:"HasAns_exact"`
	HasAnsF1    float64 `json:"HasAns_f1"`
	HasAnsTotal int     `json:"HasAns_total"`
}

// SQuADNoAns are the scores of the questions that have none; nil where all have.
type SQuADNoAns struct {
	NoAnsExact float64 `json:"NoAns_exact"`
	NoAnsF1    float64 `json:"NoAns_f1"`
	NoAnsTotal int     `json:"NoAns_total"`
}

// SQuADBest are the scores with the thresholds of no answer that are best for them; nil
// where nothing is known of how probable no answer is.
type SQuADBest struct {
	BestExact       float64 `json:"best_exact"`
	BestExactThresh float64 `json:"best_exact_thresh"`
	BestF1          float64 `json:"best_f1"`
	BestF1Thresh    float64 `json:"best_f1_thresh"`
}

// SQuAD1 returns exact match and F1 as the official script of SQuAD 1.1, evaluate-v1.1.py,
// computes them (Rajpurkar et al. 2016, section 6.1): the best over the right answers of
// each question, and the mean over questions. A question without a right answer, which the
// script does not take, counts as one whose answer is "".
func SQuAD1(answers []SQuADAnswer, unit SQuADUnit) SQuAD1Scores {
	var exact, f1 float64
	for _, a := range answers {
		gold := a.Gold
		if len(gold) == 0 {
			gold = []string{""}
		}
		x, f := unit.best(a.Predicted, gold, unit.overlap)
		exact, f1 = exact+x, f1+f
	}
	total := float64(max(len(answers), 1))
	return SQuAD1Scores{100 * exact / total, 100 * f1 / total}
}

// SQuAD2 returns scores as the official script of SQuAD 2.0, evaluate-v2.0.py, computes
// them (Rajpurkar et al. 2018). noAnswer says how probable no answer is, for each
// question, or is another number that grows with it, as the odds of no answer of BERT;
// where it is above threshold, 1 in the script, no answer counts as predicted. Without it,
// nil, predictions count as they are. Of equal numbers those of earlier questions come
// first in the search for the best thresholds.
func SQuAD2(answers []SQuADAnswer, unit SQuADUnit, noAnswer []float64, threshold float64) SQuAD2Scores {
	if noAnswer != nil {
		mustPair("SQuAD2", len(answers), len(noAnswer))
	}
	exact, f1 := make([]float64, len(answers)), make([]float64, len(answers))
	var all, has, none split
	for i, a := range answers {
		exact[i], f1[i] = unit.best(a.Predicted, nonEmpty(a.Gold), unit.overlapOrNone)
		x, f := exact[i], f1[i]
		answerable := len(a.Gold) > 0
		if noAnswer != nil && noAnswer[i] > threshold {
			x = truth(!answerable)
			f = x
		}
		all.add(x, f)
		if answerable {
			has.add(x, f)
		} else {
			none.add(x, f)
		}
	}
	var s SQuAD2Scores
	s.Exact, s.F1, s.Total = all.means()
	if has.total > 0 {
		s.SQuADHasAns = &SQuADHasAns{}
		s.HasAnsExact, s.HasAnsF1, s.HasAnsTotal = has.means()
	}
	if none.total > 0 {
		s.SQuADNoAns = &SQuADNoAns{}
		s.NoAnsExact, s.NoAnsF1, s.NoAnsTotal = none.means()
	}
	if len(noAnswer) > 0 {
		s.SQuADBest = &SQuADBest{}
		s.BestExact, s.BestExactThresh = bestThreshold(answers, exact, noAnswer)
		s.BestF1, s.BestF1Thresh = bestThreshold(answers, f1, noAnswer)
	}
	return s
}

// split sums scores of some of the questions.
type split struct {
	exact, f1 float64
	total     int
}

func (s *split) add(exact, f1 float64) {
	s.exact, s.f1, s.total = s.exact+exact, s.f1+f1, s.total+1
}

// means are in percent.
func (s *split) means() (exact, f1 float64, total int) {
	n := float64(max(s.total, 1))
	return 100 * s.exact / n, 100 * s.f1 / n, s.total
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// nonEmpty returns the answers of which something is left when they are normalised, or
// else "", the right answer where there is none.
func nonEmpty(gold []string) (left []string) {
	for _, g := range gold {
		if normalizeAnswer(g) != "" {
			left = append(left, g)
		}
	}
	if left == nil {
		return []string{""}
	}
	return left
}

// bestThreshold returns the best mean of scores, in percent, over all thresholds, and the
// threshold: the questions up to it keep their predictions, and no answer counts as
// predicted for the others. Up to where a question has no answer, predicting one loses
// what predicting none had won.
func bestThreshold(answers []SQuADAnswer, scores, noAnswer []float64) (best, threshold float64) {
	order := make([]int, len(answers))
	sum := 0.0
	for i, a := range answers {
		order[i] = i
		sum += truth(len(a.Gold) == 0)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(noAnswer[a], noAnswer[b]) })
	best = sum
	for _, i := range order {
		if len(answers[i].Gold) > 0 {
			sum += scores[i]
		} else if answers[i].Predicted != "" {
			sum--
		}
		if sum > best {
			best, threshold = sum, noAnswer[i]
		}
	}
	return 100 * best / float64(max(len(answers), 1)), threshold
}

// best returns exact match and F1 of a prediction, the best over the right answers.
func (u SQuADUnit) best(predicted string, gold []string, f func(predicted, gold string) float64) (exact, f1 float64) {
	predicted = normalizeAnswer(predicted)
	for _, g := range gold {
		g = normalizeAnswer(g)
		exact = max(exact, truth(g == predicted))
		f1 = max(f1, f(predicted, g))
	}
	return exact, f1
}

// overlap is F1 of two normalised answers: the harmonic mean of precision and recall of
// the units that they share, as many times as both have them; 0 where they share none.
func (u SQuADUnit) overlap(predicted, gold string) float64 {
	p, g := u.units(predicted), u.units(gold)
	left := map[string]int{}
	for _, w := range g {
		left[w]++
	}
	same := 0
	for _, w := range p {
		if left[w] > 0 {
			left[w]--
			same++
		}
	}
	if same == 0 {
		return 0
	}
	precision, recall := float64(same)/float64(len(p)), float64(same)/float64(len(g))
	return 2 * precision * recall / (precision + recall)
}

// overlapOrNone is overlap, and 1 where both are no answer.
func (u SQuADUnit) overlapOrNone(predicted, gold string) float64 {
	if predicted == "" || gold == "" {
		return truth(predicted == gold)
	}
	return u.overlap(predicted, gold)
}

func (u SQuADUnit) units(normalized string) []string {
	if u == SQuADCharacters {
		return strings.Split(strings.ReplaceAll(normalized, " ", ""), "")
	}
	return strings.FieldsFunc(normalized, isSpace)
}

// asciiPunctuation is string.punctuation of Python.
const asciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// normalizeAnswer is normalize_answer of the official scripts: lower case, no ASCII
// punctuation, no English articles, single spaces.
func normalizeAnswer(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && strings.IndexByte(asciiPunctuation, byte(r)) >= 0 {
			return -1
		}
		return r
	}, lower(s))
	return strings.Join(strings.FieldsFunc(dropArticles(s), isSpace), " ")
}

// dropArticles puts a space for each a, an or the that is a word by itself, of what \w of
// Python matches: \b(a|an|the)\b.
func dropArticles(s string) string {
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, isWord)
		if n < 0 {
			n = len(s)
		}
		b.WriteString(s[:n])
		s = s[n:]
		if n = strings.IndexFunc(s, func(r rune) bool { return !isWord(r) }); n < 0 {
			n = len(s)
		}
		switch word := s[:n]; word {
		case "a", "an", "the":
			b.WriteByte(' ')
		default:
			b.WriteString(word)
		}
		s = s[n:]
	}
	return b.String()
}

// isWord reports what \w of Python matches.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_' }
