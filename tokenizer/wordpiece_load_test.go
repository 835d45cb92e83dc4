package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const smallVocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\nÄ\n猫\n"

// smallTokenizerFile returns a tokenizer.json, after replacing parts of it.
func smallTokenizerFile(oldnew ...string) string {
	return strings.NewReplacer(oldnew...).Replace(`{
  "version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [
    {"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 5, "content": "[X]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}
  ],
  "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "post_processor": {"type": "TemplateProcessing"},
  "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
  "model": {
    "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
    "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4}
  }
}`)
}

// writeFolder makes a folder of files with their text.
func writeFolder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadWordPiece(t *testing.T) {
	strip := WordPieceOptions{Cased: true, Accents: StripAccents, UnspacedCJK: true}
	for _, c := range []struct {
		name  string
		files map[string]string
		o     WordPieceOptions
		text  string
		want  string
	}{
		{"list", map[string]string{"vocab.txt": smallVocab}, WordPieceOptions{}, "ÄB猫猫[MASK]x", "[5 7 9 9 4 1]"},
		{"end of line", map[string]string{"vocab.txt": strings.ReplaceAll(smallVocab, "\n", "\r\n")}, WordPieceOptions{}, "AB", "[5 7]"},
		{"empty configuration", map[string]string{"vocab.txt": smallVocab, "tokenizer_config.json": "{}"}, WordPieceOptions{}, "AB", "[5 7]"},
		{
			"configuration",
			map[string]string{"vocab.txt": smallVocab, "tokenizer_config.json": `{"do_lower_case": false, "strip_accents": true, "tokenize_chinese_chars": false}`},
			strip, "ab Äb 猫猫 猫", "[5 7 1 1 9]",
		},
		{
			"added tokens",
			map[string]string{"vocab.txt": smallVocab, "tokenizer_config.json": `{
				"unk_token": {"content": "[UNK]"}, "mask_token": null, "strip_accents": false,
				"added_tokens_decoder": {"10": {"content": "[X]", "special": true}, "9": {"content": "猫", "lstrip": true}}}`},
			WordPieceOptions{Accents: KeepAccents},
			"[X]ä 猫[X][CLS]", "[10 1 9 10 2]",
		},
		{"file", map[string]string{"tokenizer.json": smallTokenizerFile()}, WordPieceOptions{}, "A[X]a[PAD][CLS]", "[4 5 4 0 1 1 1]"},
		{
			"symbol added",
			map[string]string{"tokenizer.json": smallTokenizerFile("[X]", "[SEP]", "[SEP]\": 3, \"a\": 4", "x\": 3, \"a\": 4")},
			WordPieceOptions{},
			"A[SEP]x", "[4 5 3]",
		},
		{
			"file first",
			map[string]string{"tokenizer.json": smallTokenizerFile("null, \"lowercase\": true", "true, \"lowercase\": false", `chars": true`, `chars": false`), "vocab.txt": smallVocab},
			strip, "Aáa", "[1]",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := writeFolder(t, c.files)
			w, err := LoadWordPiece(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(w.Encode(c.text)); w.Options() != c.o || got != c.want {
				t.Errorf("options %+v, ids %s of %q; expected %+v, %s", w.Options(), got, c.text, c.o, c.want)
			}
			for name := range c.files {
				if name == wordPieceConfigFile || len(c.files) > 1 && name == wordPieceVocabFile && c.name == "file first" {
					continue
				}
				checkLoad(t, filepath.Join(dir, name), c.text, c.want)
			}
		})
	}
}

