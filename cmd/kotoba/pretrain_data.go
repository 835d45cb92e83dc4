package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/internal/filelock"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/pretraining"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

func newPretrainData() *cobra.Command {
	var in []string
	var vocabulary, dir string
	o := pretraining.DefaultOptions()
	c := &cobra.Command{
		Use:   "pretrain-data --tokenizer DIR --in GLOB --out DIR",
		Short: "Make what BERT is pre-trained on from documents",
		Long: `pretrain-data reads documents, a sentence a line and an empty line between two
documents, and writes pairs of segments with masked words, as the program
create_pretraining_data.py of BERT's authors does: TFRecord files of tf.Example, in
shards, part-*.tfrecord to train on and valid-*.tfrecord to validate on. It streams, so that a corpus may be larger than memory, works on all threads, and
writes the same for the same seed on any number of them. --tokenizer is a folder with a
WordPiece vocabulary.`,
		Example: `  kotoba pretrain-data --tokenizer bert-base --in 'corpus/*.txt' --out data --seed 1`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return makePretrainData(ctx, c, vocabulary, in, dir, o)
		},
	}
	f := c.Flags()
	f.StringVar(&vocabulary, "tokenizer", "", "folder of the vocabulary")
	f.StringArrayVar(&in, "in", nil, "files of documents, with * and ?; may be given several times")
	f.StringVar(&dir, "out", "", "folder to write to, which must not have data yet")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "of masks and pairs")
	f.IntVar(&o.MaxLength, "max-length", o.MaxLength, "tokens of an instance")
	f.IntVar(&o.MaxPredictions, "max-predictions", o.MaxPredictions, "masked tokens of an instance at most")
	f.IntVar(&o.Copies, "copies", o.Copies, "times that the text is gone over, with other masks each time")
	f.Float64Var(&o.RandomShare, "random-next", o.RandomShare, "share of second segments that come from another document; 0, for training without next sentences, leaves a sentence alone where none follows")
	f.BoolVar(&o.WholeWords, "whole-words", false, "mask all pieces of a word or none")
	f.Float64Var(&o.ValidShare, "valid-share", o.ValidShare, "share of the sentences that is kept for validation, in files of its own and one copy")
	require(c, "tokenizer", "in", "out")
	return c
}

func makePretrainData(ctx context.Context, c *cobra.Command, vocabulary string, globs []string, dir string, o pretraining.Options) error {
	var paths []string
	for _, g := range globs {
		found, err := data.Files(g)
		if err != nil {
			return fmt.Errorf("--in %s: %w", g, err)
		}
		if len(found) == 0 {
			return fmt.Errorf("--in %s: there is no such file", g)
		}
		for _, path := range found {
			paths = append(paths, filepath.Clean(path))
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths) // what two patterns have found is read once
	folder, err := modelFolder(vocabulary)
	if err != nil {
		return err
	}
	tok, err := tokenizer.LoadWordPiece(folder)
	if err != nil {
		return err
	}
	if err := o.Validate(); err != nil {
		return err
	}
	s := newShards(dir)
	if err := s.begin(); err != nil {
		return err
	}
	defer s.unlock()
	start := time.Now()
	r, err := pretraining.Make(ctx, paths, o, tok, par.Threads(), s.write)
	if err = s.end(err); errors.Is(err, context.Canceled) {
		fmt.Fprintf(c.ErrOrStderr(), "stopped; nothing is left in %s\n", dir)
		return errReported
	}
	if err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	fmt.Fprintf(c.ErrOrStderr(), "%d instances to train on and %d to validate on, of %d documents, %d sentences and %.1f MB of text, in %d files; %.2f MB/s of text, %d times over, %.1f s\n",
		r.Instances, r.Valid, r.Documents, r.Sentences, float64(r.Bytes)/1e6, len(s.names), float64(r.Bytes)/1e6/seconds, o.Copies, seconds)
	if share := float64(r.Random) / float64(r.Instances); share > o.RandomShare+0.25 {
		fmt.Fprintf(c.ErrOrStderr(), "of %.0f %% of the instances the second segment is from another document, where %.0f %% were wanted: many documents have a single sentence. "+
			"Put each sentence on its own line, or leave next sentences out, with --random-next 0 here and data.next_sentence=false in training\n", 100*share, 100*o.RandomShare)
	}
	return nil
}

// shardBytes is the size of a file, but for the last part in it.
const shardBytes = 256 << 20

// shards are the files that records go to. Until all is written they have names that
// training does not take for data.
type shards struct {
	dir          string
	unlock       func()
	names        []string
	train, valid series
}

// series is the files of a kind, of which one is being written.
type series struct {
	name        string // what all names begin with
	count, size int    // of files, and of the one that is being written
	file        *os.File
	out         *bufio.Writer
}

func newShards(dir string) *shards {
	return &shards{dir: dir, train: series{name: pretraining.TrainName}, valid: series{name: pretraining.ValidName}}
}

// unfinished ends the names of files that are being written.
const unfinished = ".unfinished"

// shardsLock is the name of the file whose lock the process has that writes to the folder.
const shardsLock = "pretrain-data.lock"

// begin makes the folder, keeps other processes from writing to it until unlock is called,
// and says whether it has data already.
func (s *shards) begin() error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	f, err := filelock.Open(filepath.Join(s.dir, shardsLock))
	if errors.Is(err, filelock.ErrLocked) {
		return fmt.Errorf("--out: %s is being written to by another process; name another folder", s.dir)
	}
	if err != nil {
		return fmt.Errorf("--out: %w; name another folder", err)
	}
	s.unlock = func() { _ = f.Close() } // which unlocks; nothing was written
	found, err := pretraining.Files(s.dir)
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("--out: %s exists; name a folder without data", found[0])
	}
	if err != nil {
		s.unlock()
	}
	return err
}

// write writes records to train on and records to validate on.
func (s *shards) write(train, valid []byte) error {
	return cmp.Or(s.add(&s.train, train), s.add(&s.valid, valid))
}

func (s *shards) add(to *series, records []byte) error {
	if len(records) == 0 {
		return nil
	}
	if to.file == nil || to.size >= shardBytes {
		if err := s.next(to); err != nil {
			return err
		}
	}
	to.size += len(records)
	if _, err := to.out.Write(records); err != nil {
		return fmt.Errorf("%s: %w; make room, or name another folder", to.file.Name(), err)
	}
	return nil
}

// next opens the next file of a series.
func (s *shards) next(to *series) error {
	if err := to.close(); err != nil {
		return err
	}
	name := filepath.Join(s.dir, fmt.Sprintf("%s-%05d%s", to.name, to.count, pretraining.Extension))
	f, err := os.Create(name + unfinished) // over what a killed process has left
	if err != nil {
		return fmt.Errorf("--out: %w; name another folder", err)
	}
	to.file, to.out, to.size, to.count = f, bufio.NewWriterSize(f, 1<<20), 0, to.count+1
	s.names = append(s.names, name)
	return nil
}

// end gives the files their names, or removes them where there is an error.
func (s *shards) end(err error) error {
	err = errors.Join(err, s.train.close(), s.valid.close())
	done := 0
	for done < len(s.names) && err == nil {
		if err = os.Rename(s.names[done]+unfinished, s.names[done]); err == nil {
			done++
		}
	}
	if err == nil {
		return nil
	}
	for i, name := range s.names {
		if i >= done {
			name += unfinished
		}
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

func (s *series) close() error {
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.out.Flush(), s.file.Sync(), s.file.Close())
	s.file = nil
	if err != nil {
		return fmt.Errorf("--out: %w; make room, or name another folder", err)
	}
	return nil
}
