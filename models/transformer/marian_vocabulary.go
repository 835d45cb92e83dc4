package transformer

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/kotoba-nlp/kotoba/internal/jsonerror"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// marianVocabulary is the vocabulary of a Marian folder: a SentencePiece model
// cuts text into pieces, and vocab.json gives their ids.
type marianVocabulary struct {
	spm     *tokenizer.SentencePiece
	pieces  []string         // by id
	ids     map[string]int32 // by piece
	toSPM   []int32          // the id of spm of each of the model's; [tokenizer.None] for a symbol without text, foreign for a piece that spm lacks
	special tokenizer.Special
}

// foreign is in place of the id of a piece that a SentencePiece model lacks.
const foreign int32 = -2

func newMarianVocabulary(path string, pieces []string, special tokenizer.Special) (*marianVocabulary, error) {
	loaded, err := tokenizer.Load(path)
	if err != nil {
		return nil, err
	}
	spm, ok := loaded.(*tokenizer.SentencePiece)
	if !ok {
		return nil, fmt.Errorf("transformer: %s is no model of SentencePiece", path)
	}
	v := &marianVocabulary{
		spm: spm, pieces: pieces, special: special,
		ids: make(map[string]int32, len(pieces)), toSPM: make([]int32, len(pieces)),
	}
	for id, piece := range pieces {
		v.ids[piece] = int32(id)
		v.toSPM[id] = foreign
	}
	v.toSPM[special.Unknown] = spm.Special().Unknown
	for _, id := range []int32{special.Pad, special.End} {
		v.toSPM[id] = tokenizer.None
	}
	for i := range int32(spm.Len()) {
		if id, ok := v.ids[spm.Token(i)]; ok {
			v.toSPM[id] = i
		}
	}
	return v, nil
}

// Encode implements tokenizer.Tokenizer. The code of a language that text begins with, as
// >>fra<<, is an entry of vocab.json as a whole, and so may be what spm does not know, as a
// letter of the other language.
func (v *marianVocabulary) Encode(text string) (ids []int32) {
	code, rest := cutLanguage(text)
	if code != "" {
		ids = append(ids, v.idOf(code))
	}
	for _, piece := range v.spm.Pieces(rest) {
		ids = append(ids, v.idOf(piece))
	}
	return ids
}

// idOf returns the id of a piece, that of unknown ones where vocab.json lacks it.
func (v *marianVocabulary) idOf(piece string) int32 {
	if id, ok := v.ids[piece]; ok {
		return id
	}
	return v.special.Unknown
}

// cutLanguage cuts the code of a language off the beginning of text.
func cutLanguage(text string) (code, rest string) {
	if end := strings.Index(text, "<<"); end >= 0 && strings.HasPrefix(text, ">>") {
		return text[:end+len("<<")], text[end+len("<<"):]
	}
	return "", text
}

// Decode implements tokenizer.Tokenizer. Pieces that the SentencePiece model lacks, as
// those of the other language's, are their own text.
func (v *marianVocabulary) Decode(ids []int32) string {
	var text strings.Builder
	var run []int32 // ids of spm since the last foreign piece
	for _, id := range ids {
		switch to := v.toSPM[id]; to {
		case tokenizer.None:
		case foreign:
			text.WriteString(v.decodeRun(run, text.Len() > 0) + strings.ReplaceAll(v.pieces[id], "▁", " "))
			run = run[:0]
		default:
			run = append(run, to)
		}
	}
	return strings.TrimSpace(text.String() + v.decodeRun(run, text.Len() > 0))
}

// decodeRun returns the text of ids of spm, with the space in front of it where they are
// inside a sentence.
func (v *marianVocabulary) decodeRun(ids []int32, inside bool) string {
	if !inside {
		return v.spm.Decode(ids)
	}
	before := []int32{v.spm.Special().Unknown}
	return strings.TrimPrefix(v.spm.Decode(append(before, ids...)), v.spm.Decode(before))
}

// Len implements tokenizer.Tokenizer.
func (v *marianVocabulary) Len() int { return len(v.pieces) }

// Token implements tokenizer.Tokenizer.
func (v *marianVocabulary) Token(id int32) string { return v.pieces[id] }

// ID implements tokenizer.Tokenizer.
func (v *marianVocabulary) ID(token string) (id int32, ok bool) {
	id, ok = v.ids[token]
	return id, ok
}

// Special implements tokenizer.Tokenizer.
func (v *marianVocabulary) Special() tokenizer.Special { return v.special }

// Save implements tokenizer.Tokenizer. No file that tokenizer.Load reads
// holds two orders of pieces: it is always an error.
func (v *marianVocabulary) Save(path string) error {
	return fmt.Errorf("transformer: save %s: the vocabulary of a Marian folder takes several files; use the folder itself", path)
}

// readPieces reads vocab.json: for each of size ids its piece.
func readPieces(path string, size int) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("transformer: %w", err)
	}
	var ids map[string]int
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil, fmt.Errorf("transformer: %s: %w", path, jsonerror.Plain(err))
	}
	if len(ids) != size {
		return nil, fmt.Errorf("transformer: %s has %d pieces; the model has %d", path, len(ids), size)
	}
	pieces, taken := make([]string, size), make([]bool, size)
	for piece, id := range ids {
		if id < 0 || id >= size || taken[id] {
			return nil, fmt.Errorf("transformer: %s gives %q the id %d; want each of 0 to %d once", path, piece, id, size-1)
		}
		pieces[id], taken[id] = piece, true
	}
	return pieces, nil
}
