package checkpoint

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// VocabularyKey is the metadata of weights that says which vocabulary they were trained
// with: what VocabularyHash returned.
const VocabularyKey = "vocabulary"

// Files of a vocabulary in the folder of a model.
const (
	PiecesFile = "tokenizer.model" // of SentencePiece
	WordsFile  = "vocab.txt"       // words, characters, or pieces of words
)

// VocabularyHash returns the SHA-256 of the vocabulary's file in a folder, "" where there is
// none.
func VocabularyHash(dir string) (string, error) {
	for _, name := range []string{PiecesFile, WordsFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		switch {
		case err == nil:
			return fmt.Sprintf("%x", sha256.Sum256(text)), nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("checkpoint: %w", err)
		}
	}
	return "", nil
}

// CheckVocabulary says whether the vocabulary in a folder is the one that weights were
// trained with; those that do not say are believed.
func CheckVocabulary(weights Source, dir string) error {
	hash, err := VocabularyHash(dir)
	if was := weights.Metadata()[VocabularyKey]; err == nil && was != "" && was != hash {
		err = fmt.Errorf("checkpoint: %s was trained with another vocabulary than %s has; put back the %s or %s that it was trained with", weights.Path(), dir, PiecesFile, WordsFile)
	}
	return err
}
