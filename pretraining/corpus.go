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
	"sync"
	"unicode/utf8"

	"github.com/kotoba-nlp/kotoba/internal/tfrecord"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// A part of the corpus is what instances are made of independently of the rest: so much
// text that random segments come from many documents, and so little that what is made of
// it takes little memory.
const (
	partBytes     = 1 << 20
	recordBytes   = 1 << 23 // of the records, one a document, that a part has at least
	documentBytes = 1 << 18 // a longer document is taken for several
	lineBytes     = 1 << 20 // of a line at most
)

// blockParts is how many parts are held in memory to be gone over: all of them once, all
// of them a second time, and so on, so that the copies of a text are apart.
const blockParts = 16

// byteOrderMark stands at the beginning of texts that some programs write.
var byteOrderMark = []byte("\ufeff")

// Result is what has been made.
type Result struct {
	Documents, Sentences int
	Instances, Valid     int   // to train on, and to validate on
	Random               int   // of those to train on, with a second segment from another document
	Bytes                int64 // of text
}

// Make reads documents, a sentence a line and an empty line between two documents, and
// gives write the records of their instances, those to train on and those to validate on,
// part by part and always in the same order. No text is in both.
// It works on threads parts at a time, and what comes out does not depend on their number.
// Memory is bounded for a corpus and a number of copies of any size: blockParts parts and,
// for each thread, two times what is made of one.
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
	rounds, failed := start(reading, paths, o, threads, func(r round) made { return r.make(o, tok) })
	var all Result
	var broken error
	for r := range rounds {
		m := <-r.done
		if broken != nil || reading.Err() != nil {
			continue // let the readers end
		}
		all.Documents, all.Sentences, all.Bytes = all.Documents+m.Documents, all.Sentences+m.Sentences, all.Bytes+m.Bytes
		all.Instances, all.Valid, all.Random = all.Instances+m.Instances, all.Valid+m.Valid, all.Random+m.Random
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

// start reads the parts of files, works on some rounds at a time, and returns them in order,
// being worked on or waiting for it, and what reading has come to.
func start(ctx context.Context, paths []string, o Options, threads int, do func(r round) made) (<-chan round, <-chan error) {
	rounds, work, failed := make(chan round, threads), make(chan round), make(chan error, 1)
	for range threads {
		go func() {
			for r := range work {
				r.done <- do(r)
			}
		}()
	}
	give := func(p *part, pass int) error {
		r := round{part: p, pass: pass, done: make(chan made, 1)}
		select {
		case rounds <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case work <- r:
		case <-ctx.Done():
			r.done <- made{}
			return ctx.Err()
		}
		return nil
	}
	go func() {
		defer close(work)
		defer close(rounds)
		b := block{copies: o.Copies, give: give}
		err := read(ctx, paths, o.recordSize(), b.add)
		if err == nil {
			err = b.end()
		}
		failed <- err
	}()
	return rounds, failed
}

// block is parts of which each has been gone over once.
type block struct {
	parts  []*part
	copies int
	give   func(p *part, pass int) error
}

func (b *block) add(p *part) error {
	b.parts = append(b.parts, p)
	if err := b.give(p, 0); err != nil {
		return err
	}
	if len(b.parts) < blockParts {
		return nil
	}
	return b.end()
}

// end goes over the parts as often as is left to do.
func (b *block) end() error {
	for pass := 1; pass < b.copies; pass++ {
		for _, p := range b.parts {
			if err := b.give(p, pass); err != nil {
				return err
			}
		}
	}
	b.parts = nil
	return nil
}

// part is some documents, first as text and then, once it has been gone over, as tokens.
type part struct {
	number int
	text   [][][]byte
	bytes  int64

	tokenize             sync.Once
	fit, held            []document // to train on, and to validate on
	documents, sentences int
}

// round is going over a part once.
type round struct {
	*part
	pass int // from 0
	done chan made
}

// made is what a round has made. Of a part's text the first one tells the size.
type made struct {
	Result
	records, valid []byte
}

// make makes the instances of a round, in random order.
func (r round) make(o Options, tok *tokenizer.WordPiece) (out made) {
	r.tokenize.Do(func() { r.encode(tok, o.ValidShare) })
	m := newMaker(o, tok, uint64(r.pass)<<32|uint64(r.number))
	out.records, out.Instances, out.Random = m.records(r.fit)
	if r.pass > 0 {
		return out
	}
	out.valid, out.Valid, _ = m.records(r.held)
	out.Documents, out.Sentences, out.Bytes = r.documents, r.sentences, r.bytes
	return out
}

// encode takes a part's text for its tokens, of which a share is held.
func (p *part) encode(tok *tokenizer.WordPiece, share float64) {
	var all []document
	for _, lines := range p.text {
		var doc document
		for _, line := range lines {
			if ids := tok.Encode(string(line)); len(ids) > 0 {
				doc = append(doc, ids)
			}
		}
		if len(doc) > 0 {
			all, p.sentences = append(all, doc), p.sentences+len(doc)
		}
	}
	p.documents, p.text = len(all), nil
	p.fit, p.held = hold(all, share)
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

// records returns the instances of documents, in random order, how many they are and how
// many have a random second segment.
func (m *maker) records(all []document) (records []byte, n, random int) {
	var made []byte
	ends := []int{0}
	for which := range all {
		for _, in := range m.instances(all, which) {
			made = tfrecord.Append(made, m.record.of(in, m.Options))
			ends = append(ends, len(made))
			if in.Random {
				random++
			}
		}
	}
	n = len(ends) - 1
	records = make([]byte, 0, len(made))
	for _, i := range m.r.Perm(n) {
		records = append(records, made[ends[i]:ends[i+1]]...)
	}
	return records, n, random
}

// reader collects documents to parts.
type reader struct {
	part     *part
	document [][]byte
	size     int // of the document
	record   int // bytes of a record
	give     func(p *part) error
}

// read gives the parts of files in order.
func read(ctx context.Context, paths []string, record int, give func(p *part) error) error {
	r := &reader{part: &part{}, record: record, give: give}
	for _, path := range paths {
		if err := r.file(ctx, path); err != nil {
			return err
		}
	}
	if len(r.part.text) == 0 {
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
		r.part.text = append(r.part.text, r.document)
		r.document, r.size = nil, 0
	}
	full := r.part.bytes >= partBytes || len(r.part.text)*r.record >= recordBytes
	if !full || len(r.document) > 0 || len(r.part.text) == 0 {
		return nil
	}
	p := r.part
	r.part = &part{number: p.number + 1}
	return r.give(p)
}
