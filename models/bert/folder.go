package bert

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/jsonerror"
	"github.com/kotoba-nlp/kotoba/nn"
)

const configFile = "config.json"

// folderConfig is config.json: the shape, and what says what a model is.
type folderConfig struct {
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"`
	Config
	Positions  string            `json:"position_embedding_type"`
	Decoder    bool              `json:"is_decoder"`
	Labels     map[string]string `json:"id2label,omitempty"`
	IDs        map[string]int    `json:"label2id,omitempty"`
	Problem    Problem           `json:"problem_type,omitempty"`
	Pad        int               `json:"pad_token_id"`
	TorchType  string            `json:"dtype"`
	TieWeights bool              `json:"tie_word_embeddings"`
}

// Problem is what the numbers of a classifier are: problem_type of config.json. Without
// one, they are of labels that exclude each other, or a single one is of a label that is
// there or not.
type Problem string

// The problems that make a difference.
const (
	Regression Problem = "regression"                 // numbers as they are
	MultiLabel Problem = "multi_label_classification" // any of the labels, or none
)

// Folder is what a Hugging Face folder of a BERT model holds, but for its tokenizer.
type Folder struct {
	Network *Network
	Labels  []string // of the classifier, nil where it has no names or is of one number
	Problem Problem
	Choices bool // the classifier's score is of one choice among several
	// NullThreshold is by how much the score of no answer must be above that of the best one,
	// as the run has found that made the model; nil where its questions have answers.
	NullThreshold *float64

	path string    // of config.json
	file io.Closer // nil unless mapped
}

// Open reads config.json and the weights of a folder in the layout of Hugging Face. The
// heads are those that the weights have; what a classifier is of, words or texts, is said
// by architectures. A tensor that is missing, unexpected or of another shape is an error
// that names it.
func Open(dir string) (*Folder, error) {
	f, err := open(dir, checkpoint.Load)
	if err != nil {
		return nil, err
	}
	err = f.Close()
	f.file = nil
	return f, err
}

// Map is Open without a copy of the weights where the folder has them as they are used:
// they are views of its file, which all programs that map it share. The file must not be
// truncated until Close.
func Map(dir string) (*Folder, error) {
	return open(dir, func(f checkpoint.Source, params []nn.Param, _ ...checkpoint.Tensor) error {
		return checkpoint.Map(f, params)
	})
}

// Close lets go of the file of a folder that was mapped, whose network must not be used
// any more.
func (f *Folder) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// filler gives parameters the tensors of a source.
type filler func(f checkpoint.Source, params []nn.Param, extra ...checkpoint.Tensor) error

func open(dir string, fill filler) (_ *Folder, err error) {
	path := filepath.Join(dir, configFile)
	c, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	file, err := checkpoint.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if _, err := os.Stat(filepath.Join(dir, checkpoint.WordsFile)); err == nil { // or it is in tokenizer.json
		if err := checkpoint.CheckVocabulary(file, dir); err != nil {
			return nil, err
		}
	}
	n, err := load(file, c.Config, fill)
	if err != nil {
		return nil, err
	}
	if slices.Contains(c.Architectures, tokenClassification) {
		n.Encoder.Pooler = nil // old ones have it beside
	}
	labels, err := c.labels(n)
	if err != nil {
		return nil, fmt.Errorf("bert: %s: %w", path, err)
	}
	f := &Folder{
		Network: n, Labels: labels, Problem: c.Problem, Choices: slices.Contains(c.Architectures, multipleChoice),
		path: path, file: file,
	}
	if text, ok := file.Metadata()[NullThresholdKey]; ok {
		threshold, err := ParseThreshold(text)
		if err != nil {
			return nil, fmt.Errorf("bert: %s: %w", file.Path(), err)
		}
		f.NullThreshold = &threshold
	}
	return f, nil
}

// NullThresholdKey is the metadata of weights that [Folder.NullThreshold] is read from.
const NullThresholdKey = "null_threshold"

