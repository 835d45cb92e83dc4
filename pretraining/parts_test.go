package pretraining

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSegmentsAreShortenedAtBothEnds of the longer one, of the second where both are as long.
func TestSegmentsAreShortenedAtBothEnds(t *testing.T) {
	m := newMaker(DefaultOptions(), newTokenizer(t), 1)
	front, trials := 0, 2000
	for range trials {
		a, b := []int32{0, 1, 2, 3, 4, 5, 6, 7}, []int32{10, 11, 12, 13}
		a, b = m.truncate(a, b, 9)
		if len(a) != 5 || len(b) != 4 || a[4] != a[0]+4 || b[0] != 10 {
			t.Fatalf("%v and %v are left", a, b)
		}
		front += int(a[0])
	}
	if mean := float64(front) / float64(trials); math.Abs(mean-1.5) > 0.1 { // half of three
		t.Errorf("%v tokens are dropped at the front of three; want 1.5", mean)
	}
	if a, b := m.truncate([]int32{0, 1, 2}, []int32{10, 11, 12}, 5); len(a) != 3 || len(b) != 2 {
		t.Errorf("of two that are as long %v and %v are left; want the second shortened", a, b)
	}
}

func TestCopiesOfABlockFollowEachOther(t *testing.T) {
	type step struct{ part, pass int }
	var got, want []step
	b := block{copies: 3, give: func(p *part, pass int) error {
		got = append(got, step{p.number, pass})
		return nil
	}}
	for n := range blockParts + 2 {
		if err := b.add(&part{number: n}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.end(); err != nil {
		t.Fatal(err)
	}
	for _, ends := range [][2]int{{0, blockParts}, {blockParts, blockParts + 2}} {
		for pass := range 3 {
			for n := ends[0]; n < ends[1]; n++ {
				want = append(want, step{n, pass})
			}
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(step{})); diff != "" {
		t.Error(diff)
	}
}

// Records have padding: of documents that are shorter than it, a part takes fewer.
func TestPartsAreBoundedByTheirRecords(t *testing.T) {
	const documents = 40
	o := Options{MaxLength: longest, MaxPredictions: 20}
	parts, most := 0, 0
	err := read(t.Context(), []string{corpus(t, documents)}, o.recordSize(), func(p *part) error {
		parts, most = parts+1, max(most, len(p.text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if room := (most - 1) * o.recordSize(); parts < 2 || room > recordBytes {
		t.Errorf("%d documents make %d parts of up to %d documents", documents, parts, most)
	}
}

// TestCopiesEndWhereReadingFails: a part is full when a line is met that is no text.
func TestCopiesEndWhereReadingFails(t *testing.T) {
	o := DefaultOptions()
	o.MaxLength, o.Copies = 4096, 50
	path := corpus(t, recordBytes/o.recordSize()+50)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\xff\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	written := 0
	_, err = Make(t.Context(), []string{path}, o, newTokenizer(t), 2, func([]byte, []byte) error {
		written++
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "not valid UTF-8") || written != 1 {
		t.Errorf("%v after %d of 50 copies; want one", err, written)
	}
}
