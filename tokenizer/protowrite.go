package tokenizer

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protobuf message being written.
type message []byte

func (m *message) bytes(num protowire.Number, v []byte) {
	*m = protowire.AppendTag(*m, num, protowire.BytesType)
	*m = protowire.AppendBytes(*m, v)
}

func (m *message) string(num protowire.Number, v string) { m.bytes(num, []byte(v)) }

func (m *message) int(num protowire.Number, v int) {
	*m = protowire.AppendTag(*m, num, protowire.VarintType)
	*m = protowire.AppendVarint(*m, uint64(v))
}

func (m *message) bool(num protowire.Number, v bool) { m.int(num, int(protowire.EncodeBool(v))) }

func (m *message) float(num protowire.Number, v float32) {
	*m = protowire.AppendTag(*m, num, protowire.Fixed32Type)
	*m = protowire.AppendFixed32(*m, math.Float32bits(v))
}

// marshal writes a ModelProto message; opt is what the model was trained with.
// The numbers of fields are those of sentencepiece_model.proto.
func (m *modelProto) marshal(opt *TrainOptions) []byte {
	var out message
	for _, p := range m.pieces {
		var b message
		b.string(1, p.text)
		b.float(2, p.score)
		if p.kind != pieceNormal {
			b.int(3, int(p.kind))
		}
		out.bytes(1, b)
	}
	out.bytes(2, opt.marshal(len(m.pieces)))
	out.bytes(3, m.normalizer.marshal())
	return out
}

func (o *TrainOptions) marshal(size int) message {
	var b message
	b.int(3, int(o.Algorithm))
	b.int(4, size)
	b.float(10, float32(o.CharacterCoverage))
	b.int(20, o.MaxPieceLength)
	b.bool(21, o.SplitByUnicodeScript)
	b.bool(22, o.SplitByWhitespace)
	b.bool(23, o.SplitByNumber)
	b.bool(25, o.SplitDigits)
	for _, s := range o.Control {
		b.string(30, s)
	}
	for _, s := range o.UserDefined {
		b.string(31, s)
	}
	b.bool(33, o.HardVocabLimit)
	b.bool(35, o.ByteFallback)
	b.int(40, int(o.Special.Unknown))
	b.int(41, int(o.Special.Begin))
	b.int(42, int(o.Special.End))
	b.int(43, int(o.Special.Pad))
	return b
}

func (s *normalizerSpec) marshal() message {
	var b message
	b.string(1, s.name)
	b.bytes(2, s.charsmap)
	b.bool(3, s.addDummyPrefix)
	b.bool(4, s.removeExtraWhitespaces)
	b.bool(5, s.escapeWhitespaces)
	return b
}
