package tokenizer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kotoba-nlp/kotoba/internal/jsonerror"
)

// The files of a folder of Hugging Face.
const (
	wordPieceFile       = "tokenizer.json"
	wordPieceVocabFile  = "vocab.txt"
	wordPieceConfigFile = "tokenizer_config.json"
	// Of older versions of transformers, which kept there what the configuration has now.
	wordPieceAddedFile   = "added_tokens.json"
	wordPieceSpecialFile = "special_tokens_map.json"
)

// LoadWordPiece reads the tokenizer of a folder of a BERT model as Hugging Face
// has it: tokenizer.json or vocab.txt, and, if it is there,
// tokenizer_config.json, whose case, accents and Chinese characters count where
// tokenizer.json says something else, as in transformers; of folders of older
// versions special_tokens_map.json, and beside vocab.txt added_tokens.json, too.
func LoadWordPiece(dir string) (*WordPiece, error) {
	for _, name := range []string{wordPieceFile, wordPieceVocabFile} {
		path := filepath.Join(dir, name)
		switch data, err := readFile(path); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case name == wordPieceFile:
			var config tokenizerConfig
			if err := config.read(dir); err != nil {
				return nil, err
			}
			return parseWordPieceFile(path, data, config)
		default:
			return parseWordPieceVocab(path, data)
		}
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return nil, fmt.Errorf("tokenizer: %s: there is no %s and no %s; expected one of them", dir, wordPieceFile, wordPieceVocabFile)
}

// isWordPieceFile reports whether data is a tokenizer.json.
func isWordPieceFile(data []byte) bool { return bytes.HasPrefix(data, []byte("{")) && json.Valid(data) }

// isWordPieceVocab reports whether data is a list of pieces. A list of words has
// a line <unk> in any case.
func isWordPieceVocab(data []byte) bool {
	return len(data) > 0 && data[0] > ' ' && hasLine(data, wordPieceUnknown) && !hasLine(data, wordUnknown)
}

func hasLine(data []byte, line string) bool {
	for {
		i := bytes.Index(data, []byte(line))
		if i < 0 {
			return false
		}
		end := i + len(line)
		if (i == 0 || data[i-1] == '\n') && (end == len(data) || data[end] == '\n' || data[end] == '\r') {
			return true
		}
		data = data[end:]
	}
}

// tokenizerFile is tokenizer.json. What only concerns how sequences are put
// together is left out.
type tokenizerFile struct {
	AddedTokens []addedToken `json:"added_tokens"`
	Normalizer  *struct {
		Type               string
		CleanText          *bool `json:"clean_text"`
		HandleChineseChars *bool `json:"handle_chinese_chars"`
		StripAccents       *bool `json:"strip_accents"`
		Lowercase          *bool
	}
	PreTokenizer *struct{ Type string } `json:"pre_tokenizer"`
	Decoder      *struct {
		Type, Prefix string
		Cleanup      bool
	}
	Model struct {
		Type                    string
		UnkToken                string `json:"unk_token"`
		ContinuingSubwordPrefix string `json:"continuing_subword_prefix"`
		MaxInputCharsPerWord    int    `json:"max_input_chars_per_word"`
		Vocab                   json.RawMessage
	}
}

func parseWordPieceFile(path string, data []byte, config tokenizerConfig) (*WordPiece, error) {
	w, err := parseTokenizerFile(data, config)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return w, nil
}

func parseTokenizerFile(data []byte, config tokenizerConfig) (*WordPiece, error) {
	var f tokenizerFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("no JSON of a tokenizer: %w", jsonerror.Plain(err))
	}
	o, err := f.options()
	if err != nil {
		return nil, err
	}
	vocab, err := parseVocabObject(f.Model.Vocab)
	if err != nil {
		return nil, fmt.Errorf("model.vocab: %w", err)
	}
	return newWordPiece(vocab, config.over(o), config.withSpecial(vocab, f.AddedTokens))
}

