package inspect

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/metrics"
)

// aligned is one sentence pair with one layer of two heads. Head 0 finds
// 犬-dog and misses 眠った-slept; head 1 does the reverse, less surely.
func aligned() (Attention, []metrics.Link) {
	return Attention{
		Source: strings.Fields("犬 は 眠った"),
		Target: strings.Fields("the dog slept"),
		Cross: Weights{{
			{{1, 0, 0}, {0.9, 0.1, 0}, {0, 1, 0}},
			{{0, 1, 0}, {0, 0.6, 0.4}, {0.1, 0.2, 0.7}},
		}},
	}, []metrics.Link{{Source: 0, Target: 1}, {Source: 2, Target: 2}}
}

func TestScoreAttention(t *testing.T) {
	a, gold := aligned()
	r, err := ScoreAttention([]Attention{a}, [][]metrics.Link{gold})
	if err != nil {
		t.Fatal(err)
	}
	// Three links against two of gold, one of them right.
	for h, s := range r.Heads[0] {
		if s.Words != 2 || s.Hits != 1 || s.HitRate() != 0.5 || math.Abs(s.AER-(1-2.0/5)) > 1e-12 {
			t.Errorf("head %d scores %+v, want 1 hit of 2 and an AER of 0.6", h, s)
		}
	}
	// The mean finds dog (0.45 to 0.35) but not slept (0.6 to は).
	if m := r.Mean[0]; m.Words != 2 || m.Hits != 1 {
		t.Errorf("the mean scores %+v, want 1 hit of 2", m)
	}
	want := `layer  head  hit rate    AER
    1     1     50.0%  60.0%
    1     2     50.0%  60.0%
    1  mean     50.0%  60.0%
`
	if r.String() != want {
		t.Errorf("table is\n%swant\n%s", r, want)
	}
}

// The decoder's end symbol attends to something too, and a word may attend to that of the
// source: neither is a link between words.
func TestLinksOfEndSymbolsDoNotCount(t *testing.T) {
	a := Attention{
		Source: strings.Fields("犬 眠った </s>"),
		Target: strings.Fields("the dog slept </s>"),
		Cross:  Weights{{{{0, 0, 1}, {1, 0, 0}, {0, 1, 0}, {0, 0.6, 0.4}}}},
		Ended:  true,
	}
	gold := []metrics.Link{{Source: 0, Target: 1}, {Source: 1, Target: 2}}
	r, err := ScoreAttention([]Attention{a}, [][]metrics.Link{gold})
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Heads[0][0]; s.Words != 2 || s.Hits != 2 || s.AER != 0 {
		t.Errorf("scores %+v; want 2 hits of 2 and an AER of 0", s)
	}
}

// A word that is linked to several words is hit by any of them, once.
func TestCountHits(t *testing.T) {
	strongest := []metrics.Link{{Source: 4, Target: 0}, {Source: 1, Target: 1}, {Source: 0, Target: 2}}
	gold := []metrics.Link{
		{Source: 3, Target: 0}, {Source: 4, Target: 0}, {Source: 5, Target: 0}, {Source: 2, Target: 1},
	}
	if words, hits := countHits(strongest, gold); words != 2 || hits != 1 {
		t.Errorf("%d words and %d hits, want 2 and 1", words, hits)
	}
}

func TestStrongestTakesTheFirstOfEquals(t *testing.T) {
	got := Strongest([][]float32{{0.2, 0.4, 0.4}, {0.5, 0.5, 0}})
	if want := []metrics.Link{{Source: 1, Target: 0}, {Source: 0, Target: 1}}; !slices.Equal(got, want) {
		t.Errorf("strongest are %v, want %v", got, want)
	}
}

func TestScoreAttentionErrors(t *testing.T) {
	a, gold := aligned()
	b, _ := aligned()
	b.Cross = append(b.Cross, b.Cross[0])
	outside := []metrics.Link{{Source: 3, Target: 0}}
	for _, c := range []struct {
		pairs []Attention
		gold  [][]metrics.Link
		want  string
	}{
		{nil, nil, "no attention"},
		{[]Attention{a}, nil, "gold links for 0 sentence pairs, want 1"},
		{[]Attention{a, b}, [][]metrics.Link{gold, gold}, "sentence pair 1 has encoder-decoder attention of another shape"},
		{[]Attention{a}, [][]metrics.Link{outside}, "sentence pair 0 has the gold link 3-0, want below 3-3"},
	} {
		if _, err := ScoreAttention(c.pairs, c.gold); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want %q in it", err, c.want)
		}
	}
}