// TestConfigurationGoesOverFile: as in transformers, which makes the tokenizer of the file
// one of the configuration's case and accents.
func TestConfigurationGoesOverFile(t *testing.T) {
	dir := writeFolder(t, map[string]string{
		"tokenizer.json":        smallTokenizerFile(),
		"tokenizer_config.json": `{"do_lower_case": false, "strip_accents": true, "tokenize_chinese_chars": false}`,
	})
	w, err := LoadWordPiece(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := WordPieceOptions{Cased: true, Accents: StripAccents, UnspacedCJK: true}
	if got := fmt.Sprint(w.Encode("A")); w.Options() != want || got != "[1]" {
		t.Errorf("options %+v, ids %s; want %+v, and no A", w.Options(), got, want)
	}
	checkLoad(t, filepath.Join(dir, wordPieceFile), "A", "[4]")
}

// checkLoad opens a file by Load and compares the ids of a text.
func checkLoad(t *testing.T, path, text, want string) {
	t.Helper()
	tok, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(tok.Encode(text)); got != want {
		t.Errorf("Load of %s: ids %s; expected %s", path, got, want)
	}
}

// badFolder is a folder that cannot be read, and what the error must say.
type badFolder struct {
	name  string
	files map[string]string
	want  string
}

func checkBadFolders(t *testing.T, folders []badFolder) {
	t.Helper()
	for _, c := range folders {
		t.Run(c.name, func(t *testing.T) {
			dir := writeFolder(t, c.files)
			_, err := LoadWordPiece(dir)
			if err == nil || !strings.HasPrefix(err.Error(), "tokenizer: "+dir) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; expected one with the path and %q", err, c.want)
			}
		})
	}
}

func TestLoadWordPieceVocabErrors(t *testing.T) {
	vocab := func(oldnew ...string) map[string]string {
		return map[string]string{"vocab.txt": strings.NewReplacer(oldnew...).Replace(smallVocab)}
	}
	checkBadFolders(t, []badFolder{
		{"nothing", nil, "there is no tokenizer.json and no vocab.txt"},
		{"twice", vocab("##b", "a"), `vocab.txt:8: entry 7, "a", is entry 5 too; expected distinct entries`},
		{"empty line", vocab("##b", ""), "vocab.txt:8: entry 7, is empty"},
		{"empty file", map[string]string{"vocab.txt": ""}, "vocab.txt:1: entry 0, is empty"},
		{"not UTF-8", vocab("##b", "\xff"), "vocab.txt:8: entry 7, \"\\xff\", is not UTF-8"},
		{"carriage return", vocab("##b", "b\rc"), `vocab.txt:8: entry 7, "b\rc", has an end of line in it`},
		{"long", vocab("##b", strings.Repeat("x", maxPieceSize+1)), "has 16385 bytes; expected at most 16384"},
		{"no unknown", vocab("[UNK]", "u"), "vocab.txt: none of 10 entries is [UNK]; expected [UNK], [CLS], [SEP] and [PAD]"},
		{"only added unknown", map[string]string{"vocab.txt": strings.Replace(smallVocab, "[UNK]", "u", 1), "tokenizer_config.json": `{"added_tokens_decoder": {"10": {"content": "[UNK]"}}}`}, "none of 11 entries is [UNK]"},
		{"no begin", vocab("[CLS]", "u"), "none of 10 entries is [CLS]"},
		{"no end", vocab("[SEP]", "u"), "none of 10 entries is [SEP]"},
		{"no pad", vocab("[PAD]", "u"), "none of 10 entries is [PAD]"},
	})
	if _, err := LoadWordPiece(filepath.Join(t.TempDir(), "missing")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v; expected one of a missing folder", err)
	}
	if _, err := NewWordPiece([]string{"[UNK]"}, WordPieceOptions{}); err == nil || !strings.HasPrefix(err.Error(), "tokenizer: none of 1 entries is [CLS]") {
		t.Errorf("error %v; expected one of a missing symbol", err)
	}
	if _, err := NewWordPiece(strings.Fields(smallVocab), WordPieceOptions{Accents: -1}); err == nil || !strings.Contains(err.Error(), "accents are -1") {
		t.Errorf("error %v; expected one of the accents", err)
	}
}

