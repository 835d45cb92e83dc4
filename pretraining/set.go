package pretraining

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edsrzf/mmap-go"

	"github.com/kotoba-nlp/kotoba/internal/tfrecord"
)

// Set is the instances of a folder, in the order in which they were made. It maps its files
// into memory, until the process ends, and is safe for concurrent use. The files must not change meanwhile.
type Set struct {
	Longest int    // tokens of an instance
	Most    int    // predictions of an instance
	Room    int    // predictions of an instance at most, by the recipe of the files
	TopID   int32  // the largest token
	Valid   int    // instances to validate on, the last ones
	Sum     uint32 // checksum of all instances in their order

	records [][]byte
	sizes   []size
}

// size is what an instance has of tokens and predictions.
type size struct{ tokens, predictions int32 }

// Names of the files of a folder.
const (
	Extension = ".tfrecord"
	TrainName = "part"  // begins those to train on, which may have any other name too
	ValidName = "valid" // begins those to validate on
)

// Files returns the .tfrecord files of a folder, in order; none where there is no folder.
func Files(dir string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(dir), "*"+Extension)
	if err != nil {
		return nil, fmt.Errorf("pretraining: %w", err)
	}
	for i := range names {
		names[i] = filepath.Join(dir, names[i])
	}
	return names, nil
}

// Open opens all .tfrecord files of a folder and reads them once: afterwards no instance
// can be found to be damaged.
func Open(dir string) (*Set, error) {
	paths, err := Files(dir)
	if err != nil {
		return nil, err
	}
	s, train := &Set{}, 0
	for _, valid := range []bool{false, true} {
		train = s.Len()
		for _, path := range paths {
			if strings.HasPrefix(filepath.Base(path), ValidName+"-") != valid {
				continue
			}
			if err := s.add(path); err != nil {
				return nil, fmt.Errorf("pretraining: %s: %w", path, err)
			}
		}
	}
	s.Valid = s.Len() - train
	if train == 0 {
		return nil, fmt.Errorf("pretraining: %s has no instances; want the folder that kotoba pretrain-data has written", dir)
	}
	return s, nil
}

// add takes the records of a file.
func (s *Set) add(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // the mapping stays
	if info, err := f.Stat(); err != nil || info.Size() == 0 {
		return err // there is nothing to map
	}
	mapped, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		return err
	}
	for r, n := bytes.NewReader(mapped), 1; ; n++ { // records of this file
		record, err := tfrecord.Read(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
		ints, err := parseInts(record)
		if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
		in, err := instanceOf(ints)
		if err == nil && (len(in.IDs) == 0 || len(in.Places) == 0) {
			err = errRecord
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
		s.Longest, s.Most, s.Room = max(s.Longest, len(in.IDs)), max(s.Most, len(in.Places)), max(s.Room, len(ints[featurePlaces]))
		s.TopID = max(s.TopID, slices.Max(in.IDs), slices.Max(in.Words))
		end := len(mapped) - r.Len() - tfrecord.After
		s.Sum = crc32.Update(s.Sum, crc32.MakeTable(crc32.Castagnoli), record)
		s.records = append(s.records, mapped[end-len(record):end])
		s.sizes = append(s.sizes, size{int32(len(in.IDs)), int32(len(in.Places))})
	}
}

// Len is the number of instances.
func (s *Set) Len() int { return len(s.records) }

// Size returns how many tokens and predictions instance i has.
func (s *Set) Size(i int) (tokens, predictions int) {
	return int(s.sizes[i].tokens), int(s.sizes[i].predictions)
}

// Instance returns instance i.
func (s *Set) Instance(i int) Instance {
	in, err := Parse(s.records[i])
	if err != nil {
		panic(err) // Open has read it
	}
	return in
}
