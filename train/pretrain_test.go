package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/pretraining"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// smallPretrain is a run on documents in which every letter stands beside itself.
func smallPretrain(t *testing.T) PretrainConfig {
	t.Helper()
	c, err := PretrainPreset("bert-tiny")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range 40 {
		letter := string(rune('a' + i%8))
		text.WriteString(strings.Repeat(strings.Repeat(letter+" ", 6)+"\n", 3) + "\n")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "text")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Data.Tokenizer, c.Data.Dir = smallEncoder(t), dir
	tok, err := tokenizer.LoadWordPiece(c.Data.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	o := pretraining.DefaultOptions()
	o.MaxLength, o.MaxPredictions, o.Copies = 20, 3, 5
	var records []byte
	if _, err := pretraining.Make(context.Background(), []string{path}, o, tok, 1, func(b []byte, _ int) error {
		records = append(records, b...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "part.tfrecord"), records, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Data.Batch, c.Data.ValidShare = 8, 0.1
	c.Model = bert.Config{
		Dim: 32, Layers: 2, Heads: 2, FFN: 64, MaxLength: 20, Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.1, Dropout: 0.05,
	}
	c.Training.MaxSteps, c.Training.ValidateEvery, c.Training.Rate, c.Training.WarmupShare = 500, 100, 1e-3, 0.1
	return c
}

func pretrain(ctx context.Context, t *testing.T, dir string, c PretrainConfig, progress func(Progress, *Validation)) (Validation, error) {
	t.Helper()
	run, err := NewPretrainRun(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return run.Train(ctx, progress)
}

// TestPretrainingLearnsBothTasks trains on text where a masked word is its neighbour, and a
// segment follows the other where it has the same letters.
func TestPretrainingLearnsBothTasks(t *testing.T) {
	v, err := pretrain(context.Background(), t, t.TempDir(), smallPretrain(t), func(Progress, *Validation) {})
	if err != nil {
		t.Fatal(err)
	}
	if v.Scores["masked_words"] < 0.9 || v.Scores["next_sentence"] < 0.8 {
		t.Errorf("%v; want 0.9 of masked words and 0.8 of next sentences at least", v.Scores)
	}
}

func TestPretrainingGoesOnBitForBit(t *testing.T) {
	c := smallPretrain(t)
	c.Training.MaxSteps, c.Training.ValidateEvery = 24, 6
	whole, stopped := t.TempDir(), t.TempDir()
	if _, err := pretrain(context.Background(), t, whole, c, func(Progress, *Validation) {}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := pretrain(ctx, t, stopped, c, func(p Progress, _ *Validation) {
		if p.Step == 9 {
			cancel()
		}
	}); !errors.Is(err, ErrInterrupted) {
		t.Fatalf("error %v, want ErrInterrupted", err)
	}
	if _, err := pretrain(context.Background(), t, stopped, c, func(Progress, *Validation) {}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{lastFile, checkpoint.WeightsFile} {
		sameTensors(t, filepath.Join(stopped, name), filepath.Join(whole, name))
	}
}