func TestLoadWordPieceConfigErrors(t *testing.T) {
	config := func(text string) map[string]string {
		return map[string]string{"vocab.txt": smallVocab, "tokenizer_config.json": text}
	}
	checkBadFolders(t, []badFolder{
		{"no configuration", config("[]"), "tokenizer_config.json: no JSON of a tokenizer's configuration"},
		{"Japanese", config(`{"tokenizer_class": "BertJapaneseTokenizer"}`), "tokenizer_class is BertJapaneseTokenizer"},
		{"symbol", config(`{"unk_token": "<unk>"}`), `a special symbol is "<unk>"; expected [UNK]`},
		{"symbol of a wrong type", config(`{"unk_token": 3}`), "no JSON of a tokenizer's configuration"},
		{"key", config(`{"added_tokens_decoder": {"x": {"content": "y"}}}`), `added_tokens_decoder has the key "x"; expected an id`},
		{"gap", config(`{"added_tokens_decoder": {"12": {"content": "y"}}}`), `added token "y" has id 12; expected 10, the next one`},
		{"negative", config(`{"added_tokens_decoder": {"-1": {"content": "y"}}}`), `added token "y" has id -1; expected 10`},
		{"other id", config(`{"added_tokens_decoder": {"10": {"content": "a"}}}`), `added token "a" has id 10, and 5 in the vocabulary`},
		{"same id", config(`{"added_tokens_decoder": {"10": {"content": "y"}, "010": {"content": "z"}}}`), `added tokens "y" and "z" both have id 10`},
		{"empty token", config(`{"added_tokens_decoder": {"10": {"content": ""}}}`), "added token 10, \"\", is empty"},
		{"nothing when normalised", config(`{"added_tokens_decoder": {"10": {"content": "\u200b", "normalized": true}}}`), "is empty when normalised"},
	})
}

func TestLoadWordPieceFileErrors(t *testing.T) {
	file := func(oldnew ...string) map[string]string {
		return map[string]string{"tokenizer.json": smallTokenizerFile(oldnew...)}
	}
	checkBadFolders(t, []badFolder{
		{"no JSON", map[string]string{"tokenizer.json": "x"}, "tokenizer.json: no JSON of a tokenizer"},
		{"model", file("WordPiece\", \"unk", "BPE\", \"unk"), `tokenizer.json: model.type is "BPE"; expected WordPiece`},
		{"prefix", file(`"##", "max`, `"@@", "max`), `continuing_subword_prefix "@@"`},
		{"length", file("word\": 100", "word\": 99"), "max_input_chars_per_word 99"},
		{"normalizer", file("BertNormalizer", "NFC"), "normalizer is none of BERT"},
		{"clean text", file("\"clean_text\": true", "\"clean_text\": false"), "normalizer.clean_text is false; expected true"},
		{"pre-tokenizer", file("BertPreTokenizer", "Whitespace"), "pre_tokenizer is none of BERT"},
		{"decoder", file("cleanup\": true", "cleanup\": false"), `decoder has type "WordPiece", prefix "##" and cleanup false`},
		{"no vocabulary", file(`"vocab": {`, `"x": {`), "model.vocab: is missing or no object"},
		{"vocabulary of a wrong type", file(`"vocab": {`, `"vocab": [], "x": {`), "model.vocab: is missing or no object"},
		{"id of a wrong type", file(`"a": 4`, `"a": "4"`), `model.vocab: "a" has no id`},
		{"fraction", file(`"a": 4`, `"a": 4.5`), `model.vocab: "a" has no id`},
		{"huge id", file(`"a": 4`, `"a": 99999999999`), `model.vocab: "a" has no id`},
		{"ids with gaps", file(`"a": 4`, `"a": 5`), `model.vocab: "a" has id 5 of 5 entries; expected ids from 0 on without gaps`},
		{"id twice", file(`"a": 4`, `"a": 3`), `model.vocab: "[SEP]" and "a" both have id 3; expected one`},
		{"entry twice", file(`"a": 4`, `"a": 4, "a": 5`), `model.vocab: "a" has ids 4 and 5; expected distinct entries`},
		{"empty entry", file(`"a": 4`, `"": 4`), "tokenizer.json: entry 4, is empty"},
		{"gap of an added token", file(`"id": 5`, `"id": 6`), `added token "[X]" has id 6; expected 5`},
		{"NUL", file("[X]", `x\u0000`), "has a NUL"},
	})
}

