package train

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/pretraining"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// PretrainTask is the task of predicting masked words, and whether one segment follows the
// other.
type PretrainTask struct {
	Network *bert.Network

	instances    *pretraining.Set
	train, valid int // instances of each: the first and the last ones
	shuffled

	masks *pretraining.Masks // drawn anew in each epoch; nil for those of the files

	batch        bert.Batch // memory of the current batch
	places       []int32
	words, label []int32
}

// Valid is the number of instances for validation.
func (t *PretrainTask) Valid() int { return t.valid }

func newPretrainTask(c PretrainConfig, n *bert.Network, tok *tokenizer.WordPiece) (*PretrainTask, error) {
	d := c.Data
	if d.Batch < 1 {
		return nil, fmt.Errorf("train: data.batch is %d; want at least 1", d.Batch)
	}
	if n.Encoder.Types < 2 {
		return nil, fmt.Errorf("train: model.types is %d; want at least 2, for the two segments of an instance", n.Encoder.Types)
	}
	if !(d.ValidShare > 0 && d.ValidShare < 1) { // or NaN
		return nil, fmt.Errorf("train: data.valid_share is %v; want more than 0 and less than 1", d.ValidShare)
	}
	set, err := pretraining.Open(d.Dir)
	if err != nil {
		return nil, err
	}
	t := &PretrainTask{Network: n, instances: set, shuffled: shuffled{size: d.Batch, seed: c.Training.Seed}}
	if t.valid = set.Valid; t.valid == 0 {
		t.valid = max(int(d.ValidShare*float64(set.Len())), 1)
	}
	t.train = set.Len() - t.valid
	if t.train < 1 {
		return nil, fmt.Errorf("train: %s has %d instances; want at least 2", d.Dir, set.Len())
	}
	if set.Longest > n.Encoder.MaxLength {
		return nil, fmt.Errorf("train: the instances have up to %d tokens and the model takes %d; set model.max_length", set.Longest, n.Encoder.MaxLength)
	}
	if int(set.TopID) >= tok.Len() {
		return nil, fmt.Errorf("train: the instances have the token %d and the vocabulary %d entries; want the vocabulary that they were made with", set.TopID, tok.Len())
	}
	if ids := set.Instance(0).IDs; ids[0] != tok.Special().Begin || ids[len(ids)-1] != tok.Special().End {
		return nil, fmt.Errorf("train: the first instance of %s is not [CLS], two segments and [SEP] of the vocabulary in %s; want the vocabulary that it was made with", d.Dir, d.Tokenizer)
	}
	t.masks, err = d.masks(set, c.Training.Seed, tok)
	return t, err
}

// masks returns what draws the masks of a set anew, nil where those of the files stay. Their
// share is that of kotoba pretrain-data, and there are at most as many as the files have
// room for.
func (d PretrainDataConfig) masks(set *pretraining.Set, seed uint64, tok *tokenizer.WordPiece) (*pretraining.Masks, error) {
	if !d.DynamicMasking {
		if d.WholeWords {
			return nil, errors.New("train: data.whole_words is set and data.dynamic_masking is not; set it as well, or make the files with --whole-words")
		}
		return nil, nil
	}
	o := pretraining.DefaultOptions()
	o.MaxPredictions, o.WholeWords, o.Seed = set.Room, d.WholeWords, seed
	return pretraining.NewMasks(o, tok)
}

// Params implements Task.
func (t *PretrainTask) Params() []nn.Param { return nn.Params(t.Network) }

// Epoch implements Task: all instances in a new order.
func (t *PretrainTask) Epoch(n int) int { return t.shuffle(n, t.train) }

// Targets implements Task: the masked words.
func (t *PretrainTask) Targets(batch int) int {
	return t.sum(batch, func(i int) int {
		if t.masks != nil {
			return len(t.instance(i).Places)
		}
		_, predictions := t.instances.Size(i)
		return predictions
	})
}

// Reads implements Reader.
func (t *PretrainTask) Reads(batch int) int {
	return t.sum(batch, func(i int) int {
		tokens, _ := t.instances.Size(i)
		return tokens
	})
}

// instance returns instance i as the current epoch reads it.
func (t *PretrainTask) instance(i int) pretraining.Instance {
	in := t.instances.Instance(i)
	if t.masks == nil {
		return in
	}
	return t.masks.Draw(in, t.epoch, i)
}

// fill arranges the instances of a batch, which get returns.
func (t *PretrainTask) fill(which []int, get func(i int) pretraining.Instance) {
	t.batch.Clear()
	t.places, t.words, t.label = t.places[:0], t.words[:0], t.label[:0]
	for _, i := range which {
		in := get(i)
		first := int32(len(t.batch.IDs))
		for _, p := range in.Places {
			t.places = append(t.places, first+p)
		}
		t.words = append(t.words, in.Words...)
		t.batch.Add(in.IDs, len(in.IDs)-in.First)
		label := int32(0) // is next
		if in.Random {
			label = 1
		}
		t.label = append(t.label, label)
	}
}

// Loss implements Task: the mean over masked words, and that over pairs of segments.
func (t *PretrainTask) Loss(tape *tensor.Tape, d *nn.Dropout, batch int, scale float64) (*tensor.Tensor, tensor.Likelihood) {
	t.fill(t.batches[batch], t.instance)
	loss, words, _ := t.losses(bert.Pass{Tape: tape, Dropout: d}, scale)
	return loss, words
}

// losses returns the loss of the batch, scale times that of all words, and the likelihoods
// of words and of pairs.
func (t *PretrainTask) losses(p bert.Pass, scale float64) (loss *tensor.Tensor, words, pairs tensor.Likelihood) {
	n := t.Network
	hidden := n.Encoder.Encode(p, t.batch)
	loss, words = p.CrossEntropy(n.Words(p, hidden, t.places), t.words, tensor.CrossEntropy{Scale: scale})
	if n.NextSentence == nil {
		return loss, words, pairs
	}
	each := scale * float64(len(t.words)) / float64(len(t.label)) // so that it is the mean over pairs
	next, pairs := p.CrossEntropy(n.Next(p, hidden, t.batch.Segments), t.label, tensor.CrossEntropy{Scale: each})
	return p.DropAdd(loss, next, tensor.Mask{}), words, pairs
}

// Validate implements Task. The masks are always those of the files, so that validations
// can be compared.
func (t *PretrainTask) Validate(ctx context.Context) (Validation, error) {
	order := make([]int, t.valid)
	for i := range order {
		order[i] = t.train + i
	}
	var words, pairs tensor.Likelihood
	tape := tensor.NewInferenceTape()
	for which := range slices.Chunk(order, validBatch) {
		if ctx.Err() != nil {
			return Validation{}, ctx.Err()
		}
		tape.Reset()
		t.fill(which, t.instances.Instance)
		_, w, s := t.losses(bert.Pass{Tape: tape}, 1)
		words.Add(w)
		pairs.Add(s)
	}
	v := Validation{Loss: -words.LogProb / float64(words.Tokens), Scores: map[string]float64{"masked_words": share(words)}}
	if pairs.Tokens > 0 {
		v.Scores["next_sentence"] = share(pairs)
	}
	return v, nil
}

// share is that of targets that were the most probable.
func share(l tensor.Likelihood) float64 { return float64(l.Correct) / float64(l.Tokens) }
