package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
)

// maxFileSize bounds what Load reads, in bytes: the largest vocabularies in
// use take a few megabytes.
const maxFileSize = 1 << 28

// Load reads a vocabulary and tells its kind by its content: a file that
// begins with a printable character is a word list, one of characters if its
// first line says so, and one of WordPiece if it has [UNK] and no <unk>, or is a
// tokenizer.json; any other is a SentencePiece model. Beside a vocab.txt of
// WordPiece the tokenizer's other files are read too, beside a tokenizer.json none is: see
// [LoadWordPiece].
func Load(path string) (Tokenizer, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if isWordPieceFile(data) {
		return parseWordPieceFile(path, data, tokenizerConfig{})
	}
	if isWordPieceVocab(data) {
		return parseWordPieceVocab(path, data)
	}
	t, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return t, nil
}

func parse(data []byte) (Tokenizer, error) {
	switch {
	case len(data) == 0:
		return nil, errors.New("the file is empty; expected a SentencePiece model or a word list")
	case bytes.HasPrefix(data, []byte(charactersHeader+"\n")):
		return parseCharacters(data)
	case data[0] > ' ':
		return parseWords(data)
	}
	return newSentencePiece(data)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("tokenizer: %s: the file has more than %d bytes; expected a vocabulary", path, maxFileSize)
	}
	return data, nil
}

// writeFile puts data at path, whole or not at all.
func writeFile(path string, data []byte) error {
	err := atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	return nil
}
