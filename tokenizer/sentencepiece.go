package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// SentencePiece is a subword vocabulary as a SentencePiece .model file holds
// it (Kudo and Richardson 2018). Its ids equal those of the reference
// implementation for the same file and text.
type SentencePiece struct {
	proto        *modelProto
	serialized   []byte // the model file
	norm         *normalizer
	denorm       *normalizer // nil when the model has no rules for decoded text
	seg          segmenter
	ids          map[string]int32 // pieces that text can hold
	reserved     map[string]int32 // control, unknown and byte pieces
	byteIDs      [256]int32
	byteOf       map[int32]byte
	special      Special
	scratchSpace sync.Pool // of *scratch
}

// maxPieceSize bounds pieces, in bytes. Those of real models are far shorter;
// building a trie takes a stack as deep as the longest.
const maxPieceSize = 1 << 14

// span is one piece of a segmentation: the text from the end of the span
// before it up to end, a byte offset.
type span struct {
	id  int32
	end int32
}

// segmenter cuts normalised text into pieces of the vocabulary. What has no
// piece becomes spans of the unknown id, a character each.
type segmenter interface {
	// segment appends to dst; s holds its working memory.
	segment(dst []span, text []byte, s *scratch) []span
}

// scratch is working memory that calls reuse.
type scratch struct {
	text  []byte
	spans []span
	best  []bestPath
	bpe   bpeScratch
}

// newSentencePiece checks a model and prepares it for use.
func newSentencePiece(serialized []byte) (*SentencePiece, error) {
	proto, err := parseModel(serialized)
	if err != nil {
		return nil, err
	}
	m := &SentencePiece{proto: proto, serialized: serialized}
	m.scratchSpace.New = func() any { return new(scratch) }
	if err := m.indexPieces(); err != nil {
		return nil, err
	}
	symbols, err := m.trie(func(p piece) bool { return p.kind == pieceUserDefined })
	if err != nil {
		return nil, err
	}
	if m.norm, err = newNormalizer(proto.normalizer, proto.spaceSuffix, symbols); err != nil {
		return nil, err
	}
	if d := proto.denormalizer; d != nil && len(d.charsmap) > 0 {
		if m.denorm, err = newNormalizer(*d, false, nil); err != nil {
			return nil, err
		}
	}
	switch proto.algorithm {
	case Unigram:
		m.seg, err = newUnigram(m)
	case BPE:
		m.seg, err = newBPE(m, symbols)
	default:
		err = fmt.Errorf("model_type is %d; expected 1 (unigram) or 2 (bpe)", int(proto.algorithm))
	}
	return m, err
}

// indexPieces fills the maps between pieces and ids and checks the vocabulary
// as a whole.
func (m *SentencePiece) indexPieces() error {
	m.ids = make(map[string]int32, len(m.proto.pieces))
	m.reserved = map[string]int32{}
	m.byteOf = map[int32]byte{}
	m.special = Special{Unknown: None, Begin: None, End: None, Pad: None}
	for i, p := range m.proto.pieces {
		id := int32(i)
		if p.text == "" || len(p.text) > maxPieceSize {
			return fmt.Errorf("piece %d has %d bytes; expected 1 to %d", i, len(p.text), maxPieceSize)
		}
		if s := float64(p.score); math.IsNaN(s) || math.IsInf(s, 0) {
			return fmt.Errorf("piece %d, %q, has score %v; expected a finite number", i, p.text, s)
		}
		index := m.ids
		switch p.kind {
		case pieceNormal, pieceUserDefined, pieceUnused:
		case pieceUnknown:
			if m.special.Unknown != None {
				return fmt.Errorf("pieces %d and %d are both of type unknown; expected one", m.special.Unknown, i)
			}
			m.special.Unknown = id
			index = m.reserved
		case pieceControl:
			index = m.reserved
		case pieceByte:
			b, ok := parseBytePiece(p.text)
			if !ok || !m.proto.byteFallback {
				return fmt.Errorf("piece %d, %q, is of type byte; expected <0x00> to <0xFF> in a model with byte_fallback", i, p.text)
			}
			m.byteIDs[b], m.byteOf[id] = id, b
			index = m.reserved
		default:
			return fmt.Errorf("piece %d, %q, has type %d; expected 1 to 6", i, p.text, int(p.kind))
		}
		if was, ok := index[p.text]; ok {
			return fmt.Errorf("pieces %d and %d are both %q; expected distinct pieces", was, i, p.text)
		}
		index[p.text] = id
	}
	return m.checkPieces()
}

