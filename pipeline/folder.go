package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// readSettings reads what a folder says beside the model and its vocabulary: how decoded
// text is written, and where it is one of sentence-transformers, how to pool and the
// longest text that the model was made for.
func (e *Encoder) readSettings(dir string) error {
	var tokenizer struct {
		CleanUp bool `json:"clean_up_tokenization_spaces"`
	}
	if err := readJSON(filepath.Join(dir, "tokenizer_config.json"), &tokenizer); err != nil {
		return err
	}
	e.cleanUp = tokenizer.CleanUp
	if err := checkModules(filepath.Join(dir, "modules.json")); err != nil {
		return err
	}
	if err := e.readPooling(filepath.Join(dir, "1_Pooling", "config.json")); err != nil {
		return err
	}
	var sentence struct {
		Longest *int `json:"max_seq_length"` // null: as many as the model takes
	}
	path := filepath.Join(dir, "sentence_bert_config.json")
	if err := readJSON(path, &sentence); err != nil || sentence.Longest == nil {
		return err
	}
	if n := *sentence.Longest; n < 3 || n > e.MaxLength {
		return fmt.Errorf("pipeline: %s: max_seq_length is %d; want 3 to %d, the model's positions", path, n, e.MaxLength)
	}
	e.MaxLength = *sentence.Longest
	return nil
}

// checkModules says whether vectors need more than the encoder, pooling and a length of 1.
func checkModules(path string) error {
	var modules []struct{ Type, Path string }
	if err := readJSON(path, &modules); err != nil {
		return err
	}
	for _, m := range modules {
		switch kind := m.Type[strings.LastIndexByte(m.Type, '.')+1:]; kind {
		case "Transformer", "Pooling", "Normalize":
		default:
			return fmt.Errorf("pipeline: %s: module %q is of type %q; only Transformer, Pooling and Normalize are supported", path, m.Path, m.Type)
		}
	}
	return nil
}

// poolings are the keys of a pooling module's configuration.
var poolings = map[string]Pooling{
	"pooling_mode_mean_tokens": Mean, "pooling_mode_cls_token": CLS, "pooling_mode_max_tokens": Max,
}

// readPooling reads how to pool; where nothing says it, it is the mean.
func (e *Encoder) readPooling(path string) error {
	e.Pooling = Mean
	var config map[string]any
	if err := readJSON(path, &config); err != nil {
		return err
	}
	var asked []string
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if config[key] == true && strings.HasPrefix(key, "pooling_mode_") {
			asked = append(asked, key)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	pooling, known := poolings[asked[0]]
	if !known || len(asked) > 1 {
		return fmt.Errorf("pipeline: %s asks for %s; only one of mean, cls and max is supported", path, strings.Join(asked, " and "))
	}
	e.Pooling = pooling
	return nil
}

// readJSON reads a file if it is there.
func readJSON(path string, to any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		return fmt.Errorf("pipeline: %s: %w", path, err)
	}
	return nil
}
