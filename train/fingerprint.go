package train

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"slices"
)

// known is a task that can tell its data from others.
type known interface {
	// numbers returns what the examples are made of, those of training and validation.
	numbers() iter.Seq[[]int32]
}

// fingerprint returns a hash of the data of a task, "" where it cannot tell.
func fingerprint(t Task) string {
	k, ok := t.(known)
	if !ok {
		return ""
	}
	h := fnv.New64a()
	var buffer []byte
	for numbers := range k.numbers() {
		buffer = binary.LittleEndian.AppendUint32(buffer[:0], uint32(len(numbers)))
		for _, n := range numbers {
			buffer = binary.LittleEndian.AppendUint32(buffer, uint32(n))
		}
		_, _ = h.Write(buffer) // it cannot fail
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

func (t *Translation) numbers() iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		for _, e := range slices.Concat(t.train, t.valid) {
			if !yield(e.Source) || !yield(e.Target) {
				return
			}
		}
	}
}

func (t *LMTask) numbers() iter.Seq[[]int32] {
	return slices.Values([][]int32{t.fit.ids, t.valid.ids})
}

func (t *ClassifyTask) numbers() iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		for _, x := range slices.Concat(t.train, t.valid) {
			for _, in := range x.inputs {
				if !yield(in.IDs) {
					return
				}
			}
			if !yield([]int32{x.label, int32(math.Float32bits(float32(x.value)))}) {
				return
			}
		}
	}
}

func (t *LabelTask) numbers() iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		for _, x := range slices.Concat(t.train, t.valid) {
			if !yield(x.IDs) || !yield(x.labels) {
				return
			}
		}
	}
}

func (t *AnswerTask) numbers() iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		for _, x := range slices.Concat(t.train, t.right) {
			if !yield(x.IDs) || !yield([]int32{x.start, x.end}) {
				return
			}
		}
	}
}

// numbers are the sizes of the instances: to read all of them would take as long as an
// epoch.
func (t *PretrainTask) numbers() iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		for i := range t.instances.Len() {
			tokens, predictions := t.instances.Size(i)
			if !yield([]int32{int32(tokens), int32(predictions)}) {
				return
			}
		}
	}
}
