package metrics

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// charOrder is the length of the longest character n-grams of chrF, and beta
// the weight of recall against precision.
const (
	charOrder = 6
	beta      = 2
)

// ChrFConfig says which variant of chrF to compute. The zero value is chrF2,
// the default of sacreBLEU.
type ChrFConfig struct {
	// WordOrder is the length of the longest word n-grams: 0 for chrF, 2 for
	// chrF++.
	WordOrder int
	// Lowercase makes the score blind to letter case.
	Lowercase bool
}

// ChrF is a character n-gram F-score: Popović, "chrF: character n-gram F-score
// for automatic MT evaluation" (2015), and "chrF++: words helping character
// n-grams" (2017).
type ChrF struct {
	// Score is in [0, 100].
	Score float64
	// WordOrder is that of the configuration.
	WordOrder int
}

// Corpus scores a corpus. Each of refs holds one reference for every
// hypothesis. It reports an error where their lengths differ or the corpus is
// empty.
func (c ChrFConfig) Corpus(hyp []string, refs ...[]string) (ChrF, error) {
	segments, err := c.segments(hyp, refs)
	if err != nil {
		return ChrF{}, err
	}
	return ChrF{c.score(sumSegments(segments)), c.WordOrder}, nil
}

// Sentence scores one sentence by itself.
func (c ChrFConfig) Sentence(hyp string, refs ...string) (ChrF, error) {
	return c.Corpus([]string{hyp}, columns(refs)...)
}

// Signature returns the line that sacreBLEU prints for others to reproduce a
// score by.
func (c ChrFConfig) Signature(r Run) string {
	return r.signature(caseField(c.Lowercase), "eff:yes", fmt.Sprintf("nc:%d", charOrder),
		fmt.Sprintf("nw:%d", c.WordOrder), "space:no")
}

// String returns the score as sacreBLEU prints it, with two digits.
func (f ChrF) String() string { return f.Format(2, "", Interval{}) }

// Format returns the line that sacreBLEU prints, with the given number of
// digits. An empty signature and a zero interval are left out.
func (f ChrF) Format(digits int, signature string, ci Interval) string {
	name := fmt.Sprintf("chrF%d%s", beta, strings.Repeat("+", f.WordOrder))
	return format(name, f.Score, digits, signature, ci)
}

func (c ChrFConfig) score(sum []float64) float64   { return chrF(sum) }
func (c ChrFConfig) score32(sum []float32) float64 { return float64(chrF(sum)) }

// segments returns, for each order, the n-grams of the hypothesis, those of
// the reference and the matches, taking the reference with the best score.
func (c ChrFConfig) segments(hyp []string, refs [][]string) ([][]int, error) {
	if err := checkSegments(hyp, refs); err != nil {
		return nil, err
	}
	if c.WordOrder < 0 {
		return nil, fmt.Errorf("metrics: word order of chrF is %d, want 0 or more", c.WordOrder)
	}
	segments := make([][]int, len(hyp))
	for i := range hyp {
		h, best := c.ngrams(hyp[i]), -1.0
		for _, ref := range refs {
			counts := chrFSegment(h, c.ngrams(ref[i]))
			if s := c.score(sumSegments([][]int{counts})); s > best {
				segments[i], best = counts, s
			}
		}
	}
	return segments, nil
}

// ngrams counts the n-grams of a segment, of characters and then of words, for
// each order.
func (c ChrFConfig) ngrams(segment string) []map[string]int {
	if c.Lowercase {
		segment = lower(segment)
	}
	fields := strings.FieldsFunc(segment, isSpace)
	chars := strings.Split(strings.Join(fields, ""), "")
	var grams []map[string]int
	for n := 1; n <= charOrder; n++ {
		counts := make(map[string]int, len(chars))
		for i := 0; i+n <= len(chars); i++ {
			counts[strings.Join(chars[i:i+n], "")]++
		}
		grams = append(grams, counts)
	}
	words := splitPunctuation(fields)
	for n := 1; n <= c.WordOrder; n++ {
		grams = append(grams, wordNgrams(words, n))
	}
	return grams
}

// splitPunctuation separates one mark of ASCII punctuation from the end of
// each word, or else from its beginning.
func splitPunctuation(fields []string) []string {
	var words []string
	for _, w := range fields {
		last := len(w) - 1
		switch {
		case utf8.RuneCountInString(w) == 1:
			words = append(words, w)
		case strings.IndexByte(asciiPunctuation, w[last]) >= 0:
			words = append(words, w[:last], w[last:])
		case strings.IndexByte(asciiPunctuation, w[0]) >= 0:
			words = append(words, w[:1], w[1:])
		default:
			words = append(words, w)
		}
	}
	return words
}

func chrFSegment(hyp, ref []map[string]int) []int {
	counts := make([]int, 0, 3*len(hyp))
	for n := range hyp {
		inHyp, inRef, match := 0, 0, 0
		for gram, count := range hyp[n] {
			inHyp += count
			match += min(count, ref[n][gram])
		}
		for _, count := range ref[n] {
			inRef += count
		}
		if inRef == 0 {
			inHyp = 0
		}
		counts = append(counts, inHyp, inRef, match)
	}
	return counts
}

// chrF computes the score from summed counts, as segments orders them, in the
// precision of F. Orders that hypotheses or references have no n-gram of do
// not count.
func chrF[F float32 | float64](sum []F) F {
	var precision, recall, orders F
	for i := 0; i < len(sum); i += 3 {
		inHyp, inRef, match := sum[i], sum[i+1], sum[i+2]
		if inHyp > 0 && inRef > 0 {
			precision += match / inHyp
			recall += match / inRef
			orders++
		}
	}
	if precision+recall == 0 {
		return 0
	}
	precision /= orders
	recall /= orders
	return 100 * ((1 + beta*beta) * precision * recall / (F(beta*beta*precision) + recall))
}
