package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// TestWordDropoutHidesPiecesInTraining looks at what the network reads.
func TestWordDropoutHidesPiecesInTraining(t *testing.T) {
	c := smallClassify(t, false)
	c.Data.WordDropout = 0.25
	run, err := NewClassifyRun(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	task := run.Task
	read := func(epoch int) (rows [][]int32) {
		rows = make([][]int32, len(task.train))
		for batch := range task.Epoch(epoch) {
			task.Loss(tensor.NewTape(), nil, batch, 1)
			for i, at := range task.batches[batch] {
				rows[at] = slices.Clone(task.batch.IDs[task.batch.Segments[i]:task.batch.Segments[i+1]])
			}
		}
		return rows
	}
	first, second, again := read(0), read(1), read(0)
	mask, hidden, others := task.Encoder.Tokenizer.Mask(), 0, 0
	for i, x := range task.train {
		for k, id := range x.inputs[0].IDs {
			switch got := first[i][k]; {
			case got == mask && (k == 0 || k == 2 || k == 4):
				t.Fatalf("%v became %v; want [CLS] and [SEP] to stay", x.inputs[0].IDs, first[i])
			case got == mask:
				hidden++
			case got != id:
				t.Fatalf("%v became %v; want the same, or [MASK]", x.inputs[0].IDs, first[i])
			}
		}
		if !slices.Equal(first[i], again[i]) {
			t.Errorf("text %d was read as %v, and once more as %v", i, first[i], again[i])
		}
		if !slices.Equal(first[i], second[i]) {
			others++
		}
	}
	if n := 2 * len(task.train); hidden < n/6 || hidden > n/3 {
		t.Errorf("%d of %d pieces are hidden; want about a quarter", hidden, n)
	}
	if others < len(task.train)/4 {
		t.Errorf("%d of %d texts are read otherwise in the next epoch; want more", others, len(task.train))
	}
	if _, err := task.Validate(context.Background()); err != nil || slices.Contains(task.batch.IDs, mask) {
		t.Errorf("validation reads %v, %v; want no [MASK]", task.batch.IDs, err)
	}
}

func TestWordDropoutThatCannotBeIsRefused(t *testing.T) {
	c := smallClassify(t, false)
	for _, share := range []float64{-0.1, 1, math.NaN()} {
		c.Data.WordDropout = share
		if _, err := NewClassifyRun(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), "data.word_dropout is") {
			t.Errorf("share %v: error %v; want one about data.word_dropout", share, err)
		}
	}
	tok, err := tokenizer.NewWordPiece(strings.Fields("[PAD] [UNK] [CLS] [SEP] a"), tokenizer.WordPieceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newWordDropout(0.1, tok); err == nil || !strings.Contains(err.Error(), "no [MASK]") {
		t.Errorf("error %v for a vocabulary without [MASK]", err)
	}
	if w, err := newWordDropout(0, tok); w != nil || err != nil {
		t.Errorf("%v, %v for no word dropout; want none", w, err)
	}
}