func (m *SentencePiece) checkPieces() error {
	switch {
	case len(m.proto.pieces) == 0:
		return fmt.Errorf("the model has no pieces; expected a vocabulary")
	case len(m.ids) == 0:
		return fmt.Errorf("all %d pieces are control, unknown or byte pieces; expected some for text", len(m.proto.pieces))
	case m.special.Unknown == None:
		return fmt.Errorf("none of %d pieces is of type unknown; expected one", len(m.proto.pieces))
	case m.proto.byteFallback && len(m.byteOf) != 256:
		return fmt.Errorf("the model has byte_fallback but %d byte pieces; expected 256", len(m.byteOf))
	}
	for name, id := range map[string]*int32{
		m.proto.bosPiece: &m.special.Begin, m.proto.eosPiece: &m.special.End, m.proto.padPiece: &m.special.Pad,
	} {
		if i, ok := m.reserved[name]; ok && m.proto.pieces[i].kind == pieceControl {
			*id = i
		}
	}
	return nil
}

// trie makes a double array of the pieces that keep accepts. A piece with a
// NUL byte is left out: as in the reference, it never matches.
func (m *SentencePiece) trie(keep func(piece) bool) (doubleArray, error) {
	var ids []int32
	for i, p := range m.proto.pieces {
		if keep(p) && strings.IndexByte(p.text, 0) < 0 {
			ids = append(ids, int32(i))
		}
	}
	slices.SortFunc(ids, func(a, b int32) int {
		return strings.Compare(m.proto.pieces[a].text, m.proto.pieces[b].text)
	})
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = m.proto.pieces[id].text
	}
	return buildDoubleArray(keys, ids)
}

// Encode returns the ids of the likeliest (unigram) or only (BPE)
// segmentation of the normalised text.
func (m *SentencePiece) Encode(text string) []int32 {
	s := m.scratchSpace.Get().(*scratch)
	defer m.scratchSpace.Put(s)
	s.text = m.norm.appendNormalized(s.text[:0], text)
	s.spans = m.seg.segment(s.spans[:0], s.text, s)
	return m.idsOf(s.spans, s.text)
}

// Pieces returns what Encode has the ids of, as text: an unknown run is what it is made of.
func (m *SentencePiece) Pieces(text string) (pieces []string) {
	s := m.scratchSpace.Get().(*scratch)
	defer m.scratchSpace.Put(s)
	s.text = m.norm.appendNormalized(s.text[:0], text)
	s.spans = m.seg.segment(s.spans[:0], s.text, s)
	start, unknown := int32(0), m.special.Unknown
	for i, sp := range s.spans {
		switch {
		case sp.id != unknown:
			pieces = append(pieces, m.Token(sp.id))
		case m.proto.byteFallback:
			for _, b := range s.text[start:sp.end] {
				pieces = append(pieces, m.Token(m.byteIDs[b]))
			}
		case i+1 < len(s.spans) && s.spans[i+1].id == unknown:
			continue // the run goes on
		default:
			pieces = append(pieces, string(s.text[start:sp.end]))
		}
		start = sp.end
	}
	return pieces
}

// Normalize returns text as the model segments it, with spaces as U+2581.
func (m *SentencePiece) Normalize(text string) string {
	return string(m.norm.appendNormalized(nil, text))
}

