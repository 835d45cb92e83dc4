package decode

import (
	"fmt"
	"math"
	"slices"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// System is a trained model that turns sentences into sentences. Several goroutines may use
// one at a time.
type System struct {
	// Start begins to decode a batch of source sequences, which end with the
	// end symbol.
	Start          func(src [][]int32) Stepper
	Source, Target tokenizer.Tokenizer // one and the same where the languages share a vocabulary
	Begin          int32               // the token that decoding starts from
	MaxLength      int                 // longest sequence that the model takes, the end symbol among it
}

// Begin returns the token that decoding starts from: the padding symbol, as in
// Marian, or that of the beginning in a vocabulary without padding.
func Begin(tok tokenizer.Tokenizer) int32 {
	if s := tok.Special(); s.Pad != tokenizer.None {
		return s.Pad
	}
	return tok.Special().Begin
}

// CheckTokenizer says what a vocabulary lacks for decoding.
func CheckTokenizer(tok tokenizer.Tokenizer) error {
	if tok.Special().End == tokenizer.None || Begin(tok) == tokenizer.None {
		return fmt.Errorf("decode: the vocabulary needs an end symbol and one for padding or the beginning; it has %+v", tok.Special())
	}
	return nil
}

// TranslateOptions says how a System translates. Begin, End and Banned of
// Options are the tokenizer's business, and so are the streams of Sampling.
type TranslateOptions struct {
	Options
	First       int  // number of the first line, from 0, which with the seed decides what is drawn at random for it
	BatchTokens int  // source tokens of a batch
	SplitLong   bool // translate lines that are too long in parts instead of refusing them
}

// DefaultTranslate returns the options of greedy search.
func DefaultTranslate() TranslateOptions {
	return TranslateOptions{Options: Options{Beam: 1, NBest: 1}, BatchTokens: 2048}
}

// Translation is the translation of one line.
type Translation struct {
	Text       string
	Hypothesis // of the model; of a line in parts, joined
}

// targetLimit bounds the length of a translation, in tokens, by that of its
// source: twice as long and 50 more, as is usual.
func targetLimit(source, limit int) int { return min(2*source+50, limit) }

// Translate translates lines and returns up to NBest translations of each,
// best first. An empty line is its own translation.
func (s System) Translate(lines []string, o TranslateOptions) ([][]Translation, error) {
	if o.MinLength > s.MaxLength {
		return nil, fmt.Errorf("decode: translations have at least %d tokens and the model writes %d at most", o.MinLength, s.MaxLength)
	}
	special := s.Target.Special()
	o.Begin, o.End = s.Begin, special.End
	for _, id := range []int32{special.Pad, special.Begin} {
		if id != tokenizer.None && id != special.End {
			o.Banned = append(o.Banned, id)
		}
	}
	var parts []data.Example
	var owner []int
	var streams []uint64 // a line's number, and in the upper half that of the part
	for i, line := range lines {
		ids := s.Source.Encode(line)
		if len(ids) == 0 {
			continue
		}
		if len(ids) >= s.MaxLength && !o.SplitLong {
			return nil, fmt.Errorf("decode: line %d has %d tokens and the model takes %d; split it, or ask for long lines to be translated in parts",
				o.First+i+1, len(ids), s.MaxLength-1)
		}
		for n, part := range s.split(ids) {
			parts = append(parts, data.Example{Source: append(slices.Clip(part), s.Source.Special().End)})
			owner = append(owner, i)
			streams = append(streams, uint64(n)<<32|uint64(o.First+i))
		}
	}
	results, err := s.run(parts, streams, o)
	if err != nil {
		return nil, err
	}
	out := make([][]Translation, len(lines))
	for p, h := range results {
		out[owner[p]] = join(out[owner[p]], s.texts(h))
	}
	for i := range out {
		if out[i] == nil {
			out[i] = []Translation{{Hypothesis: Hypothesis{Ended: true}}}
		}
	}
	return out, nil
}

// run decodes all parts, in batches of similar length, each with its random stream.
func (s System) run(parts []data.Example, streams []uint64, o TranslateOptions) ([][]Hypothesis, error) {
	results := make([][]Hypothesis, len(parts))
	for _, batch := range data.SortedBatches(parts, max(o.BatchTokens, 1)) {
		var src [][]int32
		var limits []int
		var drawn []uint64
		for _, i := range batch {
			src = append(src, parts[i].Source)
			limits = append(limits, max(targetLimit(len(parts[i].Source), s.MaxLength), o.MinLength))
			drawn = append(drawn, streams[i])
		}
		stepper := s.Start(src)
		if o.Sampling != nil {
			sampling := *o.Sampling
			sampling.Streams, o.Sampling = drawn, &sampling
		}
		hyps, err := Run(stepper, limits, o.Options)
		if c, ok := stepper.(interface{ Close() }); ok {
			c.Close() // lends its memory to the next
		}
		if err != nil {
			return nil, err
		}
		for j, i := range batch {
			results[i] = hyps[j]
		}
	}
	return results, nil
}

// split cuts ids into parts that the model takes, as equal as they can be.
func (s System) split(ids []int32) [][]int32 {
	room := s.MaxLength - 1
	n := (len(ids) + room - 1) / room
	var parts [][]int32
	for i := range n {
		parts = append(parts, ids[i*len(ids)/n:(i+1)*len(ids)/n])
	}
	return parts
}

func (s System) texts(hyps []Hypothesis) []Translation {
	var out []Translation
	for _, h := range hyps {
		out = append(out, Translation{Text: s.Target.Decode(h.Tokens), Hypothesis: h})
	}
	return out
}

// join appends the translations of the next part of a line, rank by rank.
func join(line, part []Translation) []Translation {
	if line == nil {
		return part
	}
	line = line[:min(len(line), len(part))]
	for i, p := range part[:len(line)] {
		line[i].Text += " " + p.Text
		line[i].Tokens = append(line[i].Tokens, p.Tokens...)
		line[i].LogProb += p.LogProb
		line[i].Score = math.Min(line[i].Score, p.Score)
		line[i].Ended = line[i].Ended && p.Ended
	}
	return line
}
