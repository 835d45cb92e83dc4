package bert

import (
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Network is an encoder with the heads that it has.
type Network struct {
	Encoder      *Model       `param:"bert"`
	Predictions  *Predictions `param:"cls.predictions"`      // masked words (section 3.1, task 1)
	NextSentence *nn.Linear   `param:"cls.seq_relationship"` // D -> 2: is next, is not (task 2)
	Classifier   *nn.Linear   `param:"classifier"`           // of sequences, choices or tokens: D -> labels (section 4)
	Answer       *nn.Linear   `param:"qa_outputs"`           // D -> 2: start and end of an answer (section 4.2)
}

// Predictions predict the words at masked places: a layer of their own, and then the
// embeddings of words as the output matrix.
type Predictions struct {
	Dense nn.Linear      `param:"transform.dense"`
	Norm  nn.LayerNorm   `param:"transform.LayerNorm"`
	Bias  *tensor.Tensor `param:"bias"` // (1, V)
}

// NewPretraining returns a network with the heads of pre-training and random weights, or
// zeros without r.
func NewPretraining(c Config, r *rand.Rand) (*Network, error) {
	m, err := New(c, r)
	if err != nil {
		return nil, err
	}
	n := &Network{Encoder: m}
	n.AddPretraining(r)
	return n, nil
}

// AddPretraining gives a network those heads of pre-training, and the pooler, that it does
// not have.
func (n *Network) AddPretraining(r *rand.Rand) {
	c := n.Encoder.Config
	if n.NextSentence == nil {
		next := c.linear(c.Dim, 2, r)
		n.NextSentence = &next
	}
	if n.Predictions == nil {
		n.Predictions = &Predictions{Dense: c.linear(c.Dim, c.Dim, r), Norm: c.norm(), Bias: tensor.New(1, c.Vocab)}
	}
	if n.Encoder.Pooler == nil {
		n.Encoder.AddPooler(r)
	}
}

// NewClassifier puts a new head for some labels on an encoder.
func NewClassifier(m *Model, labels int, r *rand.Rand) *Network {
	head := m.linear(m.Dim, labels, r)
	return &Network{Encoder: m, Classifier: &head}
}

// NewAnswerer puts a new head for answers on an encoder.
func NewAnswerer(m *Model, r *rand.Rand) *Network {
	head := m.linear(m.Dim, 2, r)
	return &Network{Encoder: m, Answer: &head}
}

// Words returns the logits of the vocabulary, (rows, V), at some rows of the hidden
// states: the masked places alone, which is a small part of the work for all of them.
func (n *Network) Words(p Pass, hidden *tensor.Tensor, rows []int32) *tensor.Tensor {
	h := n.Predictions
	x := p.Embed(hidden, rows, -1, 1)
	x = p.Linear(x, tensor.Linear{Weight: h.Dense.Weight, Bias: h.Dense.Bias, Activation: activations[n.Encoder.Activation]})
	return p.Linear(h.Norm.Forward(p.Tape, x), tensor.Linear{Weight: n.Encoder.Embeddings.Words, Bias: h.Bias})
}

// Next returns the logits of the second sentence of each pair following the first one,
// column 0, or not, column 1: (B, 2).
func (n *Network) Next(p Pass, hidden *tensor.Tensor, s tensor.Segments) *tensor.Tensor {
	return n.NextSentence.Forward(p.Tape, n.Encoder.Pool(p, hidden, s))
}

// Classify returns the logits of the labels of each sequence from [CLS], (B, labels).
func (n *Network) Classify(p Pass, hidden *tensor.Tensor, s tensor.Segments) *tensor.Tensor {
	pooled := p.Tape.Dropout(n.Encoder.Pool(p, hidden, s), p.Dropout.Mask(n.Encoder.Dropout))
	return n.Classifier.Forward(p.Tape, pooled)
}

// Label returns the logits of the labels of each token, (T, labels).
func (n *Network) Label(p Pass, hidden *tensor.Tensor) *tensor.Tensor {
	return n.Classifier.Forward(p.Tape, p.Tape.Dropout(hidden, p.Dropout.Mask(n.Encoder.Dropout)))
}

// Spans returns for each token the logits of an answer starting and ending there, (T, 2).
func (n *Network) Spans(p Pass, hidden *tensor.Tensor) *tensor.Tensor {
	return n.Answer.Forward(p.Tape, hidden)
}

// Pack prepares the weights for inference. A packed network must not be trained.
func (n *Network) Pack() {
	e := n.Encoder.Embeddings
	tables := []*tensor.Tensor{e.Positions, e.Types}
	if n.Predictions == nil {
		tables = append(tables, e.Words)
	}
	nn.Pack(n, tables...)
}
