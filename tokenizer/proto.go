package tokenizer

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Algorithm is how a SentencePiece model segments text.
type Algorithm int

// The values are those of TrainerSpec.ModelType in sentencepiece_model.proto.
const (
	// Unigram takes the segmentation that is likeliest under a unigram
	// language model of pieces (Kudo 2018).
	Unigram Algorithm = 1
	// BPE merges pairs of neighbouring pieces in the order in which training
	// merged them (Sennrich et al. 2016).
	BPE Algorithm = 2
)

// String returns the name that the reference gives the algorithm.
func (a Algorithm) String() string {
	switch a {
	case Unigram:
		return "unigram"
	case BPE:
		return "bpe"
	}
	return fmt.Sprintf("Algorithm(%d)", int(a))
}

// pieceType says what an entry of the vocabulary is for; the values are those
// of SentencePiece.Type in sentencepiece_model.proto.
type pieceType int

const (
	pieceNormal      pieceType = 1
	pieceUnknown     pieceType = 2
	pieceControl     pieceType = 3
	pieceUserDefined pieceType = 4
	pieceUnused      pieceType = 5
	pieceByte        pieceType = 6
)

// piece is one entry of the vocabulary.
type piece struct {
	text  string
	score float32 // log probability (unigram), minus the rank of the merge (BPE)
	kind  pieceType
}

// normalizerSpec is the NormalizerSpec message.
type normalizerSpec struct {
	name                   string
	charsmap               []byte
	addDummyPrefix         bool
	removeExtraWhitespaces bool
	escapeWhitespaces      bool
}

// modelProto is the part of the ModelProto message that decides the ids.
type modelProto struct {
	pieces       []piece
	algorithm    Algorithm
	byteFallback bool
	spaceSuffix  bool // treat_whitespace_as_suffix
	unkSurface   string
	unkPiece     string
	bosPiece     string
	eosPiece     string
	padPiece     string
	normalizer   normalizerSpec
	denormalizer *normalizerSpec
}

var errTruncated = errors.New("a field runs past the end of its message; the model is cut off or is no SentencePiece model")

var errCutOff = errors.New("there is no normalizer_spec, which follows the pieces; the model is cut off")

// field is one field of a protobuf message; which of number and bytes holds
// its value depends on its wire type.
type field struct {
	num    protowire.Number
	typ    protowire.Type
	number uint64
	bytes  []byte
}

// eachField calls f for the fields of a message in turn.
func eachField(b []byte, f func(field) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errTruncated
		}
		b = b[n:]
		fd := field{num: num, typ: typ}
		switch typ {
		case protowire.VarintType:
			fd.number, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			fd.number = uint64(v)
		case protowire.BytesType:
			fd.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return errTruncated
		}
		b = b[n:]
		if err := f(fd); err != nil {
			return err
		}
	}
	return nil
}

// want checks the wire type of a known field.
func (f field) want(typ protowire.Type, name string) error {
	if f.typ != typ {
		return fmt.Errorf("field %s has wire type %d, not %d; no SentencePiece model has it so", name, f.typ, typ)
	}
	return nil
}

// parseModel reads a ModelProto message. It keeps no reference to b.
func parseModel(b []byte) (*modelProto, error) {
	m := &modelProto{
		algorithm: Unigram, unkSurface: " \u2047 ",
		unkPiece: "<unk>", bosPiece: "<s>", eosPiece: "</s>", padPiece: "<pad>",
		normalizer: newNormalizerSpec(),
	}
	whole := false // what comes last of what every model has is there
	err := eachField(b, func(f field) (err error) {
		if f.num > 5 {
			return nil // an extension
		}
		if err := f.want(protowire.BytesType, "of ModelProto"); err != nil {
			return err
		}
		switch f.num {
		case 1:
			var p piece
			p, err = parsePiece(f.bytes)
			m.pieces = append(m.pieces, p)
		case 2:
			err = m.parseTrainerSpec(f.bytes)
		case 3:
			whole = true
			err = m.normalizer.parse(f.bytes)
		case 5:
			spec := newNormalizerSpec()
			m.denormalizer = &spec
			err = spec.parse(f.bytes)
			*m.denormalizer = spec
		}
		return err
	})
	if err == nil && !whole {
		err = errCutOff
	}
	return m, err
}

func parsePiece(b []byte) (piece, error) {
	p := piece{kind: pieceNormal}
	err := eachField(b, func(f field) error {
		switch f.num {
		case 1:
			p.text = string(f.bytes)
			return f.want(protowire.BytesType, "piece")
		case 2:
			p.score = math.Float32frombits(uint32(f.number))
			return f.want(protowire.Fixed32Type, "score")
		case 3:
			p.kind = pieceType(f.number)
			return f.want(protowire.VarintType, "type")
		}
		return nil
	})
	return p, err
}

func (m *modelProto) parseTrainerSpec(b []byte) error {
	names := map[protowire.Number]*string{
		44: &m.unkSurface, 45: &m.unkPiece, 46: &m.bosPiece, 47: &m.eosPiece, 48: &m.padPiece,
	}
	return eachField(b, func(f field) error {
		switch f.num {
		case 3:
			m.algorithm = Algorithm(f.number)
			return f.want(protowire.VarintType, "model_type")
		case 24:
			m.spaceSuffix = f.number != 0
			return f.want(protowire.VarintType, "treat_whitespace_as_suffix")
		case 35:
			m.byteFallback = f.number != 0
			return f.want(protowire.VarintType, "byte_fallback")
		case 44, 45, 46, 47, 48:
			if len(f.bytes) > 0 || f.num == 44 {
				*names[f.num] = string(f.bytes)
			}
			return f.want(protowire.BytesType, "unk_surface to pad_piece")
		}
		return nil
	})
}

func newNormalizerSpec() normalizerSpec {
	return normalizerSpec{addDummyPrefix: true, removeExtraWhitespaces: true, escapeWhitespaces: true}
}

func (s *normalizerSpec) parse(b []byte) error {
	return eachField(b, func(f field) error {
		switch f.num {
		case 1:
			s.name = string(f.bytes)
			return f.want(protowire.BytesType, "name")
		case 2:
			s.charsmap = append([]byte(nil), f.bytes...)
			return f.want(protowire.BytesType, "precompiled_charsmap")
		case 3:
			s.addDummyPrefix = f.number != 0
			return f.want(protowire.VarintType, "add_dummy_prefix")
		case 4:
			s.removeExtraWhitespaces = f.number != 0
			return f.want(protowire.VarintType, "remove_extra_whitespaces")
		case 5:
			s.escapeWhitespaces = f.number != 0
			return f.want(protowire.VarintType, "escape_whitespaces")
		}
		return nil
	})
}
