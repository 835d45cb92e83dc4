package train

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/data"
)

// sampledTask returns a task of subwords with sampling, and its plain examples.
func sampledTask(t *testing.T, typ string) (task *Translation, plain []data.Example) {
	t.Helper()
	c := smallConfig()
	c.Tokenizer = TokenizerConfig{Type: typ, Vocab: 400, CharacterCoverage: 1, Sampling: 0.2}
	fit, valid := smallTexts()
	r, err := NewRunOf(t.TempDir(), c, fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	return r.Task, slices.Clone(r.Task.train)
}

func TestSamplingCutsTheTextAnewEachEpoch(t *testing.T) {
	for _, typ := range []string{"unigram", "bpe"} {
		task, plain := sampledTask(t, typ)
		var targets [2][][]int32
		for epoch := range targets {
			task.Epoch(epoch)
			for i, e := range task.train {
				targets[epoch] = append(targets[epoch], e.Target)
				if got, want := task.Tokenizer.Decode(e.Target), task.Tokenizer.Decode(plain[i].Target); got != want {
					t.Fatalf("%s: epoch %d has %q; want %q", typ, epoch, got, want)
				}
				if end := task.Tokenizer.Special().End; e.Source[len(e.Source)-1] != end {
					t.Fatalf("%s: source %d of epoch %d is %v; want it ended by %d", typ, i, epoch, e.Source, end)
				}
			}
		}
		if n := differing(targets[0], targets[1]); n < len(plain)/2 {
			t.Errorf("%s: %d of %d targets are cut differently in two epochs; want at least half", typ, n, len(plain))
		}
		task.Epoch(0)
		for i, e := range task.train {
			if !slices.Equal(e.Target, targets[0][i]) {
				t.Fatalf("%s: target %d of epoch 0 is %v and then %v; want the same", typ, i, targets[0][i], e.Target)
			}
		}
	}
}

func differing(a, b [][]int32) (n int) {
	for i := range a {
		if !slices.Equal(a[i], b[i]) {
			n++
		}
	}
	return n
}

func TestSamplingKeepsWhatWouldBeTooLong(t *testing.T) {
	task, plain := sampledTask(t, "unigram")
	network, _ := task.Model.Transformer()
	network.MaxLength = 2 // any sample is longer
	task.Epoch(0)
	for i, e := range task.train {
		if !slices.Equal(e.Source, plain[i].Source) || !slices.Equal(e.Target, plain[i].Target) {
			t.Fatalf("example %d became %v; want it left as %v", i, e, plain[i])
		}
	}
}

func TestSamplingIsRefused(t *testing.T) {
	fit, valid := smallTexts()
	for _, c := range []struct {
		typ   string
		alpha float64
		want  string
	}{
		{"words", 0.1, "list of words"},
		{"unigram", -0.1, "-0.1"},
		{"unigram", 1.5, "1.5"},
	} {
		config := smallConfig()
		config.Tokenizer = TokenizerConfig{Type: c.typ, Vocab: 400, CharacterCoverage: 1, Sampling: c.alpha}
		if _, err := NewRunOf(t.TempDir(), config, fit, valid); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with sampling %v: error %v; want one with %q", c.typ, c.alpha, err, c.want)
		}
	}
}

// TestARunTrainsTwice: what the first session has drawn is not taken for other data.
func TestARunTrainsTwice(t *testing.T) {
	fit, valid := smallTexts()
	run, err := NewRunOf(t.TempDir(), smallConfig(), fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	_, err = run.Train(ctx, func(p Progress, _ *Validation) {
		if p.Step == 6 {
			stop()
		}
	})
	if !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	if _, err := run.Train(context.Background(), func(Progress, *Validation) {}); err != nil || run.Resumed != 6 {
		t.Errorf("%v in a second session from step %d; want it to go on from step 6", err, run.Resumed)
	}
}