// idsOf turns spans into ids: an unknown span becomes its bytes in a model
// with byte fallback; otherwise a run of them becomes one unknown id.
func (m *SentencePiece) idsOf(spans []span, text []byte) []int32 {
	ids := make([]int32, 0, len(spans))
	unknown := m.special.Unknown
	start := int32(0)
	afterUnknown := false
	for _, sp := range spans {
		switch {
		case sp.id != unknown:
			ids = append(ids, sp.id)
		case m.proto.byteFallback:
			for _, b := range text[start:sp.end] {
				ids = append(ids, m.byteIDs[b])
			}
		case !afterUnknown:
			ids = append(ids, unknown)
		}
		afterUnknown = sp.id == unknown
		start = sp.end
	}
	return ids
}

// Decode returns the text of ids: pieces joined, U+2581 turned into spaces,
// byte pieces turned into characters (U+FFFD for a byte of none) and the
// spaces that normalisation put in front removed. It panics when an id is
// outside [0, Len).
func (m *SentencePiece) Decode(ids []int32) string {
	var text []byte
	spec := &m.proto.normalizer
	stripping := spec.addDummyPrefix || spec.removeExtraWhitespaces
	atStart, stripped := true, false
	for i := 0; i < len(ids); {
		if _, ok := m.byteOf[ids[i]]; ok {
			n := m.countBytes(ids[i:])
			text = m.appendBytes(text, ids[i:i+n])
			i += n
			continue
		}
		if stripped || len(text) > 0 {
			atStart = false
		}
		p := m.proto.pieces[ids[i]]
		i++
		stripped = false
		switch p.kind {
		case pieceControl:
			continue
		case pieceUnknown:
			text = append(text, m.proto.unkSurface...)
			continue
		}
		surface := p.text
		if atStart && stripping {
			surface, stripped = strings.CutPrefix(surface, spaceSymbol)
			// With extra spaces removed, all leading ones go; otherwise one.
			stripped = stripped && !spec.removeExtraWhitespaces
		}
		text = append(text, strings.ReplaceAll(surface, spaceSymbol, " ")...)
	}
	if m.denorm != nil {
		text = m.denorm.appendNormalized(nil, string(text))
	}
	return string(text)
}

// countBytes returns how many byte pieces begin ids.
func (m *SentencePiece) countBytes(ids []int32) int {
	for i, id := range ids {
		if _, ok := m.byteOf[id]; !ok {
			return i
		}
	}
	return len(ids)
}

// appendBytes appends the characters that a run of byte pieces spells.
func (m *SentencePiece) appendBytes(text []byte, ids []int32) []byte {
	raw := make([]byte, len(ids))
	for i, id := range ids {
		raw[i] = m.byteOf[id]
	}
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		text = utf8.AppendRune(text, r)
		raw = raw[n:]
	}
	return text
}

// Len is the number of pieces.
func (m *SentencePiece) Len() int { return len(m.proto.pieces) }

// Token returns a piece as the model file holds it, with U+2581 for a space.
func (m *SentencePiece) Token(id int32) string { return m.proto.pieces[id].text }

// ID returns the id of a piece.
func (m *SentencePiece) ID(token string) (id int32, ok bool) {
	if id, ok = m.reserved[token]; ok {
		return id, true
	}
	id, ok = m.ids[token]
	return id, ok
}

// Special returns the ids of the unknown, begin, end and pad pieces.
func (m *SentencePiece) Special() Special { return m.special }

// Algorithm returns how the model segments.
func (m *SentencePiece) Algorithm() Algorithm { return m.proto.algorithm }

// Save writes a .model file, which the reference implementation reads too.
func (m *SentencePiece) Save(path string) error { return writeFile(path, m.serialized) }

// bytePiece returns the piece that stands for a byte: <0x00> to <0xFF>.
func bytePiece(b byte) string { return fmt.Sprintf("<0x%02X>", b) }

func parseBytePiece(s string) (byte, bool) {
	var b byte
	_, err := fmt.Sscanf(s, "<0x%02X>", &b)
	return b, err == nil && bytePiece(b) == s
}
