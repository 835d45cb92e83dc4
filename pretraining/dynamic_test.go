package pretraining

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/tokenizer"
)

func newMasks(t *testing.T, o Options) *Masks {
	t.Helper()
	m, err := NewMasks(o, newTokenizer(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDrawnMasksFollowTheRecipe draws the masks of instances in two epochs. Of the places of
// one epoch, those of another hold no more than chance has it.
func TestDrawnMasksFollowTheRecipe(t *testing.T) {
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprintf("whole words %v", whole), func(t *testing.T) {
			o := DefaultOptions()
			o.MaxLength, o.MaxPredictions, o.Copies, o.WholeWords = 64, 9, 2, whole
			tok := newTokenizer(t)
			records, _ := makeAll(t, o, 1, corpus(t, 300))
			o.Seed = 5
			masks := newMasks(t, o)
			var n counts
			for number, in := range parseAll(t, records) {
				first, second := masks.Draw(in, 0, number), masks.Draw(in, 1, number)
				if !slices.Equal(checkInstance(t, o, tok, first), checkInstance(t, o, tok, in)) {
					t.Fatalf("instance %d is of other tokens", number)
				}
				n.add(tok, first, second)
			}
			near := func(name string, k, of int, want float64) {
				deviation := math.Sqrt(want * (1 - want) / float64(of))
				if got := float64(k) / float64(of); math.Abs(got-want) > 4*deviation {
					t.Errorf("%s: a share of %.4f; want %.4f, give or take %.4f", name, got, want, 4*deviation)
				}
			}
			near("masked words", n.masked, n.predicted, 0.8)
			near("random words", n.random, n.predicted, 0.1*(1-1/float64(tok.Len())))
			near("kept words", n.kept, n.predicted, 0.1*(1+1/float64(tok.Len())))
			if n.predicted < 10_000 {
				t.Errorf("%d predictions are too few to tell", n.predicted)
			}
			if share := float64(n.both) / float64(n.predicted); share < 0.1 || share > 0.22 {
				t.Errorf("of the places of an epoch, another has a share of %.3f; want about 0.16", share)
			}
		})
	}
}

// counts are how many words are predicted in an epoch, what has become of them, and how many
// of them are predicted in another one.
type counts struct{ predicted, masked, random, kept, both int }

func (n *counts) add(tok *tokenizer.WordPiece, first, second Instance) {
	n.predicted += len(first.Places)
	for i, p := range first.Places {
		switch first.IDs[p] {
		case tok.Mask():
			n.masked++
		case first.Words[i]:
			n.kept++
		default:
			n.random++
		}
		if slices.Contains(second.Places, p) {
			n.both++
		}
	}
}

// TestDrawnMasksFollowFromEpochAndNumber draws again, in another order and from instances
// with other masks.
func TestDrawnMasksFollowFromEpochAndNumber(t *testing.T) {
	o := DefaultOptions()
	o.Copies = 1
	records, _ := makeAll(t, o, 1, corpus(t, 10))
	all := parseAll(t, records)
	masks := newMasks(t, o)
	var want [][2]Instance
	for number, in := range all {
		want = append(want, [2]Instance{masks.Draw(in, 0, number), masks.Draw(in, 1, number)})
	}
	if diff := cmp.Diff(parseAll(t, records), all); diff != "" {
		t.Errorf("drawing changes what it draws from:\n%s", diff)
	}
	again := newMasks(t, o)
	for number, w := range slices.Backward(want) {
		for epoch := range 2 {
			if diff := cmp.Diff(w[epoch], again.Draw(w[1-epoch], epoch, number)); diff != "" {
				t.Fatalf("epoch %d, instance %d:\n%s", epoch, number, diff)
			}
		}
	}
	other := o
	other.Seed = 2
	for name, in := range map[string]Instance{
		"epoch": want[0][1], "number": masks.Draw(all[0], 0, 1), "seed": newMasks(t, other).Draw(all[0], 0, 0),
	} {
		if slices.Equal(in.Places, want[0][0].Places) {
			t.Errorf("another %s has masks at the same places %v", name, in.Places)
		}
	}
}

// TestTokensAreRebuilt makes an instance of known tokens, writes it, reads it and draws its
// masks many times over.
func TestTokensAreRebuilt(t *testing.T) {
	tok, o := newTokenizer(t), DefaultOptions()
	o.MaskShare, o.MaxPredictions = 0.5, 30
	a, b := tok.Encode("w1 w2s w3 w4 w5s w6 w7 w8"), tok.Encode("w9 w10 w11s w12 w13")
	s := tok.Special()
	want := slices.Concat([]int32{s.Begin}, a, []int32{s.End}, b, []int32{s.End})
	in, err := Parse(new(record).of(newMaker(o, tok, 3).masked(a, b, true), o))
	if err != nil {
		t.Fatal(err)
	}
	masks := newMasks(t, o)
	for epoch := range 100 {
		if slices.Equal(in.IDs, want) || !slices.Equal(in.Unmasked(), want) || in.First != len(a)+2 || !in.Random {
			t.Fatalf("epoch %d: %+v, unmasked %v; want %v with masks", epoch, in, in.Unmasked(), want)
		}
		in = masks.Draw(in, epoch, 0)
	}
}

// TestWordsThatAreTooLongKeepTheirMasks draws whole words where only one piece may be masked.
func TestWordsThatAreTooLongKeepTheirMasks(t *testing.T) {
	tok, o := newTokenizer(t), DefaultOptions()
	in := newMaker(o, tok, 1).masked(tok.Encode("w1s"), tok.Encode("w2s"), false)
	o.WholeWords = true
	if diff := cmp.Diff(in, newMasks(t, o).Draw(in, 0, 0)); diff != "" {
		t.Error(diff)
	}
}

// TestInstancesHavePredictions makes instances of words that are too long to be masked whole:
// without anything to predict they are none.
func TestInstancesHavePredictions(t *testing.T) {
	tok, o := newTokenizer(t), DefaultOptions()
	all := []document{{tok.Encode("w1s")}, {tok.Encode("w2s")}}
	for want, whole := range []bool{true, false} {
		o.WholeWords = whole
		if got := newMaker(o, tok, 1).instances(all, 0); len(got) != want {
			t.Errorf("whole words %v: instances %+v; want %d", whole, got, want)
		}
	}
}

func TestRoomIsThatOfTheRecipe(t *testing.T) {
	o, dir := DefaultOptions(), t.TempDir()
	o.MaxLength, o.Copies = 64, 1
	records, _ := makeAll(t, o, 1, corpus(t, 10))
	if err := os.WriteFile(filepath.Join(dir, "part.tfrecord"), records, 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if set.Room != 20 || set.Most != 10 { // 0.15 of 64 tokens
		t.Errorf("room for %d predictions and %d at most; want 20 and 10", set.Room, set.Most)
	}
}

// TestPredictionsAreRoundedAsInPython: 0.15 of 30 tokens are 4.5, and so 4.
func TestPredictionsAreRoundedAsInPython(t *testing.T) {
	tok, o := newTokenizer(t), DefaultOptions()
	ids := tok.Encode(strings.TrimSpace(strings.Repeat("w1 ", 27)))
	in := newMaker(o, tok, 1).masked(ids[:10], ids[10:], false)
	if len(in.IDs) != 30 || len(in.Places) != 4 {
		t.Errorf("%d predictions of %d tokens; want 4 of 30", len(in.Places), len(in.IDs))
	}
}

// TestOneSentenceIsNotHeld, whatever the share.
func TestOneSentenceIsNotHeld(t *testing.T) {
	sentence := []int32{1}
	fit, held := hold([]document{{sentence, sentence, sentence}}, 0.99)
	if len(fit) != 1 || len(fit[0]) != 1 || len(held) != 1 || len(held[0]) != 2 {
		t.Errorf("%v to train on and %v held; want one sentence and two", fit, held)
	}
}
