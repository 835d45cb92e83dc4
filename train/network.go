package train

import (
	"errors"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// network is what training, decoding and scoring ask of a model that translates.
type network interface {
	// Params returns what is trained and stored.
	Params() []nn.Param
	// Loss returns the cross entropy of a batch; d is nil in evaluation.
	Loss(t *tensor.Tape, d *nn.Dropout, b nn.Batch, c tensor.CrossEntropy) (*tensor.Tensor, tensor.Likelihood)
	// Decoder begins to decode a batch of sources.
	Decoder(src nn.Sequences) decode.Stepper
	// Attention returns the attention that writes target while reading source.
	Attention(m *Model, source, target []int32) (inspect.Attention, error)
	// Limits returns the id that a target begins with, and the longest sequence.
	Limits() (start int32, maxLength int)
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
	return attentive{m}, err
}

// attentive is a Transformer as a network.
type attentive struct{ *transformer.Model }

func (n attentive) Params() []nn.Param { return nn.Params(n.Model) }

func (n attentive) Loss(t *tensor.Tape, d *nn.Dropout, b nn.Batch, c tensor.CrossEntropy) (*tensor.Tensor, tensor.Likelihood) {
	return n.Model.Loss(transformer.Pass{Tape: t, Dropout: d}, b, c)
}

func (n attentive) Decoder(src nn.Sequences) decode.Stepper { return n.NewDecoder(src) }

func (n attentive) Attention(m *Model, source, target []int32) (inspect.Attention, error) {
	return inspect.AttentionOf(n.Model, m.Source, m.Target, source, target), nil
}

func (n attentive) Limits() (start int32, maxLength int) { return int32(n.Start), n.MaxLength }

// recurrent is an encoder-decoder of recurrent layers as a network.
type recurrent struct{ *seq2seq.Model }

func (n recurrent) Params() []nn.Param { return nn.Params(n.Model) }

func (n recurrent) Loss(t *tensor.Tape, d *nn.Dropout, b nn.Batch, c tensor.CrossEntropy) (*tensor.Tensor, tensor.Likelihood) {
	return n.Model.Loss(seq2seq.Pass{Tape: t, Dropout: d}, b, c)
}

func (n recurrent) Decoder(src nn.Sequences) decode.Stepper { return n.NewDecoder(src) }

func (n recurrent) Attention(m *Model, source, target []int32) (inspect.Attention, error) {
	if n.Model.Attention == nil {
		return inspect.Attention{}, errors.New("train: the model has no attention; train one with recurrent.attention")
	}
	return inspect.AttentionOfSeq2Seq(n.Model, m.Source, m.Target, source, target), nil
}

func (n recurrent) Limits() (start int32, maxLength int) { return int32(n.Start), n.MaxLength }
