// Train-tiny trains a Transformer on a dozen sentences in memory and translates
// one that it has not seen.
//
// It shows a run without files of text: a configuration, a corpus of strings, a
// folder, Train, Translate. A dozen sentences are enough to learn which word
// goes where, and nothing else: the new sentence combines a subject, an object
// and a verb that occurred, but never together.
//
//	go run ./examples/train-tiny
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/train"
)

var corpus = train.Text{
	Source: []string{
		"犬 が 水 を 飲む", "犬 が 猫 を 見る", "犬 が 魚 を 食べる", "犬 が 魚 を 見る",
		"猫 が 水 を 飲む", "猫 が 犬 を 見る", "猫 が 魚 を 食べる", "猫 が 水 を 見る",
		"鳥 が 水 を 飲む", "鳥 が 犬 を 見る", "鳥 が 猫 を 見る", "鳥 が 水 を 見る",
	},
	Target: []string{
		"the dog drinks water", "the dog sees the cat", "the dog eats fish", "the dog sees fish",
		"the cat drinks water", "the cat sees the dog", "the cat eats fish", "the cat sees water",
		"the bird drinks water", "the bird sees the dog", "the bird sees the cat", "the bird sees water",
	},
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "train-tiny:", err)
		os.Exit(2)
	}
}

func run(w io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "train-tiny-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	c, err := train.Translations.Preset(train.DefaultPreset)
	if err != nil {
		return err
	}
	c.Tokenizer = train.TokenizerConfig{Type: "words"}
	c.Data.Tokenize = "none"
	c.Model = transformer.Config{Dim: 32, Heads: 2, FFN: 64, EncoderLayers: 1, DecoderLayers: 1, MaxLength: 16}
	c.Training.Schedule, c.Training.Rate, c.Training.Warmup = "constant", 3e-3, 10
	c.Training.MaxSteps, c.Training.ValidateEvery, c.Training.Average = 100, 20, 0
	c.Decoding = train.DecodingConfig{Beam: 1}

	r, err := train.NewRunOf(dir, c, corpus, corpus)
	if err != nil {
		return err
	}
	_, err = r.Train(context.Background(), func(p train.Progress, v *train.Validation) {
		if v != nil {
			fmt.Fprintf(w, "step %3d  loss %.3f  validation loss %.3f  BLEU %.1f\n", p.Step, p.Loss, v.Loss, *v.BLEU)
		}
	})
	if err != nil {
		return err
	}
	const unseen = "鳥 が 魚 を 食べる"
	out, err := r.Task.Translate([]string{unseen})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s → %s\n", unseen, out[0])
	return err
}
