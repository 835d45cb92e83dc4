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

	"github.com/kotoba-nlp/kotoba/internal/jsonerror"
)

// readSettings reads what a folder says beside the model and its vocabulary: how decoded
// text is written, and where it is one of sentence-transformers, how to pool, the longest
// text that the model was made for, and what is done to a text before.
func (e *Encoder) readSettings(dir string) error {
	var tokenizer struct {
		CleanUp bool    `json:"clean_up_tokenization_spaces"`
		Longest float64 `json:"model_max_length"` // 1e30 where there is no limit
	}
	if err := readJSON(filepath.Join(dir, "tokenizer_config.json"), &tokenizer); err != nil {
		return err
	}
	e.cleanUp = tokenizer.CleanUp
	if err := e.readPrompt(filepath.Join(dir, "config_sentence_transformers.json")); err != nil {
		return err
	}
	modules, err := readModules(filepath.Join(dir, "modules.json"))
	if err != nil {
		return err
	}
	if err := e.readPooling(dir, modules); err != nil {
		return err
	}
	var sentence struct {
		Longest *int `json:"max_seq_length"` // null, or none: as many as the tokenizer takes
		Lower   bool `json:"do_lower_case"`
	}
	path := filepath.Join(dir, "sentence_bert_config.json")
	if err := readJSON(path, &sentence); err != nil {
		return err
	}
	if sentence.Lower {
		if e.lower, err = e.Tokenizer.Lower(); err != nil {
			return fmt.Errorf("pipeline: %s: do_lower_case: %w", path, err)
		}
	}
	if sentence.Longest == nil {
		if n := tokenizer.Longest; modules != nil && n >= 3 && n < float64(e.MaxLength) {
			e.cutAt = int(n)
		}
		return nil
	}
	if n := *sentence.Longest; n < 3 || n > e.MaxLength {
		return fmt.Errorf("pipeline: %s: max_seq_length is %d; want 3 to %d, the model's positions", path, n, e.MaxLength)
	}
	e.cutAt = *sentence.Longest
	return nil
}

// readPrompt reads the prompt that sentences get where none is named.
func (e *Encoder) readPrompt(path string) error {
	var config struct {
		Prompts map[string]string `json:"prompts"`
		Default *string           `json:"default_prompt_name"`
	}
	if err := readJSON(path, &config); err != nil || config.Default == nil {
		return err
	}
	prompt, ok := config.Prompts[*config.Default]
	if !ok {
		return fmt.Errorf("pipeline: %s: default_prompt_name is %q; want one of the prompts, or null", path, *config.Default)
	}
	e.prompt = prompt
	return nil
}

// module is a step from a text to its vector.
type module struct{ Type, Path string }

func (m module) kind() string { return m.Type[strings.LastIndexByte(m.Type, '.')+1:] }

// readModules reads the steps, which may be none but the encoder, pooling and a length of 1.
func readModules(path string) ([]module, error) {
	var modules []module
	if err := readJSON(path, &modules); err != nil {
		return nil, err
	}
	for _, m := range modules {
		switch m.kind() {
		case "Transformer", "Pooling", "Normalize":
		default:
			return nil, fmt.Errorf("pipeline: %s: module %q is of type %q; only Transformer, Pooling and Normalize are supported", path, m.Path, m.Type)
		}
	}
	return modules, nil
}

// poolings are the names of ways to pool in the configuration of a pooling module, in that
// of older versions pooling_mode_mean_tokens for mean and so on.
var poolings = map[string]Pooling{
	"mean": Mean, "cls": CLS, "max": Max, "mean_tokens": Mean, "cls_token": CLS, "max_tokens": Max,
}

// readPooling reads how to pool; where nothing says it, it is the mean.
func (e *Encoder) readPooling(dir string, modules []module) error {
	e.Pooling = Mean
	path := filepath.Join(dir, "1_Pooling", "config.json")
	for _, m := range modules {
		if m.kind() == "Pooling" {
			if !filepath.IsLocal(m.Path) {
				return fmt.Errorf("pipeline: %s: the path %q of a module is outside of its folder", filepath.Join(dir, "modules.json"), m.Path)
			}
			path = filepath.Join(dir, m.Path, "config.json")
			if _, err := os.Stat(path); err != nil {
				return fmt.Errorf("pipeline: how to pool, which modules.json asks for: %w", err)
			}
		}
	}
	var config map[string]any
	if err := readJSON(path, &config); err != nil {
		return err
	}
	if config["include_prompt"] == false && e.prompt != "" {
		return fmt.Errorf("pipeline: %s says include_prompt false and the folder has a default prompt; vectors that leave out the words of a prompt are not supported", path)
	}
	asked, said := askedPoolings(config)
	if !said {
		return nil
	}
	if len(asked) == 1 {
		if pooling, known := poolings[asked[0]]; known {
			e.Pooling = pooling
			return nil
		}
	}
	return fmt.Errorf("pipeline: %s asks for pooling by %q; want one of mean, cls and max, others are not supported", path, asked)
}

// askedPoolings returns the ways to pool that a configuration asks for, and whether it says
// anything about them.
func askedPoolings(config map[string]any) (asked []string, said bool) {
	switch mode := config["pooling_mode"].(type) {
	case nil:
	case []any:
		for _, m := range mode {
			asked = append(asked, fmt.Sprint(m))
		}
		return asked, true
	default:
		return []string{fmt.Sprint(mode)}, true
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if name, ok := strings.CutPrefix(key, "pooling_mode_"); ok {
			said = true
			if config[key] == true {
				asked = append(asked, name)
			}
		}
	}
	return asked, said
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
		return fmt.Errorf("pipeline: %s: %w", path, jsonerror.Plain(err))
	}
	return nil
}
