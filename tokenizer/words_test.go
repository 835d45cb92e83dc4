package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	text := []string{"the dog saw the cat", "the <unk> saw \t a dog", "zebra <s>"}
	for _, c := range []struct {
		opt  WordsOptions
		want string
	}{
		{WordsOptions{}, "<unk> <s> </s> <pad> the dog saw a cat zebra"},
		{WordsOptions{MinCount: 2}, "<unk> <s> </s> <pad> the dog saw"},
		{WordsOptions{MaxSize: 6}, "<unk> <s> </s> <pad> the dog"},
	} {
		w, err := TrainWords(slices.Values(text), c.opt)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Fields(c.want), w.words); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.opt, diff)
		}
	}
	w, err := TrainWords(slices.Values(text), WordsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ids := w.Encode("<s> the  dog bit \xff the cat </s> <pad>")
	if want := []int32{1, 4, 5, 0, 0, 4, 8, 2, 3}; !slices.Equal(ids, want) {
		t.Errorf("ids %v; expected %v", ids, want)
	}
	if got, want := w.Decode(ids), "the dog <unk> <unk> the cat"; got != want {
		t.Errorf("decoded %q; expected %q", got, want)
	}
}

func TestWordsErrors(t *testing.T) {
	for _, c := range []struct {
		text string
		opt  WordsOptions
		want string
	}{
		{"a", WordsOptions{MaxSize: 4}, "a vocabulary of 4 words"},
		{"a", WordsOptions{MinCount: -1}, "occur -1 times"},
		{"a", WordsOptions{MinCount: 2}, "no word is left"},
		{" ", WordsOptions{}, "no word is left"},
	} {
		_, err := TrainWords(slices.Values([]string{c.text}), c.opt)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v; expected one with %q", c.opt, err, c.want)
		}
	}
}

func ExampleTrainWords() {
	w, err := TrainWords(slices.Values([]string{"a rose is a rose"}), WordsOptions{})
	if err != nil {
		panic(err)
	}
	ids := w.Encode("a rose is red")
	fmt.Println(ids, w.Decode(ids))
	// Output: [4 5 6 0] a rose is <unk>
}

func ExampleTrain() {
	text := []string{"a rose is a rose is a rose", "a rose by any other name"}
	opt := DefaultTrainOptions()
	opt.Algorithm = BPE
	opt.VocabSize = 24
	m, err := Train(slices.Values(text), opt)
	if err != nil {
		panic(err)
	}
	ids := m.Encode("roses are a rose")
	for _, id := range ids {
		fmt.Print(m.Token(id), " ")
	}
	fmt.Println("=", m.Decode(ids))
	// Output: ▁rose s ▁a r e ▁a ▁rose = roses are a rose
}
