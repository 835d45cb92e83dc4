package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/tokenizer"
	"github.com/kotoba-nlp/kotoba/train"
)

func newExport() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "export RUN DIR",
		Short: "Write a model as a folder that other tools open",
		Long: `export writes the best model of a run in the layout of Hugging Face's Marian
models: transformers loads it, and CTranslate2 converts it.`,
		Example: "  kotoba export --format hf runs/ende ende-marian",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "hf" {
				return fmt.Errorf("--format is %q; want hf", format)
			}
			if err := checkNewFolder(args[1]); err != nil {
				return err
			}
			m, err := train.Open(args[0])
			if err != nil {
				return err
			}
			network, ok := m.Transformer()
			if !ok {
				return fmt.Errorf("%s holds recurrent layers; Marian folders hold Transformers", args[0])
			}
			pieces, ok := m.Source.(*tokenizer.SentencePiece)
			if _, words := m.Source.(*tokenizer.Words); words {
				return fmt.Errorf("%s has a vocabulary of words; only SentencePiece models can be exported", args[0])
			} else if !ok {
				return fmt.Errorf("%s is in the layout of Marian models already; copy the folder", args[0])
			}
			return transformer.ExportMarian(args[1], network, pieces)
		},
	}
	c.Flags().StringVar(&format, "format", "hf", "layout: hf")
	return c
}

func newImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import DIR RUN",
		Short: "Take over a Marian model of Hugging Face's layout",
		Long: `import checks that a folder holds a Marian model that kotoba computes exactly,
and copies it to a run folder, with which translate, score and inspect work.`,
		Example: `  kotoba import opus-mt-en-de runs/opus
  kotoba translate runs/opus < test.en`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkNewFolder(args[1]); err != nil {
				return err
			}
			if _, ok, err := train.Translations.OfRun(args[0]); ok || err != nil {
				return cmp.Or(err, fmt.Errorf("%s is a run already; translate, score and inspect work with it", args[0]))
			}
			if _, err := train.Open(args[0]); err != nil {
				return err
			}
			return importFolder(args[0], args[1])
		},
	}
}

// importedFiles are what a Marian model is made of.
var importedFiles = []string{
	"config.json", "generation_config.json", "model.safetensors", "vocab.json", "source.spm", "target.spm", "tokenizer_config.json",
}

// importFolder copies the files of a model; the new folder appears when all
// are there.
func importFolder(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return atomicfile.Folder(to, func(tmp string) error {
		for _, name := range importedFiles {
			err := writeNew(filepath.Join(tmp, name), false, atomicfile.CopyOf(filepath.Join(from, name)))
			none := errors.Is(err, fs.ErrNotExist) && (name == "generation_config.json" || name == "tokenizer_config.json") // not all models have them
			if err != nil && !none {
				return err
			}
		}
		return nil
	})
}

// checkNewFolder refuses to write into a folder that has something in it.
func checkNewFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty; name a new folder", dir)
	}
	return nil
}
