package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Save writes the vocabulary as the reference has it, an entry a line, and its
// settings to tokenizer_config.json beside it.
func (w *WordPiece) Save(path string) error { return w.save(path, 0) }

func (w *WordPiece) save(path string, longest int) error {
	c := w.config()
	c.Longest = float64(longest)
	config, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	if err := writeFile(filepath.Join(filepath.Dir(path), wordPieceConfigFile), append(config, '\n')); err != nil {
		return err
	}
	return writeFile(path, []byte(strings.Join(w.tokens[:w.own], "\n")+"\n"))
}

// SaveFolder writes vocab.txt and tokenizer_config.json to a folder, which
// [LoadWordPiece] and the reference's BertTokenizerFast.from_pretrained read; longest
// is how many tokens the model takes, 0 for any number. It makes the folder if needed.
func (w *WordPiece) SaveFolder(dir string, longest int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	return w.save(filepath.Join(dir, wordPieceVocabFile), longest)
}

func (w *WordPiece) config() tokenizerConfig {
	name := func(s string) *tokenName { return (*tokenName)(&s) }
	lower, chinese := !w.options.Cased, !w.options.UnspacedCJK
	c := tokenizerConfig{
		Class: "BertTokenizer", DoLowerCase: &lower, TokenizeChineseChars: &chinese,
		Unknown: name(wordPieceUnknown), Begin: name(wordPieceBegin), End: name(wordPieceEnd), Pad: name(wordPiecePad),
		Added: map[string]addedToken{},
	}
	if w.options.Accents != AccentsByCase {
		strip := w.options.Accents == StripAccents
		c.StripAccents = &strip
	}
	if w.mask != None {
		c.Mask = name(wordPieceMask)
	}
	for _, t := range w.added {
		id := strconv.Itoa(int(t.ID))
		t.ID = 0 // the key has it
		c.Added[id] = t
	}
	return c
}
