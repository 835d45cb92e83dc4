package train

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
)

// makeRecurrent makes of a run of the tests one of an encoder-decoder with attention.
func makeRecurrent(c *Config) {
	c.Preset, c.Model = "seq2seq-luong@1", transformer.Config{}
	c.Recurrent = seq2seq.Config{
		Cell: nn.LSTM, Dim: 12, Hidden: 16, Layers: 2, Attention: nn.General, InputFeeding: true, MaxLength: 40, Dropout: 0.1, Init: 0.1,
	}
}

func TestRecurrentNetworksGoOnBitForBit(t *testing.T) {
	c := smallConfig()
	makeRecurrent(&c)
	fit, valid := smallTexts()
	goesOnBitForBit(t, 9, bestFile, func(ctx context.Context, dir string, progress func(Progress, *Validation)) error {
		run, err := NewRunOf(dir, c, fit, valid)
		if err != nil {
			return err
		}
		_, err = run.Train(ctx, progress)
		return err
	})
}

// TestAnEnsembleScoresAsItSteps compares the probability of a pair, all tokens at once,
// with that of decoding it, token by token.
func TestAnEnsembleScoresAsItSteps(t *testing.T) {
	fit, valid := smallTexts()
	var models []*Model
	words := ""
	for _, change := range []func(*Config){func(*Config) {}, makeRecurrent} { // two kinds of network
		c := smallConfig()
		change(&c)
		c.Tokenizer.Type, c.Tokenizer.Sampling, c.Tokenizer.Model = "words", 0, words
		c.Training.MaxSteps = 12
		dir := t.TempDir()
		run, err := NewRunOf(dir, c, fit, valid)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Train(context.Background(), func(Progress, *Validation) {}); err != nil {
			t.Fatal(err)
		}
		models, words = append(models, run.Task.Model), filepath.Join(dir, "vocab.txt")
	}
	both, err := Ensemble(models...)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := both.Score(valid)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := models[0].Score(valid)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range scores {
		e := example(both.Source, both.Target, valid.Source[i], valid.Target[i])
		want := stepwise(both.System(), e.Source, e.Target)
		if math.Abs(s.LogProb-want) > 1e-3 || s.Tokens != len(e.Target) {
			t.Errorf("pair %d has %v; its steps %v and %d tokens", i, s, want, len(e.Target))
		}
		if math.Abs(s.LogProb-alone[i].LogProb) < 1e-2 {
			t.Errorf("pair %d has %v with two models and with one", i, s.LogProb)
		}
	}
}

// stepwise returns the log-probability of a target, token by token.
func stepwise(s decode.System, source, target []int32) float64 {
	sum, last, state := 0.0, s.Begin, s.Start([][]int32{source})
	for _, id := range target {
		logits, norm := state.Step([]int32{last}).Data, 0.0
		for _, x := range logits {
			norm += math.Exp(float64(x))
		}
		sum += float64(logits[id]) - math.Log(norm)
		last = id
	}
	return sum
}

func TestValuesOfAnotherNetworkAreRefused(t *testing.T) {
	_, err := trainSmall(context.Background(), t.TempDir(), func(c *Config) {
		makeRecurrent(c)
		c.Preset, c.Model.Heads = "seq2seq-luong@1", 2
	})
	if err == nil || !strings.Contains(err.Error(), "set them in recurrent") {
		t.Errorf("error %v for a head of attention in a recurrent network", err)
	}
	_, err = trainSmall(context.Background(), t.TempDir(), func(c *Config) { c.Recurrent.Hidden = 2 })
	if err == nil || !strings.Contains(err.Error(), "set them in model") {
		t.Errorf("error %v for the layers of a recurrent network in a Transformer", err)
	}
}

func TestRecurrentConfigurationsAreReadBack(t *testing.T) {
	want, err := Translations.Preset("seq2seq-luong")
	if err != nil {
		t.Fatal(err)
	}
	text := Format(want)
	if strings.Contains(text, "\nmodel:") {
		t.Errorf("a Transformer is in\n%s", text)
	}
	got, err := Translations.Parse([]byte(text))
	if err != nil || got != want {
		t.Errorf("read back %+v, %v; want %+v", got, err, want)
	}
}

// TestLossIsDividedBySentences compares what the loss of a batch is divided by.
func TestLossIsDividedBySentences(t *testing.T) {
	fit, valid := smallTexts()
	c := smallConfig()
	makeRecurrent(&c)
	c.Training.PerSentence = true
	run, err := NewRunOf(t.TempDir(), c, fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	sentences := 0
	for b := range run.Task.Epoch(0) {
		sentences += run.Task.Targets(b)
	}
	if sentences+run.Task.Skipped != len(fit.Source) {
		t.Errorf("the batches of %d pairs have %d sentences, and %d pairs were left out", len(fit.Source), sentences, run.Task.Skipped)
	}
}

// TestLossIsReportedOfATokenAnyway compares the first step, whose weights are the same.
func TestLossIsReportedOfATokenAnyway(t *testing.T) {
	first := func(perSentence bool) Progress {
		t.Helper()
		var p Progress
		fit, valid := smallTexts()
		c := smallConfig()
		makeRecurrent(&c)
		c.Training.PerSentence, c.Training.MaxSteps, c.Training.Warmup = perSentence, 1, 0
		run, err := NewRunOf(t.TempDir(), c, fit, valid)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Train(t.Context(), func(now Progress, _ *Validation) { p = now }); err != nil {
			t.Fatal(err)
		}
		return p
	}
	token, sentence := first(false), first(true)
	if math.Abs(token.Loss-sentence.Loss) > 1e-4 || sentence.GradNorm < 2*token.GradNorm {
		t.Errorf("loss %v and norm %v of a token, %v and %v of a sentence; want the same loss and a larger norm",
			token.Loss, token.GradNorm, sentence.Loss, sentence.GradNorm)
	}
}