// FormatThreshold returns the metadata of a threshold.
func FormatThreshold(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// ParseThreshold returns the threshold of that metadata.
func ParseThreshold(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %.40q; want a number", NullThresholdKey, text)
	}
	return x, nil
}

// CheckVocabulary says whether a tokenizer of so many entries can be the model's. The table
// of words may have unused rows where its size is rounded up to a multiple that is fast, a
// power of two.
func (f *Folder) CheckVocabulary(entries int) error {
	rows := f.Network.Encoder.Vocab
	multiple := min(rows&-rows, 1024)
	if entries > rows || entries <= rows-multiple {
		return fmt.Errorf("bert: %s: the tokenizer has %d entries and the weights are of %d; put the vocabulary of the model into the folder", f.path, entries, rows)
	}
	return nil
}

// maxConfigSize bounds config.json, of which the names of labels are the most.
const maxConfigSize = 1 << 24

func readConfig(path string) (c folderConfig, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("bert: %w; want a folder of a BERT model in the layout of Hugging Face", err)
	}
	if err != nil {
		return c, fmt.Errorf("bert: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxConfigSize+1))
	if err == nil && len(text) > maxConfigSize {
		err = fmt.Errorf("it has more than %d bytes; want the configuration of a model", maxConfigSize)
	}
	if err == nil {
		c, err = parseConfig(text)
	}
	if err != nil {
		return c, fmt.Errorf("bert: %s: %w", path, err)
	}
	return c, nil
}

// sizeKeys are what config.json must say, as it is different in each model.
var sizeKeys = []string{"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings"}

// parseConfig reads and checks a config.json.
func parseConfig(text []byte) (folderConfig, error) {
	// What older files leave out.
	c := folderConfig{Positions: "absolute", Config: Config{Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.02}}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, jsonerror.Plain(err)
	}
	switch {
	case c.ModelType != "bert":
		return c, fmt.Errorf("model_type is %.40q; only bert is supported", c.ModelType)
	case c.Positions != "absolute":
		return c, fmt.Errorf("position_embedding_type is %.40q; only absolute is supported", c.Positions)
	case c.Decoder:
		return c, errors.New("is_decoder is true; only encoders are supported")
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return c, err
	}
	for _, key := range sizeKeys {
		if value := given[key]; value == nil || string(value) == "null" {
			return c, fmt.Errorf("%s is missing; want the number that the weights were made with", key)
		}
	}
	return c, c.check()
}

// labels returns the names of the classifier's labels in order, nil where its output is a
// number, or a score of one choice.
func (c folderConfig) labels(n *Network) ([]string, error) {
	if n.Classifier == nil || c.Problem == Regression || slices.Contains(c.Architectures, multipleChoice) || len(c.Labels) == 0 {
		return nil, nil
	}
	names := make([]string, n.Classifier.Weight.Rows())
	for i := range names {
		name, ok := c.Labels[fmt.Sprint(i)]
		if !ok {
			return nil, fmt.Errorf("id2label has no %d; the classifier has %d labels", i, len(names))
		}
		names[i] = name
	}
	return names, nil
}

// load returns the network that a folder holds.
func load(f checkpoint.Source, c Config, fill filler) (*Network, error) {
	r, err := rename(f)
	if err != nil {
		return nil, err
	}
	err = checkSizes(r, c)
	if errors.Is(err, errMissing) {
		err = fmt.Errorf("%w; %w", err, checkNames(r, c))
	}
	if err != nil {
		return nil, err
	}
	n, err := newAsIn(r, c, func(name string) (rows int, err error) {
		shape, _ := r.Shape(name + "weight")
		if len(shape) != 2 || shape[1] != c.Dim || shape[0] < 1 {
			return 0, fmt.Errorf("bert: %s: tensor %q has shape %v; want (labels, %d)", f.Path(), name+"weight", shape, c.Dim)
		}
		if name == answerName && shape[0] != 2 {
			return 0, fmt.Errorf("bert: %s: tensor %q has shape %v; want (2, %d), for the start and the end of an answer", f.Path(), name+"weight", shape, c.Dim)
		}
		return shape[0], nil
	})
	if err != nil {
		return nil, err
	}
	if err := fill(r, nn.Params(n)); err != nil {
		return nil, err
	}
	return n, checkpoint.CheckFinite(f.Path(), nn.Params(n))
}

