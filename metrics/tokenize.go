package metrics

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// Tokenize names how BLEU splits segments into words.
type Tokenize string

// The tokenizers of sacreBLEU that need no model or dictionary.
const (
	Tokenize13a  Tokenize = "13a"  // as mteval-v13a.pl of WMT; the default
	TokenizeIntl Tokenize = "intl" // as mteval-v14.pl: Unicode punctuation and symbols
	TokenizeChar Tokenize = "char" // into characters
	TokenizeZh   Tokenize = "zh"   // Chinese characters one by one, the rest as 13a
	TokenizeNone Tokenize = "none" // at white space only, for text already tokenized
)

// words splits a segment. The zero Tokenize is Tokenize13a.
func (t Tokenize) words(segment string) ([]string, error) {
	segment = strings.TrimRightFunc(segment, isSpace)
	switch t {
	case Tokenize13a, "":
		segment = tokenize13a(segment)
	case TokenizeIntl:
		segment = tokenizeIntl(segment)
	case TokenizeChar:
		segment = strings.Join(strings.Split(segment, ""), " ")
	case TokenizeZh:
		segment = tokenizeZh(segment)
	case TokenizeNone:
	default:
		return nil, fmt.Errorf("metrics: unknown tokenizer %q, want one of 13a, intl, char, zh, none", string(t))
	}
	return strings.FieldsFunc(segment, isSpace), nil
}

// isSpace reports what Python's str.split takes for white space: that of
// Unicode and the four information separators of ASCII.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f
}

// rewrite is one substitution of a tokenizer.
type rewrite struct {
	pattern     *regexp.Regexp
	replacement string
}

func apply(rewrites []rewrite, s string) string {
	for _, r := range rewrites {
		s = r.pattern.ReplaceAllString(s, r.replacement)
	}
	return s
}

var (
	westernRewrites = []rewrite{
		// Punctuation other than apostrophe, comma, hyphen and period.
		{regexp.MustCompile("([{-~\\[-` -&(-+:-@/])"), " $1 "},
		// Period and comma, unless between digits.
		{regexp.MustCompile(`([^0-9])([.,])`), "$1 $2 "},
		{regexp.MustCompile(`([.,])([^0-9])`), " $1 $2"},
		// Hyphen after a digit.
		{regexp.MustCompile(`([0-9])(-)`), "$1 $2 "},
	}
	internationalRewrites = []rewrite{
		// Punctuation, unless between numbers.
		{regexp.MustCompile(`(\P{N})(\p{P})`), "$1 $2 "},
		{regexp.MustCompile(`(\p{P})(\P{N})`), " $1 $2"},
		{regexp.MustCompile(`(\p{S})`), " $1 "},
	}
	joinLines = strings.NewReplacer("-\n", "", "\n", " ")
)

func tokenize13a(s string) string {
	s = joinLines.Replace(strings.ReplaceAll(s, "<skipped>", ""))
	// One after the other: &amp;lt; becomes a less-than sign in two steps.
	for _, entity := range [][2]string{{"&quot;", `"`}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}} {
		s = strings.ReplaceAll(s, entity[0], entity[1])
	}
	return apply(westernRewrites, " "+s+" ")
}

func tokenizeIntl(s string) string { return apply(internationalRewrites, s) }

func tokenizeZh(s string) string {
	var b strings.Builder
	for _, r := range strings.TrimFunc(s, isSpace) {
		if unicode.Is(chineseRanges, r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		} else {
			b.WriteRune(r)
		}
	}
	return apply(westernRewrites, b.String())
}

// chineseRanges is what sacreBLEU takes for Chinese. Its two ranges beyond
// U+FFFF are written with four-digit escapes and so denote U+2001 to U+2A6D,
// which holds much of punctuation and symbols, and U+2F81 to U+2FA1; scores
// depend on it.
var chineseRanges = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x2001, Hi: 0x2a6d, Stride: 1},
	{Lo: 0x2e80, Hi: 0x2eff, Stride: 1}, // CJK radicals supplement
	{Lo: 0x2f00, Hi: 0x2fdf, Stride: 1}, // Kangxi radicals
	{Lo: 0x2ff0, Hi: 0x2fff, Stride: 1}, // ideographic description
	{Lo: 0x3000, Hi: 0x303f, Stride: 1}, // CJK punctuation
	{Lo: 0x3100, Hi: 0x312f, Stride: 1}, // bopomofo
	{Lo: 0x31a0, Hi: 0x31bf, Stride: 1}, // bopomofo extended
	{Lo: 0x31c0, Hi: 0x31ef, Stride: 1}, // CJK strokes
	{Lo: 0x3200, Hi: 0x33ff, Stride: 1}, // enclosed CJK, CJK compatibility
	{Lo: 0x3400, Hi: 0x4db5, Stride: 1}, // CJK unified ideographs extension A
	{Lo: 0x4e00, Hi: 0x9fbb, Stride: 1}, // CJK unified ideographs
	{Lo: 0xf900, Hi: 0xfa2d, Stride: 1}, // CJK compatibility ideographs
	{Lo: 0xfa30, Hi: 0xfa6a, Stride: 1},
	{Lo: 0xfa70, Hi: 0xfad9, Stride: 1},
	{Lo: 0xfe10, Hi: 0xfe1f, Stride: 1}, // vertical forms
	{Lo: 0xfe30, Hi: 0xfe4f, Stride: 1}, // CJK compatibility forms
	{Lo: 0xff00, Hi: 0xffef, Stride: 1}, // half width and full width forms
}}

// lower maps to lower case by the full mapping of Unicode, final sigma
// included.
func lower(s string) string { return cases.Lower(language.Und).String(s) }
