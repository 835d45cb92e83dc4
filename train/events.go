package train

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/kotoba-nlp/kotoba/internal/tfrecord"
)

// eventsPrefix begins the name of a file of events.
const eventsPrefix = "events.out.tfevents."

// eventWriter writes scalars as TensorBoard reads them: a file of TFRecords,
// each an Event message (tensorflow/core/util/event.proto).
type eventWriter struct{ f *os.File }

// newEventWriter starts a new file in dir for what comes after a step. A run that was
// resumed has several, which TensorBoard joins; it leaves out what an earlier one has of
// later steps.
func newEventWriter(dir string, step int) (*eventWriter, error) {
	earlier, err := fs.Glob(os.DirFS(dir), eventsPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	now := time.Now()
	name := fmt.Sprintf(eventsPrefix+"%d.%d.kotoba", now.Unix(), now.Nanosecond())
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	w := &eventWriter{f}
	version := protowire.AppendTag(w.event(0), 3, protowire.BytesType) // file_version
	err = w.record(protowire.AppendString(version, "brain.Event:2"))
	if len(earlier) > 0 && err == nil {
		start := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)                      // START
		err = w.record(protowire.AppendBytes(protowire.AppendTag(w.event(step+1), 7, protowire.BytesType), start)) // session_log
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

func (w *eventWriter) close() error { return w.f.Close() }

// event starts an Event of a step.
func (w *eventWriter) event(step int) []byte {
	b := protowire.AppendTag(nil, 1, protowire.Fixed64Type) // wall_time
	b = protowire.AppendFixed64(b, math.Float64bits(float64(time.Now().UnixNano())/1e9))
	b = protowire.AppendTag(b, 2, protowire.VarintType) // step
	return protowire.AppendVarint(b, uint64(step))
}

// scalars writes the values of a step.
func (w *eventWriter) scalars(step int, values map[string]float64) error {
	var summary []byte
	for _, tag := range slices.Sorted(maps.Keys(values)) {
		v := protowire.AppendTag(nil, 1, protowire.BytesType) // tag
		v = protowire.AppendString(v, tag)
		v = protowire.AppendTag(v, 2, protowire.Fixed32Type) // simple_value
		v = protowire.AppendFixed32(v, math.Float32bits(float32(values[tag])))
		summary = protowire.AppendTag(summary, 1, protowire.BytesType) // value
		summary = protowire.AppendBytes(summary, v)
	}
	e := protowire.AppendTag(w.event(step), 5, protowire.BytesType) // summary
	return w.record(protowire.AppendBytes(e, summary))
}

// record writes one record.
func (w *eventWriter) record(data []byte) error {
	if _, err := w.f.Write(tfrecord.Append(nil, data)); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}
