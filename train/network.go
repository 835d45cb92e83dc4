package train

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// network is what training, decoding and scoring ask of a model that translates.
type network interface {
	// Params returns what is trained and stored.
	Params() []nn.Param
	// Forward returns the logits of the token after each of b.Input; d is nil in evaluation.
	Forward(t *tensor.Tape, d *nn.Dropout, b nn.Batch) *tensor.Tensor
	// Decoder begins to decode a batch of sources.
	Decoder(src nn.Sequences) decode.Stepper
	// Attention returns the attention that writes target while reading source.
	Attention(m *Model, source, target []int32) (inspect.Attention, error)
	// Limits returns the id that a target begins with, and the longest sequence.
	Limits() (start int32, maxLength int)
	// Kept returns how many numbers of a pair training surely keeps with their gradients.
	Kept(source, target int) float64
	Pack()
	Unpack()
}

// newNetwork returns the network that a configuration describes, with random weights.
func newNetwork(c Config, seed uint64) (network, error) {
	r := rand.New(rand.NewPCG(seed, 0))
	if c.IsRecurrent() {
		m, err := seq2seq.New(c.Recurrent, r)
		return recurrent{m}, err
	}
	m, err := transformer.New(c.Model, r)
	return attentive{m, int32(c.Model.Start)}, err
}

// attentive is a Transformer as a network. It need not embed what a target begins with as
// zeros, as it does Model.Start.
type attentive struct {
	*transformer.Model
	begin int32
}

func (n attentive) Params() []nn.Param { return nn.Params(n.Model) }

func (n attentive) Forward(t *tensor.Tape, d *nn.Dropout, b nn.Batch) *tensor.Tensor {
	return n.Model.Forward(transformer.Pass{Tape: t, Dropout: d}, b)
}

func (n attentive) Decoder(src nn.Sequences) decode.Stepper { return n.NewDecoder(src) }

func (n attentive) Attention(m *Model, source, target []int32) (inspect.Attention, error) {
	return inspect.AttentionOf(n.Model, n.begin, m.Source, m.Target, source, target), nil
}

func (n attentive) Limits() (start int32, maxLength int) { return n.begin, n.MaxLength }

// recurrent is an encoder-decoder of recurrent layers as a network.
type recurrent struct{ *seq2seq.Model }

func (n recurrent) Params() []nn.Param { return nn.Params(n.Model) }

func (n recurrent) Forward(t *tensor.Tape, d *nn.Dropout, b nn.Batch) *tensor.Tensor {
	return n.Model.Forward(seq2seq.Pass{Tape: t, Dropout: d}, b)
}

func (n recurrent) Decoder(src nn.Sequences) decode.Stepper { return n.NewDecoder(src) }

func (n recurrent) Attention(m *Model, source, target []int32) (inspect.Attention, error) {
	if n.Model.Attention == nil {
		return inspect.Attention{}, errors.New("train: the model has no attention; train one with recurrent.attention")
	}
	return inspect.AttentionOfSeq2Seq(n.Model, m.Source, m.Target, source, target), nil
}

func (n recurrent) Limits() (start int32, maxLength int) { return int32(n.Start), n.MaxLength }

// Ensemble returns models that translate and score as one; see [decode.Ensemble]. They must share a
// vocabulary. Configuration and attention are those of the first.
func Ensemble(models ...*Model) (*Model, error) {
	if len(models) == 0 {
		return nil, errors.New("train: an ensemble of no models; want at least one")
	}
	all := ensemble{network: models[0].network}
	for i, m := range models {
		all.networks = append(all.networks, packedOnce{m.network, m})
		if !sameVocabulary(m.Source, models[0].Source) || !sameVocabulary(m.Target, models[0].Target) {
			return nil, fmt.Errorf("train: model %d of the ensemble has another vocabulary than the first; train them on one, with tokenizer.model", i+1)
		}
	}
	first := models[0]
	return &Model{Config: first.Config, Source: first.Source, Target: first.Target, network: all}, nil
}

func sameVocabulary(a, b tokenizer.Tokenizer) bool {
	if a.Len() != b.Len() || a.Special() != b.Special() {
		return false
	}
	for id := range int32(a.Len()) {
		if a.Token(id) != b.Token(id) {
			return false
		}
	}
	return true
}

// packedOnce is the network of a model that others may be using: it is packed as that is, and
// stays so.
type packedOnce struct {
	network
	model *Model
}

func (p packedOnce) Pack() { p.model.packed() }

// ensemble is networks that decode and score as one. What it does not say is the first
// one's.
type ensemble struct {
	network
	networks []network
}

func (e ensemble) Forward(t *tensor.Tape, d *nn.Dropout, b nn.Batch) *tensor.Tensor {
	all := make([]*tensor.Tensor, len(e.networks))
	for i, n := range e.networks {
		all[i] = n.Forward(t, d, b)
	}
	return decode.MeanLogits(all)
}

func (e ensemble) Decoder(src nn.Sequences) decode.Stepper {
	var all decode.Ensemble
	for _, n := range e.networks {
		all = append(all, n.Decoder(src))
	}
	return all
}

// Limits returns the shortest of the longest sequences.
func (e ensemble) Limits() (start int32, maxLength int) {
	start, maxLength = e.network.Limits()
	for _, n := range e.networks {
		_, limit := n.Limits()
		maxLength = min(maxLength, limit)
	}
	return start, maxLength
}

func (e ensemble) Pack() {
	for _, n := range e.networks {
		n.Pack()
	}
}

func (e ensemble) Unpack() {
	for _, n := range e.networks {
		n.Unpack()
	}
}