// options checks that the parts of the tokenizer are those of BERT.
func (f *tokenizerFile) options() (WordPieceOptions, error) {
	var o WordPieceOptions
	n, m, d := f.Normalizer, f.Model, f.Decoder
	switch {
	case m.Type != "WordPiece" && m.Type != "": // which older files leave out
		return o, fmt.Errorf("model.type is %q; expected WordPiece", m.Type)
	case m.UnkToken != wordPieceUnknown || m.ContinuingSubwordPrefix != continuation || m.MaxInputCharsPerWord != maxWordChars:
		return o, fmt.Errorf("model has unk_token %q, continuing_subword_prefix %q and max_input_chars_per_word %d; expected %s, %s and %d", m.UnkToken, m.ContinuingSubwordPrefix, m.MaxInputCharsPerWord, wordPieceUnknown, continuation, maxWordChars)
	case n == nil || n.Type != "BertNormalizer" || n.CleanText == nil || n.HandleChineseChars == nil || n.Lowercase == nil:
		return o, errors.New("normalizer is none of BERT; expected type BertNormalizer with clean_text, handle_chinese_chars and lowercase")
	case !*n.CleanText:
		return o, errors.New("normalizer.clean_text is false; expected true")
	case f.PreTokenizer == nil || f.PreTokenizer.Type != "BertPreTokenizer":
		return o, errors.New("pre_tokenizer is none of BERT; expected type BertPreTokenizer")
	case d != nil && (d.Type != "WordPiece" || d.Prefix != continuation || !d.Cleanup):
		return o, fmt.Errorf("decoder has type %q, prefix %q and cleanup %t; expected WordPiece, %s and true", d.Type, d.Prefix, d.Cleanup, continuation)
	}
	return WordPieceOptions{Cased: !*n.Lowercase, Accents: accents(n.StripAccents), UnspacedCJK: !*n.HandleChineseChars}, nil
}

// accents returns the setting for strip_accents, nil for null.
func accents(strip *bool) Accents {
	switch {
	case strip == nil:
		return AccentsByCase
	case *strip:
		return StripAccents
	}
	return KeepAccents
}

// parseVocabObject reads an object of entries and their ids.
func parseVocabObject(data []byte) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("is missing or no object; expected entries with their ids")
	}
	ids := map[string]int32{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		token := t.(string) // a key
		var id int32
		if err := d.Decode(&id); err != nil {
			return nil, fmt.Errorf("%.40q has no id: %w", token, err)
		}
		if was, ok := ids[token]; ok {
			return nil, fmt.Errorf("%.40q has ids %d and %d; expected distinct entries", token, was, id)
		}
		ids[token] = id
	}
	vocab := make([]string, len(ids))
	taken := make([]bool, len(ids))
	for _, token := range slices.Sorted(maps.Keys(ids)) {
		switch id := ids[token]; {
		case id < 0 || int(id) >= len(ids):
			return nil, fmt.Errorf("%.40q has id %d of %d entries; expected ids from 0 on without gaps", token, id, len(ids))
		case taken[id]:
			return nil, fmt.Errorf("%.40q and %.40q both have id %d; expected one", vocab[id], token, id)
		default:
			vocab[id], taken[id] = token, true
		}
	}
	return vocab, nil
}

// tokenizerConfig is tokenizer_config.json.
type tokenizerConfig struct {
	Class                string                `json:"tokenizer_class"`
	DoLowerCase          *bool                 `json:"do_lower_case"`
	StripAccents         *bool                 `json:"strip_accents"`
	TokenizeChineseChars *bool                 `json:"tokenize_chinese_chars"`
	Longest              float64               `json:"model_max_length,omitempty"` // 1e30 where there is no limit
	Unknown              *tokenName            `json:"unk_token"`
	Begin                *tokenName            `json:"cls_token"`
	End                  *tokenName            `json:"sep_token"`
	Pad                  *tokenName            `json:"pad_token"`
	Mask                 *tokenName            `json:"mask_token"`
	Added                map[string]addedToken `json:"added_tokens_decoder,omitempty"` // by id
	Special              []specialToken        `json:"additional_special_tokens,omitempty"`

	old map[string]int32 // of added_tokens.json
}

// specialToken is a special token by its name: a string, or an object of an added token.
type specialToken addedToken

// UnmarshalJSON implements json.Unmarshaler.
func (t *specialToken) UnmarshalJSON(data []byte) error {
	*t = specialToken{}
	err := json.Unmarshal(data, (*addedToken)(t))
	if data[0] == '"' {
		err = json.Unmarshal(data, &t.Content)
	}
	t.Special, t.Normalized = true, t.Normalized && data[0] == '{'
	return err
}

// tokenName is the name of a special symbol: a string, or an object with it.
type tokenName string

// UnmarshalJSON implements json.Unmarshaler.
func (n *tokenName) UnmarshalJSON(data []byte) error {
	var object struct{ Content string }
	if data[0] != '{' {
		return json.Unmarshal(data, (*string)(n))
	}
	err := json.Unmarshal(data, &object)
	*n = tokenName(object.Content)
	return err
}

// parseWordPieceVocab reads an entry a line, whose number is its id, with the
// options of the tokenizer_config.json that lies beside it.
func parseWordPieceVocab(path string, data []byte) (*WordPiece, error) {
	var config tokenizerConfig
	dir := filepath.Dir(path)
	if err := config.read(dir); err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", filepath.Join(dir, wordPieceConfigFile), err)
	}
	w, err := parseVocabLines(data, config)
	if problem := new(entryError); errors.As(err, &problem) {
		return nil, fmt.Errorf("tokenizer: %s:%d: %w", path, problem.id+1, err)
	}
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return w, nil
}

