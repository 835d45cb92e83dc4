package bench

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kotoba-nlp/kotoba/pipeline"
)

// TestFlopsOfAStep compares the count of operations with one made by hand for
// the shape d256: see the comment of each line.
func TestFlopsOfAStep(t *testing.T) {
	const d, f, v, n = 256.0, 1024.0, 8000.0, 25.0
	forward := 3*2*(4*d*d+2*d*f+2*n*d) + // encoder: projections, inner layer, scores and sums
		3*2*(8*d*d+2*d*f+4*n*d) + // decoder: one attention more
		2*d*v // logits
	if got := transformerShapes["d256"].forwardFlops(8000, 25, 25); math.Abs(got-forward) > 1 {
		t.Errorf("%v operations a token, want %v", got, forward)
	}
}

func TestResultsAreWithinTheirLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for seconds")
	}
	r, err := Decode("d256", 1, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if r.Value <= 0 || r.Share <= 0 || math.Abs(r.Share-r.Value*r.FlopsPerUnit/(r.PeakGFLOPS*1e9)) > 1e-9 {
		t.Errorf("result %+v", r)
	}
	if _, err := Decode("d1024", 1, 0); err == nil {
		t.Error("no error for a shape that is unknown")
	}
	if _, err := Train("d1024", 0); err == nil {
		t.Error("no error for a shape that is unknown")
	}
}

// TestEmbedCountsTheTokensOfEachText compares the count of operations with one made by
// hand: each ? is [UNK], between [CLS] and [SEP].
func TestWorkIsBounded(t *testing.T) {
	_, tokens := BERT("minilm", 1<<20, 128, 0)
	_, length := BERT("minilm", 1, 513, 0)
	_, beam := Decode("d256", 101, 0)
	for want, err := range map[string]error{"131072 tokens at most": tokens, "of 1 to 512": length, "want 100 at most": beam} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
}

func TestEmbedCountsTheTokensOfEachText(t *testing.T) {
	e, err := pipeline.Open("../pipeline/testdata/label")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Embed(e, []string{"?", "? ?"}, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, n := range []float64{3, 4} {
		const d, f, layers = 8.0, 12.0, 1.0
		want += n * layers * 2 * (4*d*d + 2*d*f + 2*n*d) / 2
	}
	if r.Value <= 0 || math.Abs(r.FlopsPerUnit-want) > 1e-9*want {
		t.Errorf("%v operations a text, want %v, at %v texts/s", r.FlopsPerUnit, want, r.Value)
	}
	if _, err := Embed(e, nil, 32, 0); err == nil {
		t.Error("no error for no texts")
	}
}
