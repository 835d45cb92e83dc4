package pretraining

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"unicode/utf8"

	"github.com/kotoba-nlp/kotoba/internal/tfrecord"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// A part of the corpus is what instances are made of independently of the rest: so much
// text that random segments come from many documents, and so little that what is made of
// it takes little memory.
const (
	partBytes     = 1 << 20
	documentBytes = 1 << 18 // a longer document is taken for several
	lineBytes     = 1 << 20 // of a line at most
)

// byteOrderMark stands at the beginning of texts that some programs write.
var byteOrderMark = []byte("\ufeff")

// Result is what has been made.
type Result struct {
	Documents, Sentences int
	Instances, Valid     int   // to train on, and to validate on
	Bytes                int64 // of text
}

// Make reads documents, a sentence a line and an empty line between two documents, and
// gives write the records of their instances, those to train on and those to validate on,
// part by part and always in the same order. No text is in both.
// It works on threads parts at a time, and what comes out does not depend on their number.
func Make(ctx context.Context, paths []string, o Options, tok *tokenizer.WordPiece, threads int, write func(records, valid []byte) error) (Result, error) {
	if err := o.Validate(); err != nil {
		return Result{}, err
	}
	if err := checkMask(tok); err != nil {
		return Result{}, err
	}
	if threads < 1 {
		return Result{}, fmt.Errorf("pretraining: %d threads; want at least 1", threads)
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	parts, failed := start(reading, paths, threads, func(p *part) made { return p.make(o, tok) })
	var all Result
	var broken error
	for p := range parts {
		m := <-p.done
		if broken != nil || reading.Err() != nil {
			continue // let the readers end
		}
		all.Documents, all.Sentences, all.Bytes = all.Documents+m.Documents, all.Sentences+m.Sentences, all.Bytes+m.Bytes
		all.Instances, all.Valid = all.Instances+m.Instances, all.Valid+m.Valid
		if broken = write(m.records, m.valid); broken != nil {
			stop()
		}
	}
	if broken != nil {
		return all, broken
	}
	if err := cmp.Or(<-failed, ctx.Err()); err != nil { // parts that came after ctx had ended are lost
		return all, err
	}
	if all.Instances == 0 {
		return all, errors.New("pretraining: there is no text; want documents of a sentence a line, with empty lines between")
	}
	return all, nil
}

func checkMask(tok *tokenizer.WordPiece) error {
	if tok.Mask() == tokenizer.None {
		return errors.New("pretraining: the vocabulary has no [MASK]; want one of BERT")
	}
	return nil
}

// start reads the parts of files, works on some at a time, and returns them in order, being
// worked on or waiting for it, and what reading has come to.
func start(ctx context.Context, paths []string, threads int, do func(p *part) made) (<-chan *part, <-chan error) {
	parts, work, failed := make(chan *part, threads), make(chan *part), make(chan error, 1)
	for range threads {
		go func() {
			for p := range work {
				p.done <- do(p)
			}
		}()
	}
	go func() {
		defer close(work)
		defer close(parts)
		failed <- read(ctx, paths, func(p *part) error {
			select {
			case parts <- p:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case work <- p:
			case <-ctx.Done():
				p.done <- made{}
				return ctx.Err()
			}
			return nil
		})
	}()
	return parts, failed
}

// part is some documents, still text.
type part struct {
	number    int
	documents [][][]byte
	bytes     int64
	done      chan made
}

// made is what has become of a part.
type made struct {
	Result
	records, valid []byte
}

// make makes the instances of a part, in random order.
func (p *part) make(o Options, tok *tokenizer.WordPiece) made {
	m := newMaker(o, tok, uint64(p.number))
	out := made{Result: Result{Bytes: p.bytes}}
	var all []document
	for _, lines := range p.documents {
		var doc document
		for _, line := range lines {
			if ids := tok.Encode(string(line)); len(ids) > 0 {
				doc = append(doc, ids)
			}
		}
		if len(doc) > 0 {
			all = append(all, doc)
			out.Sentences += len(doc)
		}
	}
	out.Documents = len(all)
	fit, held := hold(all, o.ValidShare)
	out.records, out.Instances = m.records(fit, o.Copies)
	out.valid, out.Valid = m.records(held, 1)
	return out
}

// heldSentences is how many sentences are held at least of a document, if it has as many: a
// segment wants others beside it.
const heldSentences = 16

// hold parts documents in two: of all sentences a share is held, the ends of documents and
// whole short ones all over the part, so that a random segment has other documents to come
// from. One sentence at least is not held.
func hold(all []document, share float64) (fit, held []document) {
	owed := 0.0
	for i, doc := range all {
		owed += share * float64(len(doc))
		n := int(owed)
		if i == len(all)-1 {
			n = int(math.Ceil(owed))
		} else if n < min(len(doc), heldSentences) {
			n = 0
		}
		n = min(n, len(doc))
		if len(fit) == 0 {
			n = min(n, len(doc)-1)
		}
		owed -= float64(n)
		if n < len(doc) {
			fit = append(fit, doc[:len(doc)-n])
		}
		if n > 0 {
			held = append(held, doc[len(doc)-n:])
		}
	}
	return fit, held
}

// records returns the instances of documents, gone over so many times, in random order.
func (m *maker) records(all []document, copies int) (records []byte, n int) {
	var instances []Instance
	for range copies {
		for which := range all {
			instances = append(instances, m.instances(all, which)...)
		}
	}
	m.r.Shuffle(len(instances), func(i, j int) { instances[i], instances[j] = instances[j], instances[i] })
	for _, in := range instances {
		records = tfrecord.Append(records, in.record(m.Options))
	}
	return records, len(instances)
}

// reader collects documents to parts.
type reader struct {
	part     *part
	document [][]byte
	size     int // of the document
	give     func(p *part) error
}

// read gives the parts of files in order.
func read(ctx context.Context, paths []string, give func(p *part) error) error {
	r := &reader{part: &part{done: make(chan made, 1)}, give: give}
	for _, path := range paths {
		if err := r.file(ctx, path); err != nil {
			return err
		}
	}
	if len(r.part.documents) == 0 {
		return nil
	}
	return r.give(r.part)
}

func (r *reader) file(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("pretraining: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	in := bufio.NewReaderSize(f, lineBytes)
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("pretraining: %s:%d: the line is longer than %d bytes; put a sentence on each line", path, number, lineBytes)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("pretraining: %s: %w", path, err)
		}
		end := errors.Is(err, io.EOF)
		r.part.bytes += int64(len(line))
		if !utf8.Valid(line) {
			return fmt.Errorf("pretraining: %s:%d: not valid UTF-8; convert it, for example with iconv", path, number)
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, byteOrderMark)
		}
		if err := r.line(bytes.TrimSpace(line), end); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if end {
			return nil
		}
	}
}

// line adds a sentence, or ends a document.
func (r *reader) line(text []byte, end bool) error {
	if len(text) > 0 {
		r.document, r.size = append(r.document, bytes.Clone(text)), r.size+len(text)
	}
	if len(r.document) > 0 && (len(text) == 0 || end || r.size >= documentBytes) {
		r.part.documents = append(r.part.documents, r.document)
		r.document, r.size = nil, 0
	}
	if r.part.bytes < partBytes || len(r.document) > 0 || len(r.part.documents) == 0 {
		return nil
	}
	full := r.part
	r.part = &part{number: full.number + 1, done: make(chan made, 1)}
	return r.give(full)
}
