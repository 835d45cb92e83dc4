package metrics

import (
	"fmt"
	"math"
	"strings"
)

// maxOrder is the length of the longest n-grams of BLEU.
const maxOrder = 4

// Smooth names what BLEU does about n-gram orders without a match, after Chen
// and Cherry, "A Systematic Comparison of Smoothing Techniques for
// Sentence-Level BLEU" (2014).
type Smooth string

// The smoothing methods.
const (
	SmoothExp   Smooth = "exp"   // method 3: 1/2, 1/4, ... of a match; the default
	SmoothFloor Smooth = "floor" // method 1: SmoothValue of a match
	SmoothAddK  Smooth = "add-k" // method 2: SmoothValue more matches and n-grams for n > 1
	SmoothNone  Smooth = "none"  // the score is 0
)

// BLEUConfig says which variant of BLEU to compute. The zero value is the
// default of sacreBLEU.
type BLEUConfig struct {
	// Tokenize splits segments into words; zero means Tokenize13a.
	Tokenize Tokenize
	// Lowercase makes the score blind to letter case.
	Lowercase bool
	// Smooth is the smoothing method; zero means SmoothExp.
	Smooth Smooth
	// SmoothValue is the value of SmoothFloor and SmoothAddK; zero means 0.1
	// and 1.
	SmoothValue float64
	// EffectiveOrder leaves out the orders longer than the hypothesis. It is
	// advised for scores of single sentences.
	EffectiveOrder bool
}

// BLEU is a score with what it was computed from: Papineni et al., "BLEU: a
// Method for Automatic Evaluation of Machine Translation" (2002).
type BLEU struct {
	// Score is in [0, 100].
	Score float64
	// Precisions are the modified n-gram precisions, in percent, for n of 1 to
	// 4.
	Precisions [maxOrder]float64
	// BP is the brevity penalty.
	BP float64
	// SysLen and RefLen are the lengths in words of the hypotheses and of the
	// closest references.
	SysLen, RefLen int
}

// Corpus scores a corpus. Each of refs holds one reference for every
// hypothesis. It reports an error where their lengths differ or the corpus is
// empty.
func (c BLEUConfig) Corpus(hyp []string, refs ...[]string) (BLEU, error) {
	segments, err := c.segments(hyp, refs)
	if err != nil {
		return BLEU{}, err
	}
	return bleu(c, sumSegments(segments)), nil
}

// Sentence scores one sentence by itself. Set EffectiveOrder for it.
func (c BLEUConfig) Sentence(hyp string, refs ...string) (BLEU, error) {
	return c.Corpus([]string{hyp}, columns(refs)...)
}

// columns turns the references of one sentence into those of a corpus.
func columns(refs []string) [][]string {
	all := make([][]string, len(refs))
	for i, ref := range refs {
		all[i] = []string{ref}
	}
	return all
}

// Signature returns the line that sacreBLEU prints for others to reproduce a
// score by.
func (c BLEUConfig) Signature(r Run) string {
	eff := "eff:no"
	if c.EffectiveOrder {
		eff = "eff:yes"
	}
	tok := c.Tokenize
	if tok == "" {
		tok = Tokenize13a
	}
	smooth := "smooth:" + string(c.smooth())
	if s := c.smooth(); s == SmoothFloor || s == SmoothAddK {
		smooth += fmt.Sprintf("[%.2f]", c.smoothValue())
	}
	return r.signature(caseField(c.Lowercase), eff, "tok:"+string(tok), smooth)
}

// String returns the score as sacreBLEU prints it, with two digits.
func (b BLEU) String() string { return b.Format(2, "", Interval{}) }

// Format returns the line that sacreBLEU prints, with the given number of
// digits. An empty signature and a zero interval are left out.
func (b BLEU) Format(digits int, signature string, ci Interval) string {
	precisions := make([]string, maxOrder)
	for i, p := range b.Precisions {
		precisions[i] = fmt.Sprintf("%.1f", p)
	}
	ratio := 0.0
	if b.RefLen > 0 {
		ratio = float64(b.SysLen) / float64(b.RefLen)
	}
	return fmt.Sprintf("%s %s (BP = %.3f ratio = %.3f hyp_len = %d ref_len = %d)",
		format("BLEU", b.Score, digits, signature, ci),
		strings.Join(precisions, "/"), b.BP, ratio, b.SysLen, b.RefLen)
}

