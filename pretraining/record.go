package pretraining

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of a tf.Example: features, a map from name to feature, a feature's list of
// integers (tensorflow/core/example/feature.proto).
const (
	fieldFeatures = 1
	fieldEntry    = 1
	fieldKey      = 1
	fieldValue    = 2
	fieldInts     = 3
	fieldList     = 1
)

// record is a tf.Example that is being written.
type record struct {
	features, packed, example []byte
}

// of returns an instance as the authors' program writes it, with padding, until the next call.
func (r *record) of(in Instance, o Options) []byte {
	random := 0
	if in.Random {
		random = 1
	}
	r.features = r.features[:0]
	r.ints("input_ids", in.IDs, o.MaxLength)
	r.flags("input_mask", 0, len(in.IDs), o.MaxLength)
	r.flags("segment_ids", in.First, len(in.IDs), o.MaxLength)
	r.ints(featurePlaces, in.Places, o.MaxPredictions)
	r.ints("masked_lm_ids", in.Words, o.MaxPredictions)
	r.flags("next_sentence_labels", 0, random, 1)
	r.packed = r.packed[:0]
	for i := range o.MaxPredictions {
		weight := float32(0)
		if i < len(in.Places) {
			weight = 1
		}
		r.packed = protowire.AppendFixed32(r.packed, math.Float32bits(weight))
	}
	r.feature("masked_lm_weights", fieldFloats)
	r.example = protowire.AppendTag(r.example[:0], fieldFeatures, protowire.BytesType)
	r.example = protowire.AppendBytes(r.example, r.features)
	return r.example
}

// recordSize is about how many bytes a record takes at most.
func (o Options) recordSize() int { return 200 + o.MaxLength*(3+1+1) + o.MaxPredictions*(2+3+4) }

const fieldFloats = 2

// featurePlaces is the feature of what is to be predicted, padded to as many predictions as
// an instance may have.
const featurePlaces = "masked_lm_positions"

// ints appends a feature of integers and, up to so many, zeros.
func (r *record) ints(name string, x []int32, padded int) {
	r.packed = r.packed[:0]
	for _, v := range x {
		r.packed = protowire.AppendVarint(r.packed, uint64(v))
	}
	r.fill(0, padded-len(x))
	r.feature(name, fieldInts)
}

// flags appends a feature of ones from first to end and zeros around them.
func (r *record) flags(name string, first, end, padded int) {
	r.packed = r.packed[:0]
	r.fill(0, first)
	r.fill(1, end-first)
	r.fill(0, padded-end)
	r.feature(name, fieldInts)
}

// fill appends n integers below 128, a byte each.
func (r *record) fill(value byte, n int) {
	for range n {
		r.packed = append(r.packed, value)
	}
}

// feature appends an entry of the map: a name and the packed list, of some type.
func (r *record) feature(name string, kind protowire.Number) {
	message := func(number protowire.Number, size int) int {
		return protowire.SizeTag(number) + protowire.SizeBytes(size)
	}
	list := message(fieldList, len(r.packed))
	feature := message(kind, list)
	entry := message(fieldKey, len(name)) + message(fieldValue, feature)
	r.open(fieldEntry, entry)
	r.open(fieldKey, len(name))
	r.features = append(r.features, name...)
	r.open(fieldValue, feature)
	r.open(kind, list)
	r.open(fieldList, len(r.packed))
	r.features = append(r.features, r.packed...)
}

// open begins a field of so many bytes.
func (r *record) open(number protowire.Number, size int) {
	r.features = protowire.AppendTag(r.features, number, protowire.BytesType)
	r.features = protowire.AppendVarint(r.features, uint64(size))
}

// Parse reads what record has written, or the authors' program.
func Parse(record []byte) (Instance, error) {
	ints, err := parseInts(record)
	if err != nil {
		return Instance{}, err
	}
	return instanceOf(ints)
}

// parseInts returns the lists of integers of a record by name.
func parseInts(record []byte) (map[string][]int64, error) {
	ints := map[string][]int64{}
	features, err := field(record, fieldFeatures)
	if err != nil {
		return nil, err
	}
	for len(features) > 0 {
		entry, rest, err := next(features)
		if err != nil {
			return nil, err
		}
		features = rest
		name, err1 := field(entry, fieldKey)
		feature, err2 := field(entry, fieldValue)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if list, err := field(feature, fieldInts); err == nil {
			packed, err := field(list, fieldList)
			if err != nil {
				return nil, err
			}
			if ints[string(name)], err = unpackInts(packed); err != nil {
				return nil, err
			}
		}
	}
	return ints, nil
}

var errRecord = errors.New("pretraining: a record is none of an instance; want what kotoba pretrain-data writes")

// next returns the content of the first field of a message and what follows it.
func next(message []byte) (content, rest []byte, err error) {
	_, kind, n := protowire.ConsumeTag(message)
	if n < 0 || kind != protowire.BytesType {
		return nil, nil, errRecord
	}
	content, m := protowire.ConsumeBytes(message[n:])
	if m < 0 {
		return nil, nil, errRecord
	}
	return content, message[n+m:], nil
}

// field returns the content of a field of a message.
func field(message []byte, number protowire.Number) ([]byte, error) {
	for len(message) > 0 {
		got, _, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, errRecord
		}
		content, rest, err := next(message)
		if err != nil {
			return nil, err
		}
		if got == number {
			return content, nil
		}
		message = rest
	}
	return nil, errRecord
}

func unpackInts(packed []byte) (x []int64, err error) {
	for len(packed) > 0 {
		v, n := protowire.ConsumeVarint(packed)
		if n < 0 {
			return nil, errRecord
		}
		x, packed = append(x, int64(v)), packed[n:]
	}
	return x, nil
}

// instanceOf drops the padding.
func instanceOf(ints map[string][]int64) (in Instance, err error) {
	ids, mask, segments := ints["input_ids"], ints["input_mask"], ints["segment_ids"]
	places, words, label := ints[featurePlaces], ints["masked_lm_ids"], ints["next_sentence_labels"]
	if len(ids) == 0 || len(mask) != len(ids) || len(segments) != len(ids) || len(places) != len(words) || len(label) != 1 {
		return in, errRecord
	}
	for i, id := range ids {
		if mask[i] == 0 {
			break
		}
		if id < 0 || id > math.MaxInt32 {
			return in, fmt.Errorf("%w: token %d", errRecord, id)
		}
		in.IDs = append(in.IDs, int32(id))
		if segments[i] == 0 {
			in.First = i + 1
		}
	}
	for i, p := range places {
		if p == 0 {
			break // [CLS] is never masked: padding
		}
		if p < 0 || int(p) >= len(in.IDs) {
			return in, fmt.Errorf("%w: place %d of %d tokens", errRecord, p, len(in.IDs))
		}
		if words[i] < 0 || words[i] > math.MaxInt32 {
			return in, fmt.Errorf("%w: masked token %d", errRecord, words[i])
		}
		in.Places, in.Words = append(in.Places, int32(p)), append(in.Words, int32(words[i]))
	}
	in.Random = label[0] == 1
	return in, nil
}