// TestLoadTellsWords checks that lists of words stay that.
func TestLoadTellsWords(t *testing.T) {
	for _, text := range []string{"<unk>\n[UNK]\n[CLS]\n[SEP]\n[PAD]\n", "{\n<unk>\n}\n", "[UNK]x\n<unk>\n", "a\n<unk>\n[UNK]"} {
		path := filepath.Join(writeFolder(t, map[string]string{"vocab.txt": text}), "vocab.txt")
		tok, err := Load(path)
		if _, ok := tok.(*Words); err != nil || !ok {
			t.Errorf("%q is loaded as %T, %v; expected *Words", text, tok, err)
		}
	}
}

// TestWordPieceSave checks that what is saved is loaded as it was.
func TestWordPieceSave(t *testing.T) {
	g := loadWordPieceGolden(t)
	for n, v := range g.Variants {
		w := g.tokenizer(t, n)
		dir := filepath.Join(t.TempDir(), "new", "folder")
		if err := w.SaveFolder(dir, 0); err != nil {
			t.Fatal(err)
		}
		fromFolder, err := LoadWordPiece(dir)
		if err != nil {
			t.Fatal(err)
		}
		fromFile, err := Load(filepath.Join(dir, "vocab.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []*WordPiece{fromFolder, fromFile.(*WordPiece)} {
			if !slices.Equal(got.tokens, w.tokens) || got.own != w.own || got.special != w.special || got.mask != w.mask || got.options != w.options || !slices.Equal(got.added, w.added) {
				t.Errorf("%s: differs after being saved and loaded", v.name())
			}
		}
	}
	w := g.tokenizer(t, 0)
	if err := w.Save(filepath.Join(t.TempDir(), "no", "vocab.txt")); err == nil {
		t.Error("saved into a folder that does not exist")
	}
	if err := w.SaveFolder(filepath.Join(writeFolder(t, map[string]string{"file": ""}), "file"), 0); err == nil {
		t.Error("saved into a file")
	}
}

// FuzzLoadWordPiece feeds files to the readers and uses what they accept.
func FuzzLoadWordPiece(f *testing.F) {
	f.Add([]byte(smallVocab), []byte(`{"do_lower_case": false, "added_tokens_decoder": {"10": {"content": "B ", "normalized": true, "rstrip": true}}}`))
	f.Add([]byte("[UNK]\n[CLS]\n[SEP]\n[PAD]\n##\n"), []byte(smallTokenizerFile()))
	f.Add([]byte(strings.ReplaceAll(smallVocab, "a\n", "a\x00\n")), []byte(smallTokenizerFile("null", "true", `normalized": false, "special": true`, `normalized": true`)))
	f.Fuzz(func(t *testing.T, vocab, data []byte) {
		var config tokenizerConfig
		if json.Unmarshal(data, &config) != nil || config.check() != nil {
			config = tokenizerConfig{}
		}
		if w, err := parseVocabLines(vocab, config); err == nil {
			useWordPiece(t, w)
		}
		if w, err := parseTokenizerFile(data, tokenizerConfig{}); err == nil {
			useWordPiece(t, w)
		}
	})
}

func useWordPiece(t *testing.T, w *WordPiece) {
	use(w)
	if _, err := json.Marshal(w.config()); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"a[CLS] B \xffé猫ab", "b\u0345\u0301 [X] a"} {
		ids, offsets := w.EncodeWithOffsets(text)
		checkOffsets(t, w, text, ids, offsets)
	}
}
