package train

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
)

// known is a task that can tell its data from others.
type known interface {
	// numbers gives add what the examples are made of, those of training and validation.
	numbers(add func(numbers ...int32))
}

// fingerprint returns a hash of the data of a task, "" where it cannot tell.
func fingerprint(t Task) string {
	k, ok := t.(known)
	if !ok {
		return ""
	}
	h := fnv.New64a()
	var buffer []byte
	k.numbers(func(numbers ...int32) {
		buffer = binary.LittleEndian.AppendUint32(buffer[:0], uint32(len(numbers)))
		for _, n := range numbers {
			buffer = binary.LittleEndian.AppendUint32(buffer, uint32(n))
		}
		_, _ = h.Write(buffer) // it cannot fail
	})
	return fmt.Sprintf("%016x", h.Sum64())
}

func (t *Translation) numbers(add func(...int32)) {
	for _, e := range slices.Concat(t.train, t.valid) {
		add(e.Source...)
		add(e.Target...)
	}
}

func (t *LMTask) numbers(add func(...int32)) {
	add(t.fit.ids...)
	add(t.valid.ids...)
}

func (t *ClassifyTask) numbers(add func(...int32)) {
	for _, x := range slices.Concat(t.train, t.valid) {
		for _, in := range x.inputs {
			add(in.IDs...)
		}
		add(x.label, int32(math.Float32bits(float32(x.value))))
	}
}

func (t *LabelTask) numbers(add func(...int32)) {
	for _, x := range slices.Concat(t.train, t.valid) {
		add(x.IDs...)
		add(x.labels...)
	}
}

func (t *AnswerTask) numbers(add func(...int32)) {
	for _, x := range slices.Concat(t.train, t.right) {
		add(x.IDs...)
		add(x.start, x.end)
	}
}

func (t *PretrainTask) numbers(add func(...int32)) {
	add(int32(t.instances.Sum), int32(t.instances.Len()))
}
