package train_test

import (
	"context"
	"fmt"
	"os"

	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/train"
)

// Train on text in memory, then open the folder and translate.
func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	corpus := train.Text{
		Source: []string{"犬 が 走る", "猫 が 走る", "犬 が 泳ぐ", "猫 が 泳ぐ"},
		Target: []string{"the dog is running", "the cat is running", "the dog is swimming", "the cat is swimming"},
	}

	c, err := train.Translations.Preset(train.DefaultPreset)
	if err != nil {
		panic(err)
	}
	c.Tokenizer = train.TokenizerConfig{Type: "words"}
	c.Data.Tokenize = "none"
	c.Model = transformer.Config{Dim: 16, Heads: 2, FFN: 32, EncoderLayers: 1, DecoderLayers: 1, MaxLength: 8}
	c.Training.Schedule, c.Training.Rate, c.Training.Warmup = "constant", 1e-2, 10
	c.Training.MaxSteps, c.Training.ValidateEvery, c.Training.Average = 60, 60, 0
	run, err := train.NewRunOf(dir, c, corpus, corpus)
	if err != nil {
		panic(err)
	}
	best, err := run.Train(context.Background(), func(train.Progress, *train.Validation) {})
	if err != nil {
		panic(err)
	}
	fmt.Printf("BLEU %.0f\n", *best.BLEU)

	m, err := train.Open(dir)
	if err != nil {
		panic(err)
	}
	out, err := m.System().Translate([]string{"猫 が 泳ぐ"}, m.Config.Decoding.Options())
	if err != nil {
		panic(err)
	}
	fmt.Println(out[0][0].Text)
	// Output:
	// BLEU 100
	// the cat is swimming
}

// Unknown keys are errors that say where, and which known key is nearest.
func ExampleKind_Parse() {
	_, err := train.Translations.Parse([]byte("preset: transformer-small\ntraining:\n  warm_up: 4000\n"))
	fmt.Println(err)
	// Output: 3:3: unknown key "warm_up"; the nearest known one is "training.warmup"
}

func ExampleSet() {
	c, err := train.Translations.Preset("transformer-base")
	if err != nil {
		panic(err)
	}
	if err := train.Set(&c, "training.warmup", "8000"); err != nil {
		panic(err)
	}
	fmt.Println(c.Preset, c.Model.Dim, c.Training.Warmup)
	// Output: transformer-base@1 512 8000
}
