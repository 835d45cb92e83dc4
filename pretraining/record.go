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

// record returns an instance as the authors' program writes it: a tf.Example with
// padding.
func (in Instance) record(o Options) []byte {
	ids, mask, segments := make([]int64, o.MaxLength), make([]int64, o.MaxLength), make([]int64, o.MaxLength)
	for i, id := range in.IDs {
		ids[i], mask[i] = int64(id), 1
		if i >= in.First {
			segments[i] = 1
		}
	}
	places, words := make([]int64, o.MaxPredictions), make([]int64, o.MaxPredictions)
	weights := make([]float32, o.MaxPredictions)
	for i, p := range in.Places {
		places[i], words[i], weights[i] = int64(p), int64(in.Words[i]), 1
	}
	next := int64(0)
	if in.Random {
		next = 1
	}
	var all []byte
	for _, f := range []struct {
		name string
		ints []int64
	}{
		{"input_ids", ids},
		{"input_mask", mask},
		{"segment_ids", segments},
		{featurePlaces, places},
		{"masked_lm_ids", words},
		{"next_sentence_labels", []int64{next}},
	} {
		all = appendFeature(all, f.name, fieldInts, packInts(f.ints))
	}
	all = appendFeature(all, "masked_lm_weights", fieldFloats, packFloats(weights))
	example := protowire.AppendTag(nil, fieldFeatures, protowire.BytesType)
	return protowire.AppendBytes(example, all)
}

const fieldFloats = 2

// featurePlaces is the feature of what is to be predicted, padded to as many predictions as
// an instance may have.
const featurePlaces = "masked_lm_positions"

func packInts(x []int64) (b []byte) {
	for _, v := range x {
		b = protowire.AppendVarint(b, uint64(v))
	}
	return b
}

func packFloats(x []float32) (b []byte) {
	for _, v := range x {
		bits := uint32(0)
		if v != 0 {
			bits = 0x3f800000 // 1
		}
		b = protowire.AppendFixed32(b, bits)
	}
	return b
}

// appendFeature appends an entry of the map: a name and a packed list of some type.
func appendFeature(dst []byte, name string, kind protowire.Number, packed []byte) []byte {
	list := protowire.AppendTag(nil, fieldList, protowire.BytesType)
	list = protowire.AppendBytes(list, packed)
	feature := protowire.AppendTag(nil, kind, protowire.BytesType)
	feature = protowire.AppendBytes(feature, list)
	entry := protowire.AppendTag(nil, fieldKey, protowire.BytesType)
	entry = protowire.AppendString(entry, name)
	entry = protowire.AppendTag(entry, fieldValue, protowire.BytesType)
	entry = protowire.AppendBytes(entry, feature)
	dst = protowire.AppendTag(dst, fieldEntry, protowire.BytesType)
	return protowire.AppendBytes(dst, entry)
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