// Beginnings of the names of the tensors of heads.
const (
	classifierName = "classifier."
	answerName     = "qa_outputs."
)

// newAsIn returns a network with the parts that a source has, without weights. rows says how
// many rows the head has whose tensors have names that begin so.
func newAsIn(f checkpoint.Source, c Config, rows func(name string) (int, error)) (*Network, error) {
	n, err := NewPretraining(c, nil)
	if err != nil {
		return nil, err
	}
	has := func(prefix string) bool {
		return slices.ContainsFunc(f.Names(), func(name string) bool { return strings.HasPrefix(name, prefix) })
	}
	if !has("cls.predictions.") {
		n.Predictions = nil
	}
	if !has("cls.seq_relationship.") {
		n.NextSentence = nil
	}
	if !has("bert.pooler.") {
		n.Encoder.Pooler = nil
	}
	for name, head := range map[string]**nn.Linear{classifierName: &n.Classifier, answerName: &n.Answer} {
		if !has(name) {
			continue
		}
		outputs, err := rows(name)
		if err != nil {
			return nil, err
		}
		l := c.linear(c.Dim, outputs, nil)
		*head = &l
	}
	return n, nil
}

// checkNames says which tensors a source lacks and which it has beyond those of a
// configuration, by a network of the smallest size that has as many layers.
func checkNames(f checkpoint.Source, c Config) error {
	c.Dim, c.Heads, c.Vocab, c.MaxLength, c.Types, c.FFN = 1, 1, 1, 3, 1, 1
	c.Layers = min(c.Layers, len(f.Names()))
	n, err := newAsIn(f, c, func(string) (int, error) { return 1, nil })
	if err != nil {
		return err
	}
	return checkpoint.Load(f, nn.Params(n))
}

// errMissing is the error of a tensor that is not there.
var errMissing = errors.New("there is no tensor")

// checkSizes says where a configuration and the weights differ, before memory is taken
// for what the configuration says: what is taken is in proportion to the tensors here.
func checkSizes(f checkpoint.Source, c Config) error {
	check := func(name, keys string, rows, cols int) error {
		got, ok := f.Shape(name)
		switch {
		case !ok:
			return fmt.Errorf("bert: %s: %w %q; %s says that there is one, of shape [%d %d] (%s)", f.Path(), errMissing, name, configFile, rows, cols, keys)
		case !slices.Equal(got, []int{rows, cols}):
			return fmt.Errorf("bert: %s: tensor %q has shape %v; %s says [%d %d] (%s)", f.Path(), name, got, configFile, rows, cols, keys)
		}
		return nil
	}
	err := cmp.Or(
		check(wordsName, "vocab_size, hidden_size", c.Vocab, c.Dim),
		check("bert.embeddings.position_embeddings.weight", "max_position_embeddings, hidden_size", c.MaxLength, c.Dim),
		check("bert.embeddings.token_type_embeddings.weight", "type_vocab_size, hidden_size", c.Types, c.Dim),
	)
	for i := 0; i < c.Layers && err == nil; i++ {
		layer := fmt.Sprintf("bert.encoder.layer.%d.", i)
		err = cmp.Or(
			check(layer+"attention.self.query.weight", "hidden_size, hidden_size", c.Dim, c.Dim),
			check(layer+"intermediate.dense.weight", "intermediate_size, hidden_size", c.FFN, c.Dim),
		)
	}
	return err
}
