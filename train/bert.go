package train

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// fineTuning is appendix A.3 of Devlin et al. 2018, but with the moments' bias corrected:
// without, the first hundreds of steps are up to six times as long as the rate says, from
// which small data sets do not recover (Zhang et al. 2021, "Revisiting Few-sample BERT
// Fine-tuning", section 4; Mosbach et al. 2021).
var fineTuning = Options{
	Seed: 1, Accumulate: 1, MaxEpochs: 3, Clip: 1, Optimizer: "adam",
	Schedule: "linear", Rate: 5e-5, WarmupShare: 0.1, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-6, WeightDecay: 0.01,
}

// openEncoder opens what fine-tuning begins with.
func openEncoder(dir string) (*bert.Model, *tokenizer.WordPiece, error) {
	if dir == "" {
		return nil, nil, errors.New("train: init is not given; name a folder of a BERT model")
	}
	n, tok, err := pipeline.Load(dir)
	if err != nil {
		return nil, nil, err
	}
	return n.Encoder, tok, nil
}

// newBERTSession opens the folder of a run of an encoder for training, and makes it where
// there is none.
func newBERTSession(dir, format string, o Options, task Task, f *bert.Folder, tok *tokenizer.WordPiece) (session, error) {
	batches := task.Epoch(0)
	if batches == 0 {
		return session{}, errNoExamples
	}
	if o.Smoothing != 0 || o.BatchTokens != 0 || o.PerSentence {
		return session{}, fmt.Errorf("train: training.label_smoothing is %v, batch_tokens %d and per_sentence %v, which BERT does not have; leave them out", o.Smoothing, o.BatchTokens, o.PerSentence)
	}
	if o.ValidateEvery == 0 {
		o.ValidateEvery = o.epoch(batches)
	}
	if err := o.Validate(); err != nil {
		return session{}, err
	}
	s := newSession(dir, o, f.Network.Encoder.Dim, task)
	s.best = checkpoint.WeightsFile
	// But for the weights the folder is one in the layout of Hugging Face from the beginning.
	return s, beginFolder(dir, format, lastFile, func() error {
		return errors.Join(f.SaveConfig(dir), tok.SaveFolder(dir, f.Network.Encoder.MaxLength))
	})
}

// openRun opens the encoder of a run and returns the task that is made of it and of the run's
// configuration. The encoder stays open unless there is an error.
func openRun[C, T any](dir string, kind Kind[C], newTask func(c C, e *pipeline.Encoder) (T, error)) (t T, err error) {
	c, err := kind.Read(filepath.Join(dir, configFile))
	if err != nil {
		return t, err
	}
	e, err := pipeline.Open(dir)
	if err != nil {
		return t, err
	}
	if t, err = newTask(c, e); err != nil {
		err = errors.Join(err, e.Close())
	}
	return t, err
}

// checkValid says what is wrong with where validation is to come from: a file, or else a
// share of what is there for training.
func checkValid(file string, share float64) error {
	if file == "" && !(share > 0 && share < 1) { // or NaN
		return fmt.Errorf("train: data.valid_share is %v and data.valid is not given; want more than 0 and less than 1, or a file", share)
	}
	return nil
}

// shuffled is examples in batches of one size, in a new order in each epoch.
type shuffled struct {
	size    int // examples of a batch
	seed    uint64
	epoch   int     // that the batches are of
	batches [][]int // numbers of examples
}

// shuffle arranges so many examples for an epoch and returns the number of batches.
func (s *shuffled) shuffle(epoch, examples int) int {
	s.epoch = epoch
	order := rand.New(rand.NewPCG(s.seed, uint64(epoch)+1)).Perm(examples)
	s.batches = slices.Collect(slices.Chunk(order, s.size))
	return len(s.batches)
}

// sum adds up a number of each example of a batch.
func (s *shuffled) sum(batch int, of func(example int) int) (n int) {
	for _, i := range s.batches[batch] {
		n += of(i)
	}
	return n
}

// validBatch is the number of sequences of a batch of validation.
const validBatch = 32

// byLength parts so many examples in batches for validation, the longest ones first.
func byLength(examples int, length func(example int) int) iter.Seq[[]int] {
	order := make([]int, examples)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return length(b) - length(a) })
	return slices.Chunk(order, validBatch)
}