func (c BLEUConfig) smooth() Smooth {
	if c.Smooth == "" {
		return SmoothExp
	}
	return c.Smooth
}

func (c BLEUConfig) smoothValue() float64 {
	switch {
	case c.SmoothValue != 0:
		return c.SmoothValue
	case c.smooth() == SmoothFloor:
		return 0.1
	}
	return 1
}

func (c BLEUConfig) score(sum []float64) float64   { return bleu(c, sum).Score }
func (c BLEUConfig) score32(sum []float32) float64 { return bleu(c, sum).Score }

// segments returns the lengths of hypothesis and closest reference, the
// matches of each order and the n-grams of each order.
func (c BLEUConfig) segments(hyp []string, refs [][]string) ([][]int, error) {
	if err := checkSegments(hyp, refs); err != nil {
		return nil, err
	}
	switch c.smooth() {
	case SmoothExp, SmoothFloor, SmoothAddK, SmoothNone:
	default:
		return nil, fmt.Errorf("metrics: unknown smoothing %q, want one of exp, floor, add-k, none", string(c.Smooth))
	}
	segments := make([][]int, len(hyp))
	for i := range hyp {
		h, err := c.words(hyp[i])
		if err != nil {
			return nil, err
		}
		rs := make([][]string, len(refs))
		for j := range refs {
			if rs[j], err = c.words(refs[j][i]); err != nil {
				return nil, err
			}
		}
		segments[i] = bleuSegment(h, rs)
	}
	return segments, nil
}

func (c BLEUConfig) words(segment string) ([]string, error) {
	if c.Lowercase {
		segment = lower(segment)
	}
	return c.Tokenize.words(segment)
}

// bleuSegment counts one segment. An n-gram matches as often as the reference
// that has it most often allows.
func bleuSegment(hyp []string, refs [][]string) []int {
	counts := make([]int, 2+2*maxOrder)
	counts[0], counts[1] = len(hyp), closest(len(hyp), refs)
	for n := 1; n <= maxOrder; n++ {
		allowed := map[string]int{}
		for _, ref := range refs {
			for gram, count := range wordNgrams(ref, n) {
				allowed[gram] = max(allowed[gram], count)
			}
		}
		for gram, count := range wordNgrams(hyp, n) {
			counts[1+n] += min(count, allowed[gram])
			counts[1+maxOrder+n] += count
		}
	}
	return counts
}

// closest returns the length of the reference closest in length to a
// hypothesis of n words, the shorter one of two.
func closest(n int, refs [][]string) int {
	best := len(refs[0])
	for _, ref := range refs[1:] {
		d, least := abs(len(ref)-n), abs(best-n)
		if d < least || d == least && len(ref) < best {
			best = len(ref)
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// wordNgrams counts the n-grams of words.
func wordNgrams(words []string, n int) map[string]int {
	grams := make(map[string]int, len(words))
	for i := 0; i+n <= len(words); i++ {
		grams[strings.Join(words[i:i+n], " ")]++
	}
	return grams
}

// bleu computes the score from summed counts, as segments orders them, in the
// precision of F.
func bleu[F float32 | float64](c BLEUConfig, sum []F) BLEU {
	b := BLEU{BP: 1, SysLen: int(sum[0]), RefLen: int(sum[1])}
	if b.SysLen < b.RefLen {
		b.BP = 0
		if b.SysLen > 0 {
			b.BP = math.Exp(1 - float64(b.RefLen)/float64(b.SysLen))
		}
	}
	matches, totals := sum[2:2+maxOrder], sum[2+maxOrder:]
	if matches[0] == 0 { // then there are no longer matches either
		return b
	}
	order, halving := maxOrder, F(1)
	for n := range maxOrder {
		match, total := matches[n], totals[n]
		if c.smooth() == SmoothAddK && n > 0 {
			match += F(c.smoothValue())
			total += F(c.smoothValue())
		}
		if total == 0 {
			break
		}
		if c.EffectiveOrder {
			order = n + 1
		}
		precision := 100 * match / total
		if match == 0 {
			switch c.smooth() {
			case SmoothExp:
				halving *= 2
				precision = 100 / (halving * total)
			case SmoothFloor:
				precision = F(100*c.smoothValue()) / total
			}
		}
		b.Precisions[n] = float64(precision)
	}
	b.Score = b.BP * geometricMean(b.Precisions[:order])
	return b
}

func geometricMean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}
