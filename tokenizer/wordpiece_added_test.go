package tokenizer

import (
	"fmt"
	"testing"
)

// TestAddedTokensOfFolders: what is expected is what transformers 5 makes of such folders.
func TestAddedTokensOfFolders(t *testing.T) {
	const oldAdded, oldSpecial = `{"<ent>": 10, "newword": 11}`, `{"unk_token": "[UNK]", "additional_special_tokens": ["<ent>"]}`
	config := func(added string) map[string]string {
		return map[string]string{"vocab.txt": smallVocab, "tokenizer_config.json": `{"added_tokens_decoder": ` + added + `}`}
	}
	for name, c := range map[string]struct {
		files            map[string]string
		text, ids, text2 string // text2 is what the ids are decoded to
	}{
		"older version": {
			map[string]string{"vocab.txt": smallVocab, "added_tokens.json": oldAdded, "special_tokens_map.json": oldSpecial},
			"a <ent> NewWord b", "[5 10 11 6]", "a newword b",
		},
		"special, in the vocabulary": {
			map[string]string{"vocab.txt": smallVocab, "tokenizer_config.json": `{"additional_special_tokens": ["b"]}`, "special_tokens_map.json": oldSpecial},
			"ab a", "[5 6 5]", "a a",
		},
		"special, beside tokenizer.json": {
			map[string]string{"tokenizer.json": smallTokenizerFile(), "tokenizer_config.json": `{"additional_special_tokens": [{"content": "aa", "rstrip": true}]}`},
			"aaa aa a", "[6 4 6 4]", "a a",
		},
		"the same when normalised": {
			config(`{"10": {"content": "Y", "normalized": true}, "11": {"content": "y", "normalized": true}}`),
			"y Y", "[10 10]", "y y",
		},
		"white space of two tokens": {
			config(`{"10": {"content": "x", "rstrip": true}, "11": {"content": "  ", "lstrip": true}}`),
			"x  a  x   ", "[10 5 11 10]", "",
		},
	} {
		w, err := LoadWordPiece(writeFolder(t, c.files))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		ids, offsets := w.EncodeWithOffsets(c.text)
		if got := fmt.Sprint(ids); got != c.ids {
			t.Errorf("%s: ids %s of %q; want %s", name, got, c.text, c.ids)
		}
		for i := range offsets[1:] {
			if offsets[i+1].Start < offsets[i].End || offsets[i+1].Start == offsets[i+1].End {
				t.Errorf("%s: offsets %v of %q", name, offsets, c.text)
			}
		}
		if got := w.Decode(ids); c.text2 != "" && got != c.text2 {
			t.Errorf("%s: %q after decoding; want %q", name, got, c.text2)
		}
	}
}

// TestLowerKeepsAccents: lower case before a vocabulary with case.
func TestLowerKeepsAccents(t *testing.T) {
	vocab := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "é", "e"}
	w, err := NewWordPiece(vocab, WordPieceOptions{Cased: true})
	if err != nil {
		t.Fatal(err)
	}
	lower, err := w.Lower()
	if err != nil {
		t.Fatal(err)
	}
	for tok, want := range map[*WordPiece]string{w: "[1 1 2]", lower: "[4 5 2]"} {
		if got := fmt.Sprint(tok.Encode("É E [CLS]")); got != want {
			t.Errorf("ids %s; want %s", got, want)
		}
	}
	if again, err := lower.Lower(); err != nil || again != lower {
		t.Errorf("lower case of lower case is %p, %v; want the same, %p", again, err, lower)
	}
}