func parseVocabLines(data []byte, config tokenizerConfig) (*WordPiece, error) {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	vocab := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	added, err := config.added(vocab)
	if err != nil {
		return nil, err
	}
	return newWordPiece(vocab, config.options(), added)
}

// read reads the configuration of a folder, and what of it older versions keep elsewhere, as
// far as they are there.
func (c *tokenizerConfig) read(dir string) error {
	if err := readJSON(filepath.Join(dir, wordPieceConfigFile), c); err != nil {
		return err
	}
	if c.Special == nil {
		var special struct {
			Special []specialToken `json:"additional_special_tokens"`
		}
		if err := readJSON(filepath.Join(dir, wordPieceSpecialFile), &special); err != nil {
			return err
		}
		c.Special = special.Special
	}
	if c.Added != nil {
		return nil
	}
	return readJSON(filepath.Join(dir, wordPieceAddedFile), &c.old)
}

// readJSON reads a file of a tokenizer's settings if it is there.
func readJSON(path string, to any) error {
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("tokenizer: %s: no JSON of a tokenizer's configuration: %w", path, jsonerror.Plain(err))
	}
	return nil
}

// check says what a tokenizer with no other description cannot have.
func (c *tokenizerConfig) check() error {
	if strings.HasPrefix(c.Class, "BertJapanese") {
		return fmt.Errorf("tokenizer_class is %s, which cuts words otherwise than BERT; expected BertTokenizer", c.Class)
	}
	for _, symbol := range []struct {
		want string
		got  *tokenName
	}{
		{wordPieceUnknown, c.Unknown}, {wordPieceBegin, c.Begin}, {wordPieceEnd, c.End}, {wordPiecePad, c.Pad}, {wordPieceMask, c.Mask},
	} {
		if symbol.got != nil && string(*symbol.got) != symbol.want {
			return fmt.Errorf("a special symbol is %.40q; expected %s", *symbol.got, symbol.want)
		}
	}
	return nil
}

// over returns o with the settings that are given.
func (c *tokenizerConfig) over(o WordPieceOptions) WordPieceOptions {
	if c.DoLowerCase != nil {
		o.Cased = !*c.DoLowerCase
	}
	if c.StripAccents != nil {
		o.Accents = accents(c.StripAccents)
	}
	if c.TokenizeChineseChars != nil {
		o.UnspacedCJK = !*c.TokenizeChineseChars
	}
	return o
}

// options returns the settings, the reference's defaults for those not given.
func (c *tokenizerConfig) options() WordPieceOptions {
	given := func(b *bool) bool { return b == nil || *b }
	return WordPieceOptions{Cased: !given(c.DoLowerCase), Accents: accents(c.StripAccents), UnspacedCJK: !given(c.TokenizeChineseChars)}
}

// added returns the added tokens: those of the configuration and the special
// symbols of the vocabulary.
func (c *tokenizerConfig) added(vocab []string) ([]addedToken, error) {
	var added []addedToken
	for _, key := range slices.SortedFunc(maps.Keys(c.Added), func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) }) {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("added_tokens_decoder has the key %.40q; expected an id", key)
		}
		t := c.Added[key]
		t.ID = int32(id)
		added = append(added, t)
	}
	for _, content := range slices.SortedFunc(maps.Keys(c.old), func(a, b string) int { return cmp.Or(cmp.Compare(c.old[a], c.old[b]), strings.Compare(a, b)) }) {
		t := addedToken{ID: c.old[content], Content: content, Normalized: true}
		if i := slices.IndexFunc(c.Special, func(s specialToken) bool { return s.Content == content }); i >= 0 {
			t.Special, t.Normalized = true, false
		}
		added = append(added, t)
	}
	for _, t := range specialTokens(vocab) {
		if !has(added, t.Content) {
			added = append(added, t)
		}
	}
	return c.withSpecial(vocab, added), nil
}

// withSpecial returns added with the special tokens of the configuration that it lacks, with
// the ids that the vocabulary has for them, or the next ones.
func (c *tokenizerConfig) withSpecial(vocab []string, added []addedToken) []addedToken {
	next := int32(len(vocab))
	for _, t := range added {
		next = max(next, t.ID+1)
	}
	for _, s := range c.Special {
		t := addedToken(s)
		if has(added, t.Content) {
			continue
		}
		t.ID = int32(slices.Index(vocab, t.Content))
		if t.ID < 0 {
			t.ID = next
			next++
		}
		added = append(added, t)
	}
	return added
}

func has(added []addedToken, content string) bool {
	return slices.ContainsFunc(added, func(t addedToken) bool { return t.Content == content })
}
